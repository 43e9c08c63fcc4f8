import GraphIR

/// A layer's bit slices: binary layers of the same inputs whose sums one rescale joins. A binary layer has one slice.
///
/// Where a chip takes weights of several bits, slices lie side by side in local arrays and see one drive of the inputs.
struct SlicedLayer: Sendable {
  let slices: [Layer]
  /// The vectors of weights, slice after slice, that each row slot takes: one in each local array.
  let groups: [Range<Int>]

  /// What all slices have in common.
  var first: Layer { slices[0] }
  var node: NodeID { first.node }
  var origin: String { first.origin }
  var inputs: Int { first.inputs }
  var tiles: [Range<Int>] { first.tiles }
  var magnitudeBits: Int { first.magnitudeBits }
  var positions: Int { first.positions }

  /// Row slots, and evaluations at each position.
  var slots: Int { tiles.count * groups.count }
  /// Cells that hold a weight's bit.
  var weightBits: Int { slices.reduce(0) { $0 + $1.weightBits } }

  /// The binary layers among `nodes`, those that are slices of one layer together where the chip keeps slices side by side.
  static func all(_ nodes: [NodeID], in graph: Graph, _ machine: Machine) -> [SlicedLayer] {
    var layers: [[NodeID]] = []
    var numbers: [Key: Int] = [:]
    for id in nodes {
      guard machine.description.weightBits > 1, let key = Key(id, in: graph) else {
        layers.append([id])
        continue
      }
      if let number = numbers[key] {
        layers[number].append(id)
      } else {
        numbers[key] = layers.count
        layers.append([id])
      }
    }
    return layers.map { SlicedLayer($0, in: graph, machine) }
  }

  private init(_ nodes: [NodeID], in graph: Graph, _ machine: Machine) {
    let filters = graph.type(of: graph[nodes[0]].operands[1]).shape[0]
    let groups = Layer.cut(nodes.count * filters, by: machine.description.localArrays)
    self.groups = groups
    slices = nodes.enumerated().map { slice, id in
      Layer(
        id, in: graph,
        groups: groups.map { group in
          let own = (slice * filters..<(slice + 1) * filters).clamped(to: group)
          return Layer.Group(
            filters: own.isEmpty ? 0..<0 : own.lowerBound - slice * filters..<own.upperBound - slice * filters,
            firstArray: own.isEmpty ? 0 : own.lowerBound - group.lowerBound)
        })
    }
  }

  /// What slices of one layer share.
  private struct Key: Hashable {
    let rescale: NodeID
    let codes: ValueID
    let op: Op
    let weights: Shape
    let order: Tensor?

    /// nil for sums that more than one rescale uses.
    init?(_ id: NodeID, in graph: Graph) {
      let node = graph[id]
      let sums = node.results[0]
      let users = graph.nodeIDs.filter { graph[$0].operands.contains(sums) }
      guard users.count == 1, case .rescale = graph[users[0]].op, !graph.outputs.contains(where: { $0.value == sums }) else { return nil }
      switch node.op {
      case .binaryConv(var a):
        a.readout = .exact
        op = .binaryConv(a)
      case .binaryDense(var a):
        a.readout = .exact
        op = .binaryDense(a)
      default: return nil
      }
      rescale = users[0]
      codes = node.operands[0]
      weights = graph.type(of: node.operands[1]).shape
      order = node.operands.count == 3 ? graph.constant(node.operands[2]) : nil
    }
  }
}
