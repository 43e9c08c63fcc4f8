import GraphIR
import ReferenceKernels
import Testing

struct QuantizationTests {
  private func quantize(
    _ x: [Float], scale: Float, zero: Tensor? = nil, _ a: Quantize = Quantize(to: .uint8, lo: 0, hi: 255)
  ) throws -> [Int]? {
    try Reference.evaluate(.quantize(a), [.vector(x), .scalar(scale)] + (zero.map { [$0] } ?? []))[0].integers
  }

  @Test func tiesGoToEven() throws {
    #expect(try quantize([0.25, 0.75, 1.25, 1.75, 2.25], scale: 0.5) == [0, 2, 2, 4, 4])
    #expect(try quantize([-0.5, -1.5, -2.5], scale: 1, Quantize(to: .int8, lo: -127, hi: 127)) == [0, -2, -2])
  }

  @Test func clampsBeforeItConverts() throws {
    #expect(try quantize([1e30, -1e30, .infinity, -.infinity, .nan], scale: 1e-30) == [255, 0, 255, 0, 0])
    #expect(try quantize([70, -70], scale: 1, Quantize(to: .int8, lo: -63, hi: 63)) == [63, -63])
    let wide = Quantize(to: .int64, lo: .min, hi: .max)
    #expect(try quantize([.infinity, -1e30], scale: 1, zero: .integers(.int64, [], [-5]), wide) == [.max, .min])
  }

  @Test func zeroScaleAndNaN() throws {
    let zero = Tensor.integers(.uint8, [], [7])
    #expect(try quantize([0, .nan, 1, -1], scale: 0, zero: zero) == [7, 7, 255, 0])
    #expect(try quantize([1], scale: .nan, zero: zero) == [7])
  }

  @Test func theZeroPointIsAddedAfterRounding() throws {
    #expect(try quantize([0.5, 1.5, -200], scale: 1, zero: .integers(.uint8, [], [127])) == [127, 129, 0])
  }

  @Test func divisionIsInFloat32() throws {
    // In f32 the quotient is 3.5, which rounds to 4; exactly it is a little less, which would round to 3.
    let (x, scale): (Float, Float) = (0.35, 0.1)
    #expect(x / scale == 3.5 && Double(x) / Double(scale) < 3.5)
    #expect(try quantize([x], scale: scale) == [4])
  }

  @Test func scalesAlongAnAxis() throws {
    let x = counting([1, 2, 2])
    let result = try evaluate(.quantize(Quantize(to: .int8, lo: -128, hi: 127)), x, .vector([1, 0.5]), integers(.int8, [0, 1]))
    #expect(result.integers == [1, 2, 7, 9])
  }

  @Test func dequantize() throws {
    let axis = Op.dequantize(AxisAttribute(axis: 1))
    #expect(try evaluate(axis, .integers(.uint8, [1, 2], [0, 255]), .scalar(0.5), .integers(.uint8, [], [128])).floats == [-64, 63.5])
    #expect(try evaluate(axis, .integers(.int8, [1, 2], [-128, 2]), .vector([1, 10])).floats == [-128, 20])
    #expect(try evaluate(axis, .integers(.bit, [2, 1], [-1, 1]), .vector([0.25])).floats == [-0.25, 0.25])
  }

  @Test func dequantizeRoundsEachStep() throws {
    // f32(2^24 + 1) is 2^24.
    #expect(try evaluate(.dequantize(AxisAttribute(axis: 0)), .integers(.int32, [], [16_777_217]), .scalar(1)).floats == [16_777_216])
    #expect(try evaluate(.dequantize(AxisAttribute(axis: 0)), Tensor(.uint64, [], [UInt64.max]), .scalar(1)).floats == [0x1p64])
  }

  @Test func dequantizeToOtherFloats() throws {
    let half = try evaluate(.cast(Cast(to: .float16)), .scalar(0.1))
    let result = try evaluate(.dequantize(AxisAttribute(axis: 0)), .integers(.int8, [], [3]), half)
    #expect(result.element == .float16 && result.double(at: 0) == Double(Float16(3 * Float(Float16(0.1)))))
  }
}

struct BinaryLayerTests {
  private let codes = Tensor.integers(.uint8, [1, 5], [10, 20, 30, 40, 50])
  private let weights = Tensor.integers(.bit, [2, 5], [1, -1, 1, -1, 1, 1, 1, 1, 1, 1])

  @Test func exactSums() throws {
    for tile in 0...5 { #expect(try evaluate(binaryDenseOp(tile: tile), codes, weights).integers == [30, 150]) }
  }

  @Test func readoutOfEachTile() throws {
    // Tiles of the first filter: -10, -10, 50; of the second: 30, 70, 50. Over 20: -0.5, -0.5, 2.5; 1.5, 3.5, 2.5.
    #expect(try evaluate(binaryDenseOp(tile: 2, .adc(bits: 8, lsb: 20)), codes, weights).integers == [0 + 0 + 2, 2 + 4 + 2])
    // Two bits read -1, 0 and 1.
    #expect(try evaluate(binaryDenseOp(tile: 2, .adc(bits: 2, lsb: 10)), codes, weights).integers == [-1 - 1 + 1, 3])
    #expect(try evaluate(binaryDenseOp(tile: 0, .adc(bits: 4, lsb: 4)), codes, weights).integers == [7, 7])
    #expect(try evaluate(binaryDenseOp(tile: 0, .adc(bits: 24, lsb: 1e-38)), codes, weights).integers == [8_388_607, 8_388_607])
  }

  @Test func orderDecidesWhatTilesHold() throws {
    let order = integers(.int32, [4, 0, 2, 1, 3])
    // In order: 50, 10, 30 | -20, -40 and 50, 10, 30 | 20, 40.
    #expect(try evaluate(binaryDenseOp(tile: 3, .adc(bits: 8, lsb: 40)), codes, weights, order).integers == [2 - 2, 2 + 2])
    #expect(try evaluate(binaryDenseOp(tile: 3), codes, weights, order).integers == [30, 150])
  }

  @Test(arguments: [[0, 1, 2, 3, 3], [0, 1, 2, 3, 5], [-1, 0, 1, 2, 3]])
  func orderMustBeAPermutation(_ order: [Int]) {
    #expect(throws: Diagnostic.self) { try evaluate(binaryDenseOp(tile: 2), codes, weights, integers(.int32, order)) }
  }

  @Test func signedCodes() throws {
    let codes = Tensor.integers(.int8, [1, 2], [-63, 63])
    #expect(try evaluate(binaryDenseOp(tile: 0), codes, .integers(.bit, [2, 2], [1, 1, -1, 1])).integers == [0, 126])
  }

  @Test func convolutionPadsWithZero() throws {
    let x = Tensor.integers(.uint8, [1, 1, 3], [1, 2, 3])
    let y = try evaluate(binaryConvOp(Window(pads: [1, 1]), tile: 0), x, .integers(.bit, [2, 1, 3], [1, 1, 1, -1, 1, -1]))
    #expect(y == .integers(.int32, [1, 2, 3], [3, 6, 5, -1, -2, 1]))
  }

  @Test func convolutionCountsChannelsFirst() throws {
    // K runs c0k0, c0k1, c1k0, c1k1; tiles of 3 cut behind c1k0.
    let x = Tensor.integers(.uint8, [1, 2, 2], [1, 2, 4, 8])
    let w = Tensor.integers(.bit, [1, 2, 2], [1, 1, 1, 1])
    #expect(try evaluate(binaryConvOp(tile: 3, .adc(bits: 8, lsb: 16)), x, w).integers == [0])
    #expect(try evaluate(binaryConvOp(tile: 3, .adc(bits: 8, lsb: 14)), x, w).integers == [0 + 1])
    let order = integers(.int32, [3, 0, 1, 2])
    #expect(try evaluate(binaryConvOp(tile: 3, .adc(bits: 8, lsb: 16)), x, w, order).integers == [1])
  }

  @Test func convolutionWithStridesAndDilations() throws {
    let x = Tensor.integers(.int8, [1, 1, 5], [1, 2, 3, 4, 5])
    let y = try evaluate(binaryConvOp(Window(strides: [2], dilations: [2]), tile: 1), x, .integers(.bit, [1, 1, 2], [1, -1]))
    #expect(y.integers == [-2, -2])
  }

  @Test func rescale() throws {
    let sums = Tensor.integers(.int32, [1, 2, 2], [1, -2, 3, 4])
    let y = try evaluate(.rescale(Rescale(activation: .none)), sums, .vector([0.5, 2]), .vector([1, -1]))
    #expect(y == floats([1, 2, 2], [1.5, 0, 5, 7]))
    #expect(try evaluate(.rescale(Rescale(activation: .clip(0, 6))), sums, .vector([0.5, 2]), .vector([-1, -1])).floats == [0, 0, 5, 6])
  }

  @Test func rescaleAddsBasesInOrder() throws {
    let one = Tensor.integers(.int32, [1, 1], [1])
    let y = try evaluate(.rescale(Rescale()), one, .vector([16_777_216]), one, .vector([1]), .vector([1]))
    // (2^24 + 1) + 1, rounded to f32 after each sum.
    #expect(y.floats == [16_777_216])
    let z = try evaluate(.rescale(Rescale()), one, .vector([1]), one, .vector([1]), .vector([16_777_216]))
    #expect(z.floats == [16_777_218])
  }

  @Test func rescaleDoesNotFuse() throws {
    // (1 + 2^-12)² is 1 + 2^-11 + 2^-24: the last term is a tie that rounds away, unless product and sum are fused.
    let product = Tensor.integers(.int32, [1, 1], [4097])
    let y = try evaluate(.rescale(Rescale()), product, .vector([4097]), .vector([-16_785_408]))
    #expect(y.floats == [0])
  }
}
