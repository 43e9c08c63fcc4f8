import GraphIR

extension Graph {
  /// The same graph for any number of samples, if its inputs have a bound batch of 1; nil when it cannot be read so.
  ///
  /// Shapes follow from the ops; a reshape to `[1, …]` becomes one to any batch.
  public func freeingBatch() -> Graph? {
    if inputs.allSatisfy({ type(of: $0).shape.hasFreeBatch }) { return self }
    guard inputs.allSatisfy({ type(of: $0).shape.rank > 1 && type(of: $0).shape[0] == 1 }) else { return nil }
    func freed(_ shape: Shape) -> Shape { Shape([Shape.free] + shape.dimensions.dropFirst()) }
    return try? rewritten(inputShape: freed) { candidate, new, old in
      guard case .reshape(var a) = candidate.node.op, old.type(of: candidate.node.operands[0]).shape.dimensions.first == 1,
        a.shape.dimensions.first == 1
      else { return nil }
      a.shape = freed(a.shape)
      return try new.append(.reshape(a), candidate.operands, origin: candidate.node.origin)
    }
  }
}
