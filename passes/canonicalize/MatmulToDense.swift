import GraphIR
import PluginAPI

extension Pass {
  /// Makes a dense layer of a matrix product with constant weights, so that what follows knows one form. The sums are the same.
  ///
  ///     %y = matmul(%x, %w)                    // before; %x: f32[?x256], %w: f32[256x10], a constant
  ///
  ///     %t = transpose(%w) {order=[1, 0]}      // after; fold-constants folds it away
  ///     %y = dense(%x, %t)
  public static let matmulToDense = Pass("matmul-to-dense", "makes dense layers of matrix products with constant weights") { graph, _ in
    try graph.rewritten { candidate, new, _ in
      guard case .matmul = candidate.node.op, candidate.operands.allSatisfy({ new.type(of: $0).shape.rank == 2 }),
        new.type(of: candidate.operands[0]).element.isFloat, isConstant(candidate.operands[1], in: new)
      else { return nil }
      let order = Op.transpose(Transpose(order: [1, 0]))
      let weights = try new.append1(order, [candidate.operands[1]], origin: candidate.node.origin, name: new[candidate.operands[1]].name)
      return try new.append(.dense(Dense()), [candidate.operands[0], weights], origin: candidate.node.origin)
    }
  }
}

/// Whether a value is a constant, or the numbers behind constant codes.
private func isConstant(_ id: ValueID, in graph: Graph) -> Bool {
  if graph.constant(id) != nil { return true }
  guard let node = graph.definition(of: id), case .dequantize = node.op else { return false }
  return node.operands.allSatisfy { graph.constant($0) != nil }
}
