import GraphIR

extension Reference {
  /// ONNX Cast, with what it leaves undefined defined:
  ///
  /// - float to integer truncates toward zero and saturates; NaN gives 0
  /// - integer to integer keeps the low bits (wraps)
  /// - to float rounds once, to nearest, ties to even
  /// - to bool: whether it is not 0, so NaN is true
  /// - to bit: -1 for negative numbers, +1 for all others
  /// - bool and bit stand for each other: false is -1, true is +1
  ///
  /// Small floats saturate as `SmallFloat` says; an integer reaches them by way of f64.
  static func cast(_ x: Tensor, to target: DataType) -> Tensor { cast(x, Cast(to: target)) }

  /// The same, with the rest of the attributes.
  static func cast(_ x: Tensor, _ a: Cast) -> Tensor {
    let target = a.to
    if target == x.element { return x }
    if a.reinterprets { return reinterpreted(x, as: target) }
    if let format = SmallFloat(target) {
      return Tensor(target, x.shape, x.reals.map { format.code(of: $0, saturates: a.saturates, rounding: a.rounding) })
    }
    if x.element == .bool && target == .bit { return Tensor(.bit, x.shape, wrapping: x.integers(as: Int8.self).map { 2 * $0 - 1 }) }
    if x.element == .bit && target == .bool { return Tensor(.bool, x.shape, wrapping: x.integers(as: Int8.self).map { $0 < 0 ? 0 : $0 }) }
    switch x.element.arithmetic {
    case .real: return cast(reals: x, to: target)
    case .signed: return cast(x, x.integers(as: Int64.self), to: target)
    case .unsigned: return cast(x, x.integers(as: UInt64.self), to: target)
    }
  }

  /// The same bits as elements of another type of the same width; as bool, 0 is false and all else true.
  private static func reinterpreted(_ x: Tensor, as target: DataType) -> Tensor {
    Tensor(target, x.shape) { out in
      x.withBytes { out.copyMemory(from: $0) }
      if target == .bool { for place in out.indices where out[place] != 0 { out[place] = 1 } }
    }
  }

  private static func cast(reals x: Tensor, to target: DataType) -> Tensor {
    if target.isFloat { return Tensor(target, x.shape, rounding: x.reals) }
    if target == .bool { return Tensor(target, x.shape, wrapping: x.reals.map { $0 == 0 ? 0 : 1 } as [UInt8]) }
    if target == .bit { return Tensor(target, x.shape, wrapping: x.reals.map { $0 < 0 ? -1 : 1 } as [Int8]) }
    if target == .uint64 { return Tensor(target, x.shape, wrapping: x.reals.map { saturated($0, to: 0...UInt64.max) }) }
    let range = target.range(of: Int64.self)
    return Tensor(target, x.shape, wrapping: x.reals.map { saturated($0, to: range) })
  }

  private static func cast<Number: FixedWidthInteger>(_ x: Tensor, _ numbers: [Number], to target: DataType) -> Tensor {
    switch target {
    case .float64: Tensor(target, x.shape, numbers.map { Double($0) })
    case .float32: Tensor(target, x.shape, numbers.map { Float($0) })
    case .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      Tensor(target, x.shape, rounding: numbers.map { roundedToOdd($0) })
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit: Tensor(target, x.shape, wrapping: numbers)
    }
  }

  /// The number truncated toward zero, held within `range`; NaN gives 0.
  static func saturated<Number: FixedWidthInteger>(_ x: Double, to range: ClosedRange<Number>) -> Number {
    if x.isNaN { return 0 }
    // As doubles the bounds round away from zero, if at all: beyond them is beyond the range, and below them converts.
    if x <= Double(range.lowerBound) { return range.lowerBound }
    if x >= Double(range.upperBound) { return range.upperBound }
    return Number(x)
  }

  /// An integer as a double that rounds to any narrower float as the integer itself would: where it is not exact, its last bit is odd.
  private static func roundedToOdd<Number: FixedWidthInteger>(_ number: Number) -> Double {
    let nearest = Double(number)
    let back = Number(exactly: nearest)
    if back == number || nearest.significandBitPattern & 1 == 1 { return nearest }
    let isAbove = back.map { $0 > number } ?? (nearest > 0)
    return isAbove ? nearest.nextDown : nearest.nextUp
  }
}

extension DataType {
  /// The numbers of an integer type, bool (0 and 1) or bit (-1 to +1).
  func range<Number: FixedWidthInteger>(of _: Number.Type) -> ClosedRange<Number> {
    switch self {
    case .uint64: Number.min...Number.max
    case .bool: 0...1
    case .bit: Number(truncatingIfNeeded: -1)...1
    case .int64, .int32, .int16, .int8, .uint32, .uint16, .uint8, .float64, .float32, .float16, .bfloat16,
      .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      integerRange.map { Number($0.lowerBound)...Number($0.upperBound) } ?? Number.min...Number.max
    }
  }
}
