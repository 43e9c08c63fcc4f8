import GraphIR

extension Fusions {
  /// Finds codes of -1 and +1 that may be bits, and what makes them, and returns the binary layers that read them, and from which slots.
  /// `mayRun`: for which there is a kernel.
  mutating func addBits(
    _ graph: Graph, _ isVariable: [Bool], _ constants: Constants, _ uses: [Int], _ readers: [ValueID: NodeID], _ mayRun: Set<NodeID>
  ) -> [NodeID: ValueID] {
    if mayRun.isEmpty { return [:] }
    var onBits: [NodeID: ValueID] = [:]
    var layers: [ValueID: [NodeID]] = [:]
    /// A reshape between codes and the dense layer that reads them.
    var reshapes: [NodeID: NodeID] = [:]
    for id in graph.nodeIDs where mayRun.contains(id) && finish(of: id, graph, uses, readers) != nil {
      var codes = graph[id].operands[0]
      if case .binaryDense = graph[id].op, uses[Int(codes.index)] == 1, let reshape = graph.producer(of: codes),
        let whole = BitChain.flattened(by: reshape, graph)
      {
        (codes, reshapes[id]) = (whole, reshape)
      }
      layers[codes, default: []].append(id)
    }
    var outputs: [ValueID: Int] = [:]
    for output in graph.outputs { outputs[output.value, default: 0] += 1 }
    for (end, node) in zip(graph.nodeIDs, graph.nodes) {
      let codes = node.results[0]
      guard case .quantize = node.op, isVariable[Int(codes.index)], planned[end] == nil, !absorbed.contains(end),
        graph.type(of: codes).element == .int8, let readers = layers[codes],
        readers.count + outputs[codes, default: 0] == uses[Int(codes.index)],
        let nodes = bits(end, graph, constants, uses, onBits, readers, isOutput: outputs[codes] != nil), let last = nodes.planned.last
      else { continue }
      for id in nodes.inner + readers.compactMap({ reshapes[$0] }) { absorb(id, graph) }
      set(nodes.planned, at: end, standsFor: nodes.source)
      for reader in readers { onBits[reader] = last.node.results[0] }
      if last.node.results[0] != codes { hide(codes) }
    }
    return onBits
  }

  /// What makes bits in place of the quantize `end`, the nodes that it stands for, and the layer among them.
  private mutating func bits(
    _ end: NodeID, _ graph: Graph, _ constants: Constants, _ uses: [Int], _ onBits: [NodeID: ValueID], _ readers: [NodeID], isOutput: Bool
  ) -> (planned: [PlannedNode], inner: [NodeID], source: NodeID?)? {
    /// The layer of bits whose sums a value is.
    func source(_ sums: ValueID) -> NodeID? {
      guard uses[Int(sums.index)] == 1, let producer = graph.producer(of: sums), onBits[producer] != nil else { return nil }
      return producer
    }
    guard let chain = BitChain(to: end, graph, constants, uses, enters: { source(graph[$0].operands[0]) != nil }),
      chain.nodes.allSatisfy({ !absorbed.contains($0) && planned[$0] == nil })
    else { return nil }
    let shape = graph.type(of: chain.coded).shape
    let isFlat = chain.coded != graph[end].operands[0]
    // A dense layer reads bits as a window that sees all places.
    let isDense = readers.contains { if case .binaryDense = graph[$0].op { true } else { false } }
    if isFlat && isOutput || isDense && !StepCompiler.fitsWindow(shape) { return nil }
    let pools = chain.nodes.filter { chain.isPool($0) }
    let layer = source(chain.root)
    var first = graph[layer ?? end]
    if let layer, let codes = onBits[layer] { first.operands[0] = codes }
    let node: BitNode
    let minima: [[Bool]]
    if let layer {
      let weights = graph.type(of: graph[layer].operands[1]).shape
      guard let found = try? chain.ofSums(most: weights.dimensions.dropFirst().reduce(1, *)) else { return nil }
      (node, minima) = (.layer(found.crossings), found.minima)
    } else {
      guard graph.type(of: chain.root).element == .float32, let found = try? chain.ofNumbers() else { return nil }
      (node, minima) = (.pack(found.crossings), found.minima)
      first.operands = [chain.root]
    }
    let codes = graph[end].results[0]
    func slot(_ shape: Shape, isLast: Bool) -> ValueID { isLast && !isFlat ? codes : addSlot(TensorType(.int8, shape), graph) }
    first.results = [slot(graph.type(of: chain.root).shape, isLast: pools.isEmpty)]
    first.origin = graph[end].origin
    var result = [PlannedNode(id: layer ?? end, node: first, bits: node)]
    for (pool, isMinimum) in zip(pools, minima) {
      var node = graph[pool]
      (node.operands, node.results) = (
        result[result.count - 1].node.results, [slot(graph.type(of: node.results[0]).shape, isLast: pool == pools.last)]
      )
      result.append(PlannedNode(id: pool, node: node, bits: .pool(isMinimum: isMinimum)))
    }
    let reshape = isFlat ? graph.producer(of: graph[end].operands[0]) : nil
    return (result, chain.nodes.filter { $0 != end } + [layer, reshape].compactMap { $0 }, layer)
  }
}
