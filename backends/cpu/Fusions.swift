import GraphIR

/// Which nodes of a graph run as one: a convolution, the sum it is added to, and the activation of that sum; or a binary convolution, its
/// rescale and the quantize behind it, from which a pool in between is moved away:
///
/// ```
/// %2 = binary_conv %1
/// %3 = rescale %2                          %6 = binary_conv %1, rescale, quantize
/// %4 = pool max %3         becomes         %5 = pool max %6
/// %5 = quantize %4
/// ```
///
/// A float convolution's sum is rounded before the addend comes, as it is when each node runs by itself, and quantize never falls where its
/// operand rises: no byte changes.
struct Fusions {
  /// What runs in place of the node whose result it gives.
  private(set) var planned: [NodeID: [PlannedNode]] = [:]
  /// The types of slots behind the graph's values.
  private(set) var extraTypes: [TensorType] = []
  /// The layer in it.
  private(set) var convolution: [NodeID: NodeID] = [:]
  private(set) var absorbed: Set<NodeID> = []
  private(set) var hidden: Set<ValueID> = []

  init() {}

  /// `constants`: what does not depend on inputs, by value.
  init(_ graph: Graph, isVariable: [Bool], constants: Constants, _ choices: NodeChoices) {
    let (uses, blocked) = (graph.useCounts, choices.blocked)
    addCoded(graph, isVariable, constants, uses, choices.coded)
    var readers: [ValueID: NodeID] = [:]
    for (id, node) in zip(graph.nodeIDs, graph.nodes) { for operand in node.operands { readers[operand] = id } }
    addIntegerSums(graph, isVariable, constants, uses, readers, choices.toSums)
    let onBits = addBits(graph, isVariable, constants, uses, readers, choices.onBits)
    addSums(graph, isVariable, blocked, uses, readers)
    for id in graph.nodeIDs where !absorbed.contains(id) {
      if let bits = onBits[id] {
        addFinish(graph, id, blocked, uses, readers, bits: bits)
      } else if case .binaryConv = graph[id].op, blocked.contains(id) {
        addFinish(graph, id, blocked, uses, readers, bits: nil)
      }
    }
  }

  /// A node that no longer runs by itself.
  mutating func absorb(_ id: NodeID, _ graph: Graph) {
    absorbed.insert(id)
    hidden.formUnion(graph[id].results)
  }

  /// A value that no step computes any more.
  mutating func hide(_ id: ValueID) { hidden.insert(id) }

  /// A slot behind the graph's values.
  mutating func addSlot(_ type: TensorType, _ graph: Graph) -> ValueID {
    extraTypes.append(type)
    return ValueID(graph.values.count + extraTypes.count - 1)
  }

  /// What runs in place of node `end`, with the work of `source`.
  mutating func set(_ nodes: [PlannedNode], at end: NodeID, standsFor source: NodeID?) {
    planned[end] = nodes
    convolution[end] = source
  }

  /// What runs in place of node `end`, with the work of `source`.
  mutating func set(_ node: PlannedNode, at end: NodeID, standsFor source: NodeID) {
    planned[end] = [node]
    convolution[end] = source
  }

  private mutating func addSums(
    _ graph: Graph, _ isVariable: [Bool], _ convolutions: Set<NodeID>, _ uses: [Int], _ readers: [ValueID: NodeID]
  ) {
    for (sum, node) in zip(graph.nodeIDs, graph.nodes) {
      guard case .binary(.add) = node.op, !absorbed.contains(sum), node.operands.allSatisfy({ isVariable[Int($0.index)] }),
        graph.type(of: node.operands[0]) == graph.type(of: node.operands[1])
      else { continue }
      /// A convolution whose result only this node reads.
      let candidates = node.operands.compactMap { operand -> NodeID? in
        guard uses[Int(operand.index)] == 1, let producer = graph.producer(of: operand), convolutions.contains(producer),
          !absorbed.contains(producer), planned[producer] == nil, case .conv(let a) = graph[producer].op, a.activation == .none,
          a.groups == 1
        else { return nil }
        return producer
      }
      guard let conv = candidates.max(by: { $0.index < $1.index }), case .conv(var a) = graph[conv].op else { continue }
      let addend = node.operands[0] == graph[conv].results[0] ? node.operands[1] : node.operands[0]
      var last = sum
      if uses[Int(node.results[0].index)] == 1, let reader = readers[node.results[0]] {
        switch graph[reader].op {
        case .unary(.relu): (a.activation, last) = (.relu, reader)
        case .clip(let clip): (a.activation, last) = (.clip(clip.lo, clip.hi), reader)
        default: break
        }
      }
      for id in [conv, sum] where id != last {
        absorbed.insert(id)
        hidden.formUnion(graph[id].results)
      }
      var fused = graph[conv]
      (fused.op, fused.results, fused.origin) = (.conv(a), graph[last].results, graph[last].origin)
      planned[last] = [PlannedNode(id: last, node: fused, addend: addend)]
      convolution[last] = conv
    }
  }

  /// The rescale that alone reads a binary layer's sums, if it may run with it.
  func finish(of conv: NodeID, _ graph: Graph, _ uses: [Int], _ readers: [ValueID: NodeID]) -> (NodeID, Rescale)? {
    let sums = graph[conv].results[0]
    guard uses[Int(sums.index)] == 1, let rescale = readers[sums], case .rescale(let a) = graph[rescale].op,
      graph[rescale].operands.count == 3, graph[rescale].operands[0] == sums, let m = graph.constant(graph[rescale].operands[1])?.floats,
      let c = graph.constant(graph[rescale].operands[2])?.floats,
      // No sum, of 32 bits, may leave the finite numbers: a NaN quantizes to 0, and then order is lost.
      zip(m, c).allSatisfy({ ($0.magnitude * 0x1p32 + $1.magnitude).isFinite })
    else { return nil }
    return (rescale, a)
  }

  private mutating func addFinish(
    _ graph: Graph, _ conv: NodeID, _ blocked: Set<NodeID>, _ uses: [Int], _ readers: [ValueID: NodeID], bits: ValueID?
  ) {
    /// The one node that reads a node's result.
    func next(_ id: NodeID) -> NodeID? { uses[Int(graph[id].results[0].index)] == 1 ? readers[graph[id].results[0]] : nil }
    guard let (rescale, a) = finish(of: conv, graph, uses, readers) else { return }
    var pool: NodeID?
    var last = next(rescale)
    if let id = last, case .pool(let p) = graph[id].op, blocked.contains(id), p.isMaximumOfSome { (pool, last) = (id, next(id)) }
    var quantize: (Quantize, scale: Float)?
    if let id = last, case .quantize(let q) = graph[id].op, blocked.contains(id),
      let scale = graph.constant(graph[id].operands[1])?.floats[0],
      scale > 0 && scale.isFinite
    {
      quantize = (q, scale)
    }
    let end = quantize == nil ? rescale : last ?? rescale
    if quantize == nil { pool = nil }
    var fused = graph[conv]
    fused.results = graph[end].results
    if let bits { fused.operands[0] = bits }
    let finish = Finish(
      m: graph[rescale].operands[1], c: graph[rescale].operands[2], activation: a.activation,
      codes: Fusions.codes(graph[conv].operands[0], graph), quantize: quantize)
    for id in [conv, rescale] + (pool.map { [$0] } ?? []) where id != end {
      absorbed.insert(id)
      hidden.formUnion(graph[id].results)
    }
    convolution[end] = conv
    guard let pool else {
      planned[end] = [PlannedNode(id: conv, node: fused, finish: finish, readsBits: bits != nil)]
      return
    }
    var type = graph.type(of: graph[rescale].results[0])
    type = TensorType(graph.type(of: graph[end].results[0]).element, type.shape)
    fused.results = [addSlot(type, graph)]
    var pooled = graph[pool]
    (pooled.operands, pooled.results) = (fused.results, graph[end].results)
    planned[end] = [PlannedNode(id: conv, node: fused, finish: finish, readsBits: bits != nil), PlannedNode(id: pool, node: pooled)]
  }

  /// What codes a value may hold, and 0.
  static func codes(_ id: ValueID, _ graph: Graph) -> ClosedRange<Int> {
    if let producer = graph.producer(of: id) {
      switch graph[producer].op {
      case .quantize(let a): return min(a.lo, 0)...max(a.hi, 0)
      case .pool, .reshape, .transpose: return codes(graph[producer].operands[0], graph)
      default: break
      }
    }
    return graph.type(of: id).element == .int8 ? -128...127 : 0...255
  }
}
