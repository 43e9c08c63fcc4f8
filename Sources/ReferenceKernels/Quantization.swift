import GraphIR

extension Reference {
  /// Step 1 of the numeric contract; ONNX QuantizeLinear, within `lo…hi`.
  ///
  /// The quotient is f32, the sum with the zero point exact. A quotient of NaN counts as 0, whether x is NaN or the scale is 0.
  static func quantize(_ a: Quantize, _ operands: [Tensor]) throws -> Tensor {
    let x = operands[0]
    let scales = operands[1].elements(Float.self)
    let zeros = operands.count == 3 ? operands[2].integers : [0]
    guard let zeros else { throw Diagnostic(.badInput, "a zero point beyond \(Int.max)") }
    let run = axisRun(x.shape, a.axis)
    let codes = x.withElements(Float.self) { numbers in
      numbers.indices.map { index -> Int in
        let place = index / run % max(scales.count, zeros.count)
        let quotient = (numbers[index] / scales[scales.count == 1 ? 0 : place]).rounded(.toNearestOrEven)
        let code = saturated(Double(quotient), to: Int.min...Int.max)
        return clamp(sumSaturating(code, zeros[zeros.count == 1 ? 0 : place]), a.lo, a.hi)
      }
    }
    return Tensor(a.to, x.shape, wrapping: codes)
  }

  /// ONNX DequantizeLinear: `(f32(q) - f32(zero)) · scale`, each step in f32, or in f64 when the scale is; a bit is -1 or +1.
  static func dequantize(axis: Int, _ operands: [Tensor]) -> Tensor {
    let element = operands[1].element
    let result =
      switch operands[0].element.arithmetic {
      case .unsigned: dequantize(axis, operands, as: UInt64.self)
      case .real, .signed: dequantize(axis, operands, as: Int64.self)
      }
    return Tensor(element, operands[0].shape, rounding: result)
  }

  private static func dequantize<Number: FixedWidthInteger>(_ axis: Int, _ operands: [Tensor], as _: Number.Type) -> [Double] {
    let codes = operands[0].integers(as: Number.self)
    let scales = operands[1].reals
    let zeros = operands.count == 3 ? operands[2].integers(as: Number.self) : [0]
    let run = axisRun(operands[0].shape, axis)
    let isDouble = operands[1].element == .float64
    return codes.indices.map { index in
      let place = index / run % max(scales.count, zeros.count)
      let scale = scales[scales.count == 1 ? 0 : place]
      let zero = zeros[zeros.count == 1 ? 0 : place]
      if isDouble { return (Double(codes[index]) - Double(zero)) * scale }
      return Double((Float(codes[index]) - Float(zero)) * Float(scale))
    }
  }

  /// How many elements in a row share one index of `axis`.
  private static func axisRun(_ shape: Shape, _ axis: Int) -> Int {
    (0..<shape.rank).contains(axis) ? shape.dimensions[(axis + 1)...].reduce(1, *) : 1
  }

  static func clamp<Number: Comparable>(_ x: Number, _ lo: Number, _ hi: Number) -> Number { min(max(x, lo), hi) }

  /// The sum, held within `Int`; a code at either end stands for all beyond and stays.
  private static func sumSaturating(_ code: Int, _ zero: Int) -> Int {
    if code == .min || code == .max { return code }
    let (sum, overflow) = code.addingReportingOverflow(zero)
    return overflow ? (zero < 0 ? .min : .max) : sum
  }
}
