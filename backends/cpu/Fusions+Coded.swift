import GraphIR

extension Fusions {
  /// Finds what may run on codes. `mayRun` says whether there is a kernel for a convolution or dense layer with such weights.
  mutating func addCoded(
    _ graph: Graph, _ isVariable: [Bool], _ constants: Constants, _ uses: [Int], _ mayRun: (Node, Shape) -> Bool
  ) {
    var read: [NodeID: Int] = [:]
    var wholeSources: [NodeID: [NodeID]] = [:]
    /// The `dequantize` that makes a value.
    func source(_ id: ValueID) -> NodeID? {
      guard isVariable[Int(id.index)], let producer = graph.producer(of: id), case .dequantize = graph[producer].op else { return nil }
      return producer
    }
    func coding(_ dequantize: NodeID) -> Coding? {
      Coding(graph[dequantize], codes: graph.type(of: graph[dequantize].operands[0]).element, graph)
    }
    for (end, node) in zip(graph.nodeIDs, graph.nodes) {
      guard case .quantize(let quantize) = node.op, isVariable[Int(node.results[0].index)], let to = Coding(node, codes: quantize.to, graph)
      else { continue }
      var activations: [Activation] = []
      var inner: [NodeID] = []
      var value = node.operands[0]
      while uses[Int(value.index)] == 1, let producer = graph.producer(of: value) {
        inner.append(producer)
        switch graph[producer].op {
        case .unary(.relu): activations.insert(.relu, at: 0)
        case .clip(let a): activations.insert(.clip(a.lo, a.hi), at: 0)
        default: value = ValueID(graph.values.count)
        }
        if value.index == graph.values.count { break }
        value = graph[producer].operands[0]
      }
      if let whole = CodedNode.wholeLayer(of: node.operands[0], graph, constants, uses), isVariable[Int(whole.codes.index)],
        mayRun(graph[whole.nodes[0]], whole.layer.weights.shape)
      {
        let first = whole.nodes[0]
        var fused = graph[first]
        (fused.operands, fused.results) = ([whole.codes], node.results)
        for id in whole.nodes { absorb(id, graph) }
        read[whole.source[0], default: 0] += 1
        wholeSources[whole.source[0]] = whole.source
        let coded = CodedNode(kind: .layer(whole.layer), from: whole.from, to: to, codes: quantize.lo...quantize.hi)
        set(PlannedNode(id: end, node: fused, coded: coded), at: end, standsFor: first)
        continue
      }
      guard let first = inner.last, value.index == graph.values.count, let x = source(graph[first].operands[0]), let from = coding(x)
      else { continue }
      let layer = graph[first]
      var kind: CodedNode.Kind?
      var sources = [x]
      switch layer.op {
      case .conv(let a):
        activations.insert(a.activation, at: 0)
        kind = codedLayer(layer, graph, constants, mayRun)
      case .dense(let a):
        activations.insert(a.activation, at: 0)
        kind = codedLayer(layer, graph, constants, mayRun)
      case .binary(.add):
        if let y = source(layer.operands[1]), let other = coding(y),
          graph.type(of: layer.operands[0]).shape == graph.type(of: layer.operands[1]).shape
        {
          kind = .sum(with: other)
          sources.append(y)
        }
      case .reduce(let a):
        let shape = graph.type(of: layer.operands[0]).shape
        if a.isMeanOfPlanes, shape.rank == 4, shape[1] % Shape.lanes == 0, shape.positions > 0 { kind = .mean }
      default: break
      }
      guard let kind, let codes = CodedNode.codes(of: quantize, to, behind: activations) else { continue }
      var fused = layer
      (fused.operands, fused.results, fused.origin) = (sources.map { graph[$0].operands[0] }, node.results, layer.origin)
      for id in inner {
        absorb(id, graph)
      }
      for id in sources { read[id, default: 0] += 1 }
      set(PlannedNode(id: end, node: fused, coded: CodedNode(kind: kind, from: from, to: to, codes: codes)), at: end, standsFor: first)
    }
    for (id, count) in read where uses[Int(graph[id].results[0].index)] == count {
      absorb(id, graph)
      // A cast that others read stays.
      for cast in wholeSources[id, default: []].dropFirst() where uses[Int(graph[cast].results[0].index)] == 1 { absorb(cast, graph) }
    }
  }

  private func codedLayer(
    _ layer: Node, _ graph: Graph, _ constants: Constants, _ mayRun: (Node, Shape) -> Bool
  ) -> CodedNode.Kind? {
    guard let (weights, scales) = CodedNode.weights(layer.operands[1], graph), mayRun(layer, weights.shape) else { return nil }
    guard layer.operands.count == 3 else { return .layer(CodedLayer(weights: weights, scales: scales, bias: nil)) }
    guard let bias = constants[Int(layer.operands[2].index)]?.floats,
      bias.allSatisfy({ $0.magnitude <= Coding.scales.upperBound })
    else { return nil }
    return .layer(CodedLayer(weights: weights, scales: scales, bias: bias.map { Double($0) }))
  }
}
