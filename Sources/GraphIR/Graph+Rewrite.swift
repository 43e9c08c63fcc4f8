extension Graph {
  /// A node about to be rebuilt: what it was, and its operands in the new graph.
  public struct Candidate {
    /// Its id in the old graph.
    public let id: NodeID
    /// The node as it was.
    public let node: Node
    /// Operands in the new graph.
    public let operands: [ValueID]
    /// How often each of the node's results is used in the old graph.
    public let resultUses: [Int]
  }

  /// Builds a new graph node by node, in running order.
  ///
  /// For each node `rewrite` gets the candidate, the graph built so far, and the old graph. It returns the values (of the new graph) that stand for
  /// the node's results, or nil to keep the node. Whatever no output needs afterwards is dropped; all inputs stay.
  public func rewritten(
    inputShape: (Shape) -> Shape = { $0 },
    _ rewrite: (Candidate, inout Graph, Graph) throws -> [ValueID]?
  ) throws -> Graph {
    var new = Graph(name: name)
    var map = [ValueID?](repeating: nil, count: values.count)
    for input in inputs {
      let old = self[input]
      map[Int(input.index)] = new.addInput(old.name, TensorType(old.type.element, inputShape(old.type.shape)))
    }
    let uses = useCounts
    func mapped(_ id: ValueID) -> ValueID {
      if let known = map[Int(id.index)] { return known }
      guard let tensor = constant(id) else { preconditionFailure("value \(id) is used before it is computed") }
      let copy = new.addConstant(tensor, name: self[id].name)
      map[Int(id.index)] = copy
      return copy
    }
    for (index, node) in nodes.enumerated() {
      let operands = node.operands.map(mapped)
      let candidate = Candidate(id: NodeID(index), node: node, operands: operands, resultUses: node.results.map { uses[Int($0.index)] })
      let names = node.results.map { self[$0].name }
      let results = try rewrite(candidate, &new, self) ?? new.append(node.op, operands, origin: node.origin, names: names)
      precondition(
        results.count == node.results.count, "'\(node.op.name)' has \(node.results.count) results, its replacement \(results.count)")
      for (old, replacement) in zip(node.results, results) {
        map[Int(old.index)] = replacement
        if new[replacement].name.isEmpty && new.producer(of: replacement) != nil { new.setName(self[old].name, of: replacement) }
      }
    }
    for output in outputs { new.addOutput(output.name, mapped(output.value)) }
    return new.pruned()
  }

  /// The graph without nodes and constants that no output needs. Inputs stay.
  public func pruned() -> Graph {
    var live = [Bool](repeating: false, count: values.count)
    for output in outputs { live[Int(output.value.index)] = true }
    for node in nodes.reversed() where node.results.contains(where: { live[Int($0.index)] }) {
      for operand in node.operands { live[Int(operand.index)] = true }
    }
    var new = Graph(name: name)
    var map = [ValueID?](repeating: nil, count: values.count)
    for input in inputs { map[Int(input.index)] = new.addInput(self[input].name, self[input].type) }
    func mapped(_ id: ValueID) -> ValueID {
      if let known = map[Int(id.index)] { return known }
      guard let tensor = constant(id) else { preconditionFailure("value \(id) is used before it is computed") }
      let copy = new.addConstant(tensor, name: self[id].name)
      map[Int(id.index)] = copy
      return copy
    }
    for node in nodes where node.results.contains(where: { live[Int($0.index)] }) {
      let operands = node.operands.map(mapped)
      let results = new.append(
        node.op, operands, resultTypes: node.results.map { type(of: $0) }, origin: node.origin, names: node.results.map { self[$0].name })
      for (old, copy) in zip(node.results, results) { map[Int(old.index)] = copy }
    }
    for output in outputs { new.addOutput(output.name, mapped(output.value)) }
    return new
  }
}
