/// One number in, one number out.
public enum UnaryKind: String, Hashable, Sendable, CaseIterable {
  case abs, ceil, cos, cosh, acos, acosh, asin, asinh, atan, atanh, erf, exp, floor, log, neg, not, reciprocal, relu, round, sigmoid, sign,
    sin,
    sinh, softplus, sqrt, tan, tanh
}

/// Two numbers in, one out, with NumPy broadcasting.
public enum BinaryKind: String, Hashable, Sendable, CaseIterable {
  case add, sub, mul, div, pow, min, max
  /// What the division toward zero leaves; C's `fmod`.
  case remainder
  /// Of truth values, or of the bits of integers.
  case and, or, xor
  case equal, less, lessOrEqual = "less_or_equal", greater, greaterOrEqual = "greater_or_equal"

  /// Whether the result is bool whatever the operands are.
  public var isComparison: Bool {
    switch self {
    case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    case .add, .sub, .mul, .div, .pow, .min, .max, .remainder, .and, .or, .xor: false
    }
  }
}

/// What a node does. Closed, so that every switch over it is exhaustive and leads whoever adds a case.
public enum Op: Hashable, Sendable {
  case unary(UnaryKind)
  case binary(BinaryKind)
  /// Operands: condition, then, else; broadcast.
  case select
  case clip(Clip)
  case cast(Cast)

  case conv(Conv)
  case dense(Dense)
  /// `[…, M, K] x […, K, N]`, broadcasting what stands before.
  case matmul
  case pool(Pool)
  case reduce(Reduce)
  case softmax(AxisAttribute)
  /// Running sums or products along an axis.
  case cumulate(Cumulate)
  /// The places of the greatest or least elements along an axis, best first; i64.
  case topK(TopK)

  case reshape(Reshape)
  case transpose(Transpose)
  /// Broadcasts its operand to a shape.
  case expand(Reshape)
  case concat(AxisAttribute)
  case slice(Slice)
  case pad(Pad)
  /// Operands: data, i32 or i64 indices.
  case gather(AxisAttribute)
  /// Rows of data replaced by, or joined with, rows of updates. Operands: data, i64 indices `[n]`, updates `[n, …]`.
  case scatter(Scatter)

  case quantize(Quantize)
  /// `(f32(q) - f32(zero)) · scale`. Operands: q (an integer type or bit), scale, and optionally zero; `axis` as in `Quantize`.
  case dequantize(AxisAttribute)
  case binaryConv(BinaryConv)
  case binaryDense(BinaryDense)
  case rescale(Rescale)

  case custom(Custom)
}
