import GraphIR

extension Fusions {
  /// Finds integer layers that give sums. `mayRun` says whether there is a kernel for such a layer with weights of a shape.
  mutating func addIntegerSums(
    _ graph: Graph, _ isVariable: [Bool], _ constants: Constants, _ uses: [Int], _ readers: [ValueID: NodeID],
    _ mayRun: (Node, Shape) -> Bool
  ) {
    var sources: [ValueID: IntegerSource] = [:]
    var read: [ValueID: Int] = [:]
    /// The one node that reads a node's result, and the other operand that it has.
    func next(_ id: NodeID) -> (id: NodeID, node: Node, other: ValueID?)? {
      let value = graph[id].results[0]
      guard uses[Int(value.index)] == 1, let reader = readers[value] else { return nil }
      return (reader, graph[reader], graph[reader].operands.first { $0 != value })
    }
    for (cast, node) in zip(graph.nodeIDs, graph.nodes) {
      guard case .cast = node.op, graph.type(of: node.results[0]).element == .int32, !absorbed.contains(cast),
        isVariable[Int(node.results[0].index)], uses[Int(node.operands[0].index)] == 1, let first = graph.producer(of: node.operands[0]),
        var sums = SumNode(cast: node, layer: graph[first], graph, isVariable, constants, mayRun),
        let source = IntegerSource(graph[first].operands[0], graph, isVariable, constants)
      else { continue }
      var operands = [source.codes] + (source.zeroValue.map { [$0] } ?? [])
      let type = graph.type(of: node.results[0])
      let axis: Int = if case .conv = graph[first].op { 1 } else { type.shape.rank - 1 }
      let filters = graph[first].filters(sums.weights.shape)
      /// Whether a value is one for each filter.
      func isByFilter(_ id: ValueID) -> Bool {
        let shape = graph.type(of: id).shape
        let from = shape.rank - type.shape.rank + axis
        return shape.rank <= type.shape.rank && from >= 0 && shape[from] == filters && shape.elementCount == filters
      }
      var inner = [first]
      var end = cast
      if let narrow = next(cast), case .cast = narrow.node.op, graph.type(of: narrow.node.results[0]).element == .float32,
        let scaling = next(narrow.id), case .binary(.mul) = scaling.node.op, let factor = scaling.other,
        graph.type(of: scaling.node.results[0]).shape == type.shape,
        graph.type(of: factor).shape.elementCount == 1 || isByFilter(factor)
      {
        if let numbers = constants[Int(factor.index)] {
          sums.factors = .constant(numbers.floats)
        } else {
          sums.factors = .operand(operands.count)
          operands.append(factor)
        }
        sums.hasOneFactor = graph.type(of: factor).shape.elementCount == 1
        inner += [cast, narrow.id]
        end = scaling.id
        if let adding = next(end), case .binary(.add) = adding.node.op, let bias = adding.other, isByFilter(bias),
          let numbers = constants[Int(bias.index)], graph.type(of: adding.node.results[0]).shape == type.shape
        {
          sums.bias = numbers.floats
          inner.append(end)
          end = adding.id
        }
      }
      var fused = graph[first]
      (fused.operands, fused.results) = (operands, graph[end].results)
      for id in inner where id != end { absorb(id, graph) }
      sources[graph[first].operands[0]] = source
      read[graph[first].operands[0], default: 0] += 1
      set(PlannedNode(id: end, node: fused, sums: sums), at: end, standsFor: first)
    }
    for (value, source) in sources where uses[Int(value.index)] == read[value] {
      absorb(source.nodes[0], graph)
      // Casts that others read stay.
      for id in source.nodes.dropFirst() where uses[Int(graph[id].results[0].index)] == 1 { absorb(id, graph) }
    }
  }
}
