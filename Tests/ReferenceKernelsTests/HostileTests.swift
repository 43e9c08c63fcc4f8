import GraphIR
import ReferenceKernels
import Testing

/// Ops on the ends of every type: they give something or throw a diagnostic, and never trap.
struct HostileTests {
  /// The least, the greatest, and what lies around zero; of floats also infinities and NaN.
  private func ends(of element: DataType) throws -> Tensor {
    switch element {
    case .int64: return words([.min, -1, 0, 1, .max, .min + 1, 2])
    case .uint64: return Tensor(.uint64, [7], [0, 1, 2, UInt64.max, UInt64.max - 1, 1 << 63, 1 << 63 - 1])
    default:
      let numbers: [Float] = [-.infinity, -1, 0, 1, .infinity, .nan, 0.5]
      return try evaluate(.cast(Cast(to: element)), .vector(numbers))
    }
  }

  /// Runs an op; whatever it throws must be a diagnostic.
  private func survives(_ op: Op, _ operands: [Tensor]) {
    do { _ = try Reference.evaluate(op, operands) } catch { #expect(error is Diagnostic) }
  }

  @Test(arguments: DataType.allCases)
  func elementwise(_ element: DataType) throws {
    let x = try ends(of: element)
    let (rows, columns) = (x.reshaped([7, 1]), x.reshaped([1, 7]))
    for kind in UnaryKind.allCases { survives(.unary(kind), [x]) }
    for kind in BinaryKind.allCases { survives(.binary(kind), [rows, columns]) }
    let bounds = [Clip(), Clip(lo: -.infinity, hi: -1e30), Clip(lo: .nan, hi: 0), Clip(lo: 1e30, hi: .infinity)]
    for bounds in bounds { survives(.clip(bounds), [x]) }
  }

  @Test(arguments: DataType.allCases)
  func layersAndReductions(_ element: DataType) throws {
    let x = try ends(of: element)
    let plane = x.reshaped([1, 1, 7])
    for kind in Reduce.Kind.allCases { survives(reduceOp(kind, axes: [0]), [x]) }
    for kind in Pool.Kind.allCases { survives(poolOp(kind, kernel: [3], pads: [1, 1]), [plane]) }
    survives(.conv(Conv()), [plane, plane])
    survives(.matmul, [x.reshaped([7, 1]), x.reshaped([1, 7])])
    survives(.softmax(AxisAttribute(axis: 0)), [x])
    survives(.gather(AxisAttribute(axis: 0)), [.vector([1, 2]), x])
    survives(padOp([1, 1], value: .nan), [x])
  }

  @Test(arguments: DataType.allCases)
  func codes(_ element: DataType) throws {
    let x = try ends(of: element)
    for zero in [x.slice(batch: 0..<1), x.slice(batch: 3..<4)] {
      let zero = zero.reshaped([])
      survives(.dequantize(AxisAttribute(axis: 0)), [x, .scalar(.infinity), zero])
      let range = element.integerRange ?? 0...1
      survives(.quantize(Quantize(to: element, lo: range.lowerBound, hi: range.upperBound)), [try ends(of: .float32), .scalar(0), zero])
    }
  }

  @Test func binaryLayersOfImpossibleBits() {
    let bits = Tensor(.bit, [1, 3], [-128, 127, 0] as [Int8])
    survives(binaryDenseOp(tile: 2, .adc(bits: 24, lsb: .leastNonzeroMagnitude)), [.integers(.uint8, [1, 3], [255, 255, 255]), bits])
  }

  @Test func rescaleOfTheLargestSums() throws {
    let sums = Tensor.integers(.int32, [1, 2], [Int(Int32.min), Int(Int32.max)])
    survives(.rescale(Rescale(activation: .clip(.nan, -.infinity))), [sums, .vector([.infinity, .nan]), .vector([-.infinity, 0])])
  }
}
