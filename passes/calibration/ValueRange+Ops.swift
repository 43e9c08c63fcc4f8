import GraphIR

extension Op {
  /// The range of an op's results, from those of its operands. What is not reasoned about is unbounded.
  func range(of operands: [ValueRange], types: [TensorType]) -> ValueRange {
    switch self {
    case .unary(let kind): return unaryRange(kind, operands[0])
    case .binary(let kind): return binaryRange(kind, operands[0], operands[1])
    case .select: return operands[1].union(operands[2])
    case .clip(let a): return operands[0].clipped(a.lo, a.hi)
    case .conv(let a): return ValueRange.unbounded.after(a.activation)
    case .dense(let a): return ValueRange.unbounded.after(a.activation)
    case .rescale(let a): return ValueRange.unbounded.after(a.activation)
    case .pool(let a):
      if a.kind == .max { return operands[0] }
      let padded = a.countPadding ? operands[0].union(ValueRange(lo: 0, hi: 0)) : operands[0]
      return padded.widened(forMeanOf: a.kernel.reduce(1, *))
    case .reduce(let a): return reduceRange(a, operands[0], types[0].shape)
    case .softmax: return ValueRange(lo: 0, hi: 1)
    case .reshape, .transpose, .expand, .slice, .gather: return operands[0]
    case .scatter(let a): return a.reduction == .none ? operands[0].union(operands[2]) : .unbounded
    case .concat: return operands.dropFirst().reduce(operands[0]) { $0.union($1) }
    case .pad(let a): return a.mode == .constant ? operands[0].union(ValueRange(lo: a.value, hi: a.value)) : operands[0]
    case .quantize(let a): return quantizedRange(a, operands)
    case .dequantize: return dequantizedRange(operands)
    case .cast: return types[0].element == .float64 ? .unbounded : operands[0]
    case .matmul, .cumulate, .topK, .binaryConv, .binaryDense, .custom: return .unbounded
    }
  }
}

extension Op {
  /// Whether every number of the result is a number of an operand, or keeps the op's own bounds.
  var choosesNumbers: Bool {
    switch self {
    case .select, .reshape, .transpose, .expand, .concat, .slice, .gather, .quantize: true
    case .pool(let a): a.kind == .max
    default: false
    }
  }
}

extension ValueRange {
  fileprivate func after(_ activation: Activation) -> ValueRange {
    switch activation {
    case .none: self
    case .relu: clipped(0, .infinity)
    case .clip(let lo, let hi): clipped(lo, hi)
    }
  }
}

private func unaryRange(_ kind: UnaryKind, _ x: ValueRange) -> ValueRange {
  switch kind {
  case .relu: x.clipped(0, .infinity)
  case .sigmoid: ValueRange(lo: 0, hi: 1)
  case .tanh, .erf, .sin, .cos, .sign: ValueRange(lo: -1, hi: 1)
  case .exp, .softplus, .sqrt: ValueRange(lo: 0, hi: .infinity)
  case .abs: ValueRange(lo: 0, hi: max(x.lo.magnitude, x.hi.magnitude))
  case .neg: ValueRange(lo: -x.hi, hi: -x.lo)
  case .ceil: x.mapped { $0.rounded(.up) }
  case .floor: x.mapped { $0.rounded(.down) }
  case .round: x.mapped { $0.rounded(.toNearestOrEven) }
  case .acos, .acosh, .asin, .asinh, .atan, .atanh, .cosh, .log, .not, .reciprocal, .sinh, .tan: .unbounded
  }
}

/// f32 rounding never turns the order of two results, so the ends of the operands give the ends of the result.
private func binaryRange(_ kind: BinaryKind, _ a: ValueRange, _ b: ValueRange) -> ValueRange {
  switch kind {
  case .add: return ValueRange(lo: a.lo + b.lo, hi: a.hi + b.hi)
  case .sub: return ValueRange(lo: a.lo - b.hi, hi: a.hi - b.lo)
  case .mul: return product(a, b)
  case .div:
    guard b.isBounded, b.lo > 0 || b.hi < 0 else { return .unbounded }
    return hull([a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi])
  case .min: return ValueRange(lo: min(a.lo, b.lo), hi: min(a.hi, b.hi))
  case .max: return ValueRange(lo: max(a.lo, b.lo), hi: max(a.hi, b.hi))
  case .pow, .remainder, .and, .or, .xor, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: return .unbounded
  }
}

private func product(_ a: ValueRange, _ b: ValueRange) -> ValueRange { hull([a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi]) }

/// The range of the ends of products or quotients; unbounded when one has no value, such as 0 · ∞.
private func hull(_ ends: [Float]) -> ValueRange {
  guard ends.allSatisfy({ !$0.isNaN }) else { return .unbounded }
  return ends.dropFirst().reduce(ValueRange(lo: ends[0], hi: ends[0])) { ValueRange(lo: min($0.lo, $1), hi: max($0.hi, $1)) }
}

private func reduceRange(_ a: Reduce, _ x: ValueRange, _ shape: Shape) -> ValueRange {
  switch a.kind {
  case .max, .min: return x
  case .mean:
    guard let count = Shape.product(a.axes.map { shape[$0] }), count > 0 else { return .unbounded }
    return x.widened(forMeanOf: count)
  case .sum, .product: return .unbounded
  }
}

/// The codes of a range, and of NaN, for any scale and zero among the operands' ranges.
private func quantizedRange(_ a: Quantize, _ operands: [ValueRange]) -> ValueRange {
  let (x, scale, all) = (operands[0], operands[1], ValueRange(lo: Float(a.lo), hi: Float(a.hi)))
  guard scale.isBounded, scale.lo > 0 else { return all }
  let zero = operands.count == 3 ? operands[2] : ValueRange(lo: 0, hi: 0)
  let quotients = hull([x.lo / scale.lo, x.lo / scale.hi, x.hi / scale.lo, x.hi / scale.hi]).union(ValueRange(lo: 0, hi: 0))
  let codes = quotients.mapped { $0.rounded(.toNearestOrEven) }
  return ValueRange(lo: codes.lo + zero.lo, hi: codes.hi + zero.hi).clipped(all.lo, all.hi)
}

/// `(q - zero) · scale`, for any scale and zero among the operands' ranges.
private func dequantizedRange(_ operands: [ValueRange]) -> ValueRange {
  let zero = operands.count == 3 ? operands[2] : ValueRange(lo: 0, hi: 0)
  return product(ValueRange(lo: operands[0].lo - zero.hi, hi: operands[0].hi - zero.lo), operands[1])
}
