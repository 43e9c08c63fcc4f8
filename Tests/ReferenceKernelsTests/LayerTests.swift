import GraphIR
import ReferenceKernels
import Testing

struct ConvolutionTests {
  private func conv(_ window: Window = Window(), groups: Int = 1, _ activation: Activation = .none) -> Op {
    .conv(Conv(window: window, groups: groups, activation: activation))
  }

  @Test func plain() throws {
    let y = try evaluate(conv(), counting([1, 1, 3, 3]), floats([1, 1, 2, 2], [1, 10, 100, 1000]), .vector([0.5]))
    #expect(y == floats([1, 1, 2, 2], [5421.5, 6532.5, 8754.5, 9865.5]))
  }

  @Test func padsAndStrides() throws {
    let window = Window(strides: [2, 2], pads: [1, 0, 0, 1])
    let y = try evaluate(conv(window), counting([1, 1, 3, 3]), floats([1, 1, 2, 2], [1, 10, 100, 1000]))
    #expect(y == floats([1, 1, 2, 2], [2100, 300, 8754, 906]))
  }

  @Test func dilations() throws {
    let y = try evaluate(conv(Window(dilations: [2])), counting([1, 1, 5]), floats([1, 1, 2], [1, 100]))
    #expect(y == floats([1, 1, 3], [301, 402, 503]))
  }

  @Test func groups() throws {
    let y = try evaluate(conv(groups: 2), floats([1, 4, 1], [1, 2, 3, 4]), floats([2, 2, 1], [1, 10, 100, 1000]))
    #expect(y == floats([1, 2, 1], [21, 4300]))
  }

  @Test func channelsSamplesAndThreeAxes() throws {
    let x = counting([2, 2, 1, 1, 2])
    let y = try evaluate(conv(), x, floats([1, 2, 1, 1, 2], [1, 10, 100, 1000]))
    #expect(y == floats([2, 1, 1, 1, 1], [4321, 8765]))
  }

  @Test func activations() throws {
    let x = floats([1, 1, 3], [-2, 1, 9])
    let one = floats([1, 1, 1], [1])
    #expect(try evaluate(conv(.init(), .relu), x, one).floats == [0, 1, 9])
    #expect(try evaluate(conv(.init(), .clip(-1, 6)), x, one).floats == [-1, 1, 6])
  }

  @Test func roundsOnce() throws {
    let x = floats([1, 3, 1], [16_777_216, 1, -16_777_216])
    #expect(try evaluate(conv(), x, floats([1, 3, 1], [1, 1, 1])).floats == [1])
  }

  @Test(arguments: [DataType.float16, .bfloat16, .float64])
  func otherWidths(_ element: DataType) throws {
    let x = try reals(element, [1, 2, 3]).reshaped([1, 1, 3])
    let w = try reals(element, [1, 2]).reshaped([1, 1, 2])
    let y = try evaluate(conv(), x, w)
    #expect(y.type == TensorType(element, [1, 1, 2]) && y.floats == [5, 8])
  }

  @Test func emptyBatch() throws {
    let y = try evaluate(conv(), floats([0, 1, 3], []), floats([1, 1, 2], [1, 1]))
    #expect(y.type == TensorType(.float32, [0, 1, 2]))
  }
}

struct DenseTests {
  @Test func dense() throws {
    let y = try evaluate(
      .dense(Dense(activation: .relu)), floats([2, 2], [1, 2, -3, 4]), floats([3, 2], [1, 0, 0, 1, 10, 1]), .vector([0, 1, 2]))
    #expect(y == floats([2, 3], [1, 3, 14, 0, 5, 0]))
  }

  @Test func matmul() throws {
    let y = try evaluate(.matmul, counting([2, 1, 2]), counting([2, 2]))
    #expect(y == floats([2, 1, 2], [7, 10, 15, 22]))
  }

  @Test func matmulOfIntegersWraps() throws {
    let y = try evaluate(.matmul, .integers(.int8, [1, 2], [100, 100]), .integers(.int8, [2, 1], [1, 1]))
    #expect(y.integers == [-56])
    let large = Tensor(.uint64, [1, 1], [UInt64.max])
    #expect(try evaluate(.matmul, large, large).integers == [1])
  }

  @Test func matmulOverNothingIsZero() throws {
    #expect(try evaluate(.matmul, floats([1, 0], []), floats([0, 2], [])).floats == [0, 0])
  }

  @Test func matmulRefusesTruthValues() {
    #expect(throws: Diagnostic.self) { try evaluate(.matmul, .integers(.bool, [1, 1], [1]), .integers(.bool, [1, 1], [1])) }
  }
}

struct PoolingTests {
  @Test func maximum() throws {
    let y = try evaluate(poolOp(.max, kernel: [2, 2], strides: [2, 2]), counting([1, 1, 4, 4]))
    #expect(y == floats([1, 1, 2, 2], [6, 8, 14, 16]))
  }

  @Test func maximumPassesNaNOnAndIgnoresPadding() throws {
    let y = try evaluate(poolOp(.max, kernel: [2], strides: [2], pads: [1, 1]), floats([1, 1, 4], [-5, .nan, -2, -1])).floats
    #expect(y[0] == -5 && y[1].isNaN && y[2] == -1)
  }

  @Test func maximumOfIntegers() throws {
    #expect(try evaluate(poolOp(.max, kernel: [2], pads: [1, 0]), .integers(.int8, [1, 1, 3], [-128, -7, 4])).integers == [-128, -7, 4])
    let large = Tensor(.uint64, [1, 1, 2], [UInt64.max, 1])
    #expect(try evaluate(poolOp(.max, kernel: [2]), large).elements(UInt64.self) == [.max])
  }

  @Test func averageLeavesPaddingOut() throws {
    let x = floats([1, 1, 4], [1, 2, 3, 4])
    #expect(try evaluate(poolOp(.average, kernel: [3], pads: [1, 1]), x).floats == [1.5, 2, 3, 3.5])
    #expect(try evaluate(poolOp(.average, kernel: [3], pads: [1, 1], countPadding: true), x).floats == [1, 2, 3, Float(7) / 3])
  }

  @Test func roundingUpNeverCountsWhatLiesBeyond() throws {
    let x = floats([1, 1, 4], [1, 2, 3, 4])
    let plain = poolOp(.average, kernel: [3], strides: [2], roundUp: true)
    #expect(try evaluate(plain, x).floats == [2, 3.5])
    // The last window spans 3, 4 and two of padding, and one more beyond it.
    let padded = poolOp(.average, kernel: [3], strides: [2], pads: [0, 1], roundUp: true, countPadding: true)
    #expect(try evaluate(padded, x).floats == [2, Float(7) / 3])
    let far = poolOp(.average, kernel: [4], strides: [3], pads: [1, 1], roundUp: true, countPadding: true)
    #expect(try evaluate(far, x).floats == [1.5, Float(7) / 3])
    #expect(try evaluate(poolOp(.max, kernel: [3], strides: [2], roundUp: true), x).floats == [3, 4])
    // One window, larger than the input.
    let pair = floats([1, 1, 2], [1, 2])
    #expect(try evaluate(poolOp(.max, kernel: [3], strides: [2], roundUp: true), pair).floats == [2])
    #expect(try evaluate(poolOp(.average, kernel: [3], strides: [2], roundUp: true, countPadding: true), pair).floats == [1.5])
    #expect(throws: Diagnostic.self) { try evaluate(poolOp(.max, kernel: [4], strides: [2], roundUp: true), pair) }
  }

  @Test func windowStartingBehindIsDropped() throws {
    let y = try evaluate(poolOp(.max, kernel: [1], strides: [2], roundUp: true), floats([1, 1, 4], [1, 2, 3, 4]))
    #expect(y.floats == [1, 3])
  }

  @Test func dilationCanLeaveOnlyPadding() throws {
    let x = floats([1, 1, 1], [3])
    #expect(try evaluate(poolOp(.max, kernel: [2], pads: [5, 5], dilations: [10]), x).floats == [-.infinity])
    #expect(try evaluate(poolOp(.average, kernel: [2], pads: [5, 5], dilations: [10]), x).floats == [0])
  }

  @Test func dilatedMaximum() throws {
    #expect(try evaluate(poolOp(.max, kernel: [2], dilations: [2]), floats([1, 1, 4], [9, 1, 2, 3])).floats == [9, 3])
  }
}
