import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Reference {
  /// One number in, one out; ONNX Abs, Ceil, Cos, … Tanh.
  static func unary(_ kind: UnaryKind, _ x: Tensor) -> Tensor {
    switch x.element.arithmetic {
    case .real: Tensor(x.element, x.shape, rounding: x.reals.map { real(kind, $0) })
    case .signed: Tensor(x.element, x.shape, wrapping: x.integers(as: Int64.self).map { integer(kind, $0) })
    case .unsigned: Tensor(x.element, x.shape, wrapping: x.integers(as: UInt64.self).map { integer(kind, $0) })
    }
  }

  private static func real(_ kind: UnaryKind, _ x: Double) -> Double {
    switch kind {
    case .abs: abs(x)
    case .acos: acos(x)
    case .acosh: acosh(x)
    case .asin: asin(x)
    case .asinh: asinh(x)
    case .atan: atan(x)
    case .atanh: atanh(x)
    case .ceil: x.rounded(.up)
    case .cos: cos(x)
    case .cosh: cosh(x)
    case .erf: erf(x)
    case .exp: exp(x)
    case .floor: x.rounded(.down)
    case .log: log(x)
    case .neg: -x
    case .reciprocal: 1 / x
    case .relu: x < 0 ? 0 : x
    case .round: x.rounded(.toNearestOrEven)
    case .sigmoid: 1 / (1 + exp(-x))
    case .sign: x > 0 ? 1 : x < 0 ? -1 : x.isNaN ? x : 0
    case .sin: sin(x)
    case .sinh: sinh(x)
    // log(1 + exp(x)), without the overflow.
    case .softplus: (x < 0 ? 0 : x) + log1p(exp(-abs(x)))
    case .sqrt: x.squareRoot()
    case .tan: tan(x)
    case .tanh: tanh(x)
    case .not: preconditionFailure("'not' takes no float")
    }
  }

  /// The least number of a signed type is its own absolute value and negative: both wrap.
  private static func integer<Number: FixedWidthInteger>(_ kind: UnaryKind, _ x: Number) -> Number {
    switch kind {
    case .abs: x < 0 ? 0 &- x : x
    case .neg: 0 &- x
    case .not: x == 0 ? 1 : 0
    case .relu: x < 0 ? 0 : x
    case .sign: x.signum()
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .erf, .exp, .floor, .log, .reciprocal, .round, .sigmoid, .sin,
      .sinh, .softplus, .sqrt, .tan, .tanh:
      preconditionFailure("'\(kind.rawValue)' takes no integer")
    }
  }

  /// `x` to the `y`, as C's `pow`.
  static func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }

  /// e to the `x`.
  static func exponential(_ x: Double) -> Double { exp(x) }
}
