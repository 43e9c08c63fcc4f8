import GraphIR

extension Reference {
  /// Two numbers in, one out; ONNX Add, Sub, Mul, Div, Pow, Min, Max, Mod with `fmod`, And, Or, Xor, Equal, Less,
  /// Greater and their kin.
  static func binary(_ kind: BinaryKind, _ a: Tensor, _ b: Tensor, _ type: TensorType) -> Tensor {
    let x = expand(a, to: type.shape)
    let y = expand(b, to: type.shape)
    switch a.element.arithmetic {
    case .real:
      if kind.isComparison { return Tensor(.bool, type.shape, wrapping: pairs(x.reals, y.reals) { compare(kind, $0, $1) }) }
      return Tensor(type.element, type.shape, rounding: pairs(x.reals, y.reals) { real(kind, $0, $1) })
    case .signed: return binary(kind, x.integers(as: Int64.self), y.integers(as: Int64.self), type)
    case .unsigned: return binary(kind, x.integers(as: UInt64.self), y.integers(as: UInt64.self), type)
    }
  }

  private static func binary<Number: FixedWidthInteger>(_ kind: BinaryKind, _ x: [Number], _ y: [Number], _ type: TensorType) -> Tensor {
    if kind.isComparison { return Tensor(.bool, type.shape, wrapping: pairs(x, y) { compare(kind, $0, $1) }) }
    return Tensor(type.element, type.shape, wrapping: pairs(x, y) { integer(kind, $0, $1) })
  }

  private static func pairs<Number, Result>(_ x: [Number], _ y: [Number], _ combine: (Number, Number) -> Result) -> [Result] {
    (0..<x.count).map { combine(x[$0], y[$0]) }
  }

  private static func compare<Number: Comparable>(_ kind: BinaryKind, _ x: Number, _ y: Number) -> UInt8 {
    switch kind {
    case .equal: x == y ? 1 : 0
    case .less: x < y ? 1 : 0
    case .lessOrEqual: x <= y ? 1 : 0
    case .greater: x > y ? 1 : 0
    case .greaterOrEqual: x >= y ? 1 : 0
    case .add, .sub, .mul, .div, .pow, .min, .max, .remainder, .and, .or, .xor:
      preconditionFailure("'\(kind.rawValue)' compares nothing")
    }
  }

  private static func real(_ kind: BinaryKind, _ x: Double, _ y: Double) -> Double {
    switch kind {
    case .add: x + y
    case .sub: x - y
    case .mul: x * y
    case .div: x / y
    case .pow: power(x, y)
    case .min: minimum(x, y)
    case .max: maximum(x, y)
    case .remainder: x.truncatingRemainder(dividingBy: y)
    case .and, .or, .xor, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: preconditionFailure("'\(kind.rawValue)' makes no float")
    }
  }

  /// Sums and products wrap. Division truncates toward zero; by zero it gives 0, and the dividend is left; the least number over -1 wraps.
  private static func integer<Number: FixedWidthInteger>(_ kind: BinaryKind, _ x: Number, _ y: Number) -> Number {
    switch kind {
    case .add: x &+ y
    case .sub: x &- y
    case .mul: x &* y
    case .div: quotient(x, y)
    case .pow: integerPower(x, y)
    case .min: min(x, y)
    case .max: max(x, y)
    case .remainder: x &- quotient(x, y) &* y
    case .and: x & y
    case .or: x | y
    case .xor: x ^ y
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: preconditionFailure("'\(kind.rawValue)' makes no number")
    }
  }

  /// Division toward zero; 0 when `y` is 0.
  static func quotient<Number: FixedWidthInteger>(_ x: Number, _ y: Number) -> Number {
    y == 0 ? 0 : x.dividedReportingOverflow(by: y).partialValue
  }

  /// `x` to the `y`, wrapping; for a negative `y` the reciprocal, truncated toward zero, and 0 for `x` of 0.
  private static func integerPower<Number: FixedWidthInteger>(_ x: Number, _ y: Number) -> Number {
    if y < 0 { return x == 1 || x == 0 ? x : x &+ 1 == 0 ? (y & 1 == 0 ? 1 : x) : 0 }
    var (result, square, left): (Number, Number, Number) = (1, x, y)
    while left != 0 {
      if left & 1 == 1 { result = result &* square }
      square = square &* square
      left >>= 1
    }
    return result
  }

  /// The greater number, the first of equals; NaN when either is.
  static func maximum(_ x: Double, _ y: Double) -> Double { x.isNaN ? x : y.isNaN || y > x ? y : x }

  /// The lesser number, the first of equals; NaN when either is.
  static func minimum(_ x: Double, _ y: Double) -> Double { x.isNaN ? x : y.isNaN || y < x ? y : x }

  /// ONNX Where: `then` where the condition holds, `else` where not.
  static func select(_ operands: [Tensor], _ type: TensorType) -> Tensor {
    let condition = expand(operands[0], to: type.shape).integers(as: Int.self)
    let then = expand(operands[1], to: type.shape)
    let otherwise = expand(operands[2], to: type.shape)
    let joined = Tensor.stacked(batches: [then.reshaped([then.count]), otherwise.reshaped([then.count])])
    return joined.picking((0..<then.count).map { condition[$0] != 0 ? $0 : $0 + then.count }, type.shape)
  }

  /// `x < lo ? lo : x > hi ? hi : x`. For integers the bounds are converted as `cast` would; a bound of NaN binds nothing.
  static func clip(_ a: Clip, _ x: Tensor) -> Tensor {
    let (lo, hi) = (Double(a.lo), Double(a.hi))
    switch x.element.arithmetic {
    case .real: return Tensor(x.element, x.shape, rounding: x.reals.map { $0 < lo ? lo : $0 > hi ? hi : $0 })
    case .signed: return clip(x, x.integers(as: Int64.self), lo, hi)
    case .unsigned: return clip(x, x.integers(as: UInt64.self), lo, hi)
    }
  }

  private static func clip<Number: FixedWidthInteger>(_ x: Tensor, _ numbers: [Number], _ lo: Double, _ hi: Double) -> Tensor {
    let range = x.element.range(of: Number.self)
    let lower = lo.isNaN ? range.lowerBound : saturated(lo, to: range)
    let upper = hi.isNaN ? range.upperBound : saturated(hi, to: range)
    return Tensor(x.element, x.shape, wrapping: numbers.map { $0 < lower ? lower : $0 > upper ? upper : $0 })
  }
}
