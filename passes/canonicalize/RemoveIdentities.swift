import GraphIR
import PluginAPI

extension Pass {
  /// Drops nodes that hand on what they are given, and joins pairs of which one is enough. Exact to the bit, -0 and NaN included.
  ///
  ///     %a = reshape(%x) {shape=[?, 16]}                       // before; %x: f32[?x16]
  ///     %b = mul(%a, %one)
  ///     %c = clip(%b) {lo=0.0, hi=6.0}
  ///     %d = relu(%c)
  ///
  ///     %c = clip(%x) {lo=0.0, hi=6.0}                         // after
  ///
  /// `x - 0` and `x + -0` go; `x + 0` stays for floats, since it turns -0 into 0. A zero point of 0 goes, and scales by channel that are all
  /// the same become one number (not those of weights, which are read by filter).
  public static let removeIdentities = Pass("remove-identities", "drops nodes that change nothing") { graph, _ in
    try graph.rewritten { candidate, new, _ in
      guard let first = candidate.operands.first else { return nil }
      if isIdentity(candidate, new) { return [first] }
      if case .binary(let kind) = candidate.node.op, let kept = keptOperand(of: kind, candidate, new) { return [kept] }
      return try joined(candidate, &new)
    }
  }
}

/// Whether a node hands on its first operand, whatever the other operands are.
private func isIdentity(_ candidate: Graph.Candidate, _ graph: Graph) -> Bool {
  let x = graph.type(of: candidate.operands[0])
  switch candidate.node.op {
  case .reshape(let a): return a.shape == x.shape
  case .expand(let a): return a.shape == x.shape
  case .transpose(let a): return a.order == Array(0..<x.shape.rank)
  case .cast(let a): return a.to == x.element
  case .slice(let a): return Shape(a.extents) == x.shape && a.starts.allSatisfy { $0 == 0 } && a.steps.allSatisfy { $0 == 1 }
  case .pad(let a): return a.pads.allSatisfy { $0 == 0 }
  case .concat: return candidate.operands.count == 1
  case .reduce(let a): return a.keepAxes && a.axes.allSatisfy { x.shape[$0] == 1 }
  case .pool(let a): return a.kernel.allSatisfy { $0 == 1 } && a.window.strides.allSatisfy { $0 == 1 } && a.window.isUnpadded
  case .clip, .unary(.relu):
    guard x.element == .float32, let bounds = Bounds(candidate.node.op) else { return false }
    guard let inner = graph.definition(of: candidate.operands[0]).flatMap({ Bounds(handedOnBy: $0.op) }) else { return bounds.isOpen }
    return inner.followed(by: bounds)?.isIdentical(to: inner) ?? false
  default: return false
  }
}

extension Bounds {
  /// The bounds of what an op hands on: its own, or those of its activation.
  fileprivate init?(handedOnBy op: Op) {
    switch op {
    case .conv(let a): self.init(a.activation)
    case .dense(let a): self.init(a.activation)
    case .rescale(let a): self.init(a.activation)
    default: self.init(op)
    }
  }
}

/// The operand that an element-wise op with a neutral constant hands on; nil when it does more.
private func keptOperand(of kind: BinaryKind, _ candidate: Graph.Candidate, _ graph: Graph) -> ValueID? {
  for place in 0...1 {
    let kept = candidate.operands[1 - place]
    guard let constant = graph.constant(candidate.operands[place]), constant.count > 0,
      let shape = graph.type(of: kept).shape.broadcast(with: constant.shape), shape == graph.type(of: kept).shape,
      isNeutral(constant, in: kind, isSecond: place == 1)
    else { continue }
    return kept
  }
  return nil
}

private func isNeutral(_ constant: Tensor, in kind: BinaryKind, isSecond: Bool) -> Bool {
  let numbers = constant.doubles
  switch kind {
  case .mul: return numbers.allSatisfy { $0 == 1 }
  case .div: return isSecond && numbers.allSatisfy { $0 == 1 }
  case .add: return numbers.allSatisfy { $0 == 0 && (!constant.element.isFloat || $0.sign == .minus) }
  case .sub: return isSecond && numbers.allSatisfy { $0 == 0 && $0.sign == .plus }
  default: return false
  }
}

/// One node for a pair of reshapes, transposes or bounds, and a quantize or dequantize without what it does not need.
private func joined(_ candidate: Graph.Candidate, _ graph: inout Graph) throws -> [ValueID]? {
  let node = candidate.node
  if let simpler = simplerCoding(node.op, candidate.operands, &graph) {
    return try graph.append(simpler.op, simpler.operands, origin: node.origin)
  }
  guard let inner = graph.definition(of: candidate.operands[0]), let op = joined(inner.op, node.op, graph.type(of: candidate.operands[0]))
  else {
    return nil
  }
  return try graph.append(op, [inner.operands[0]], origin: node.origin)
}

private func joined(_ inner: Op, _ outer: Op, _ between: TensorType) -> Op? {
  switch (inner, outer) {
  case (.reshape, .reshape): return outer
  case (.transpose(let a), .transpose(let b)): return .transpose(Transpose(order: b.order.map { a.order[$0] }))
  default:
    guard between.element == .float32, let first = Bounds(inner), let second = Bounds(outer) else { return nil }
    return first.followed(by: second)?.op
  }
}
