import GraphIR

/// A binary layer, cut into tiles of inputs and groups of filters.
struct Layer: Sendable {
  /// What one row slot has of a layer: filters side by side in local arrays. Empty where it has none.
  struct Group: Sendable {
    let filters: Range<Int>
    let firstArray: Int
  }

  let node: NodeID
  let origin: String
  let op: String
  let filters: Int
  /// K: inputs of one output.
  let inputs: Int
  /// Places in tile order that each tile takes.
  let tiles: [Range<Int>]
  /// Filters that each row slot takes: one in each local array from the first on.
  let groups: [Group]
  let geometry: Geometry
  /// Offsets of the inputs in tile order.
  let columns: [Int32]
  /// Whether codes are i8.
  let isSigned: Bool
  /// Bits of the largest magnitude.
  let magnitudeBits: Int
  let readout: Readout
  /// What the converter makes of a tile's sum of `-limit...limit`, at index `sum + limit`; empty for an exact readout.
  let readings: [Int32]
  let limit: Int

  /// Row slots, and evaluations at each position.
  var slots: Int { tiles.count * groups.count }
  var positions: Int { geometry.positions.count }
  var weightBits: Int { filters * inputs }

  init(_ id: NodeID, in graph: Graph, groups: [Group]) {
    let node = graph[id]
    let codes = graph.type(of: node.operands[0])
    let weights = graph.type(of: node.operands[1]).shape
    let tile: Int
    switch node.op {
    case .binaryConv(let a):
      (tile, readout) = (a.tile, a.readout)
      geometry = Geometry(
        a.window, input: codes.shape, kernel: Array(weights.dimensions.dropFirst(2)), output: graph.type(of: node.results[0]).shape)
    case .binaryDense(let a):
      (tile, readout) = (a.tile, a.readout)
      geometry = Geometry(inputs: weights[1])
    default: preconditionFailure("'\(node.op.name)' is not a binary layer")
    }
    self.node = id
    origin = node.origin
    op = node.op.name
    filters = weights[0]
    inputs = weights.dimensions.dropFirst().reduce(1, *)
    tiles = Layer.cut(inputs, by: tile == 0 ? inputs : tile)
    self.groups = groups
    let offsets = geometry.inputs
    columns = Layer.order(of: node, in: graph).map { order in order.map { offsets[$0] } } ?? offsets
    isSigned = codes.element == .int8
    let range = CodeRange.of(node.operands[0], in: graph)
    let largest = max(range.hi, -range.lo, 1)
    magnitudeBits = Int.bitWidth - largest.leadingZeroBitCount
    limit = largest * (tiles.map(\.count).max() ?? 0)
    switch readout {
    case .exact: readings = []
    case .adc(bits: 1, _, _): readings = (-limit...limit).map { $0 < 0 ? -1 : 1 }
    case .adc(_, let lsb, let code):
      let top = Float(code)
      readings = (-limit...limit).map { Int32(min(max((Float($0) / lsb).rounded(.toNearestOrEven), -top), top)) }
    }
  }

  /// The weights of one filter over one tile, as the bits of a stored row: 1 is +1.
  static func row(_ weights: UnsafeBufferPointer<Int8>, filter: Int, inputs: Int, tile: Range<Int>, order: [Int]?, words: Int) -> [UInt64] {
    var row = [UInt64](repeating: 0, count: words)
    for (column, place) in tile.enumerated() where weights[filter * inputs + (order?[place] ?? place)] > 0 {
      row[column / 64] |= 1 << UInt64(column % 64)
    }
    return row
  }

  /// The order operand, if there is one: place in tile order to input.
  static func order(of node: Node, in graph: Graph) -> [Int]? {
    node.operands.count == 3 ? graph.constant(node.operands[2])?.integers : nil
  }

  static func cut(_ count: Int, by size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }
}
