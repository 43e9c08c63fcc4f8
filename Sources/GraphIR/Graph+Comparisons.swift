extension Graph {
  /// Whether a binary layer's sums go through one rescale, without an activation, to nothing but comparisons with constants: then a number of
  /// each filter's own divides the sums into two, whichever way.
  ///
  /// On the way may stand what keeps the order of a filter's numbers or turns it round: sums and products with constants of each filter's own,
  /// maxima over windows, other shapes.
  package func isOnlyCompared(_ sums: ValueID) -> Bool {
    guard let joined = users(sums), joined.count == 1, case .rescale(let a) = joined[0].op, a.activation == .none,
      joined[0].operands.count == 3
    else { return false }
    return isOnlyCompared(joined[0].results[0], filters: type(of: sums).shape[1])
  }

  private func isOnlyCompared(_ numbers: ValueID, filters: Int) -> Bool {
    guard let users = users(numbers), !users.isEmpty else { return false }
    return users.allSatisfy { node in
      switch node.op {
      case .binary(let kind) where kind.isComparison && kind != .equal:
        return node.operands.allSatisfy { $0 == numbers || isByFilter($0, filters) }
      case .binary(.add), .binary(.sub), .binary(.mul):
        return node.operands.contains { isByFilter($0, filters) } && isOnlyCompared(node.results[0], filters: filters)
      case .pool(let a): return a.kind == .max && isOnlyCompared(node.results[0], filters: filters)
      case .reshape, .transpose: return isOnlyCompared(node.results[0], filters: filters)
      default: return false
      }
    }
  }

  /// Whether a value is a constant of one number, or one for each filter.
  private func isByFilter(_ id: ValueID, _ filters: Int) -> Bool { constant(id).map { $0.count == 1 || $0.count == filters } ?? false }

  /// The nodes that use a value; nil for an output of the graph.
  private func users(_ value: ValueID) -> [Node]? {
    outputs.contains { $0.value == value } ? nil : nodes.filter { $0.operands.contains(value) }
  }
}
