import GraphIR

extension Op {
  /// How far a machine may be from `Reference.evaluate` given the very same operands.
  ///
  /// - Exact: integers, moved elements, comparisons, the numeric contract, and what IEEE 754 rounds correctly (+, -, ·, /, square root, rounding).
  /// - Maximum and minimum: exact but for the sign of a zero, on which hardware disagrees.
  /// - `exp` and the like: `elementaryUlps`, what good mathematical libraries and their vector forms promise.
  /// - Sums of K terms: `epsilon · (4 + √K)` of the greatest result. The reference rounds once. A machine that adds in the element type, in any
  ///   order and with or without fused multiply-add, rounds K times by up to epsilon/2 of a partial sum; such errors add like a random walk, so
  ///   √K of them stand for all, with 2 to spare for partial sums greater than the result, and 4 for bias, activation and the last rounding.
  public func tolerance(for operands: [TensorType]) -> Tolerance {
    guard let x = operands.first, let format = FloatFormat(x.element) else { return .exact }
    func sum(of terms: Int) -> Tolerance { .relativeToMagnitude(Float(format.epsilon * (4 + Double(max(terms, 0)).squareRoot()))) }
    switch self {
    case .unary(let kind): return kind.tolerance
    case .binary(let kind): return kind.tolerance
    case .conv: return sum(of: operands[1].shape.dimensions.dropFirst().reduce(1, *))
    case .dense: return sum(of: operands[1].shape[1])
    case .matmul: return sum(of: x.shape[x.shape.rank - 1])
    case .pool(let a): return a.kind == .max ? .ulps(0) : sum(of: a.kernel.reduce(1, *))
    case .reduce(let a):
      switch a.kind {
      case .max, .min: return .ulps(0)
      case .sum, .mean, .product: return sum(of: a.axes.reduce(1) { $0 * x.shape[$1] })
      }
    case .softmax(let a): return sum(of: x.shape[a.axis])
    case .cumulate(let a): return sum(of: x.shape[a.axis])
    case .scatter(let a):
      switch a.reduction {
      case .none: return .exact
      case .max, .min: return .ulps(0)
      case .add, .mul: return sum(of: operands[1].shape[0])
      }
    case .select, .clip, .cast, .topK, .reshape, .transpose, .expand, .concat, .slice, .pad, .gather, .quantize, .dequantize, .binaryConv,
      .binaryDense, .rescale, .custom:
      return .exact
    }
  }

  /// Spacings by which an elementary function may be off.
  public static let elementaryUlps = 4
}

extension UnaryKind {
  fileprivate var tolerance: Tolerance {
    switch self {
    case .abs, .ceil, .floor, .neg, .not, .reciprocal, .relu, .round, .sign, .sqrt: .exact
    case .acos, .acosh, .asin, .asinh, .atan, .atanh, .cos, .cosh, .erf, .exp, .log, .sigmoid, .sin, .sinh, .softplus, .tan, .tanh:
      .ulps(Op.elementaryUlps)
    }
  }
}

extension BinaryKind {
  fileprivate var tolerance: Tolerance {
    switch self {
    case .add, .sub, .mul, .div, .remainder, .and, .or, .xor, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: .exact
    case .min, .max: .ulps(0)
    case .pow: .ulps(Op.elementaryUlps)
    }
  }
}
