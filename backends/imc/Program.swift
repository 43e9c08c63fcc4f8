import GraphIR
import PluginAPI

/// The compiled program: which weights lie where, when they are written, and which evaluations follow.
struct Program: Sendable {
  /// One row slot: a tile of one group of filters, one filter in each local array of a macro.
  struct Placement: Sendable {
    let layer: Int
    let tile: Int
    let group: Int
    /// Which copy of the layer.
    let copy: Int
    let macro: Int
    let row: Int
  }

  /// One thing that happens, for a whole batch of samples.
  enum Step: Sendable {
    /// Rows are written: placements by number; hidden: while the evaluation before it goes on.
    case load([Int], isHidden: Bool)
    /// The evaluations of a run of placements, all of one layer, at each position of each sample.
    case evaluate(layer: Int, placements: Range<Int>)
    /// A node runs beside the array.
    case host(NodeID)
  }

  let machine: Machine
  let layers: [SlicedLayer]
  let placements: [Placement]
  /// The placements of each layer.
  let placementsOfLayer: [Range<Int>]
  /// Which macros hold which layers, and how many copies of each.
  let assignment: Assignment
  /// Whether each layer is one of those that stay in the array together; see `Schedule`.
  let isResident: [Bool]
  /// Rows written before the first batch.
  let prologue: [Int]
  /// What happens for each batch.
  let steps: [Step]
  /// For each placement, how many others are written into its row slot before it: before the first batch, or for each.
  let earlierWrites: [UInt64]
  /// Stored bits of each placement: a row for each local array.
  let rows: [UInt64]

  /// Words of `rows` that one placement takes.
  var wordsPerPlacement: Int { machine.description.localArrays * machine.wordsPerRow }

  /// Compiles a graph; throws diagnostics for nodes that nothing can run.
  init(_ graph: Graph, _ machine: Machine) throws {
    var faults: [Diagnostic] = []
    var nodes: [(id: NodeID, isNative: Bool)] = []
    for id in graph.nodeIDs {
      switch machine.support(for: graph[id], in: graph) {
      case .native: nodes.append((id, true))
      case .host: nodes.append((id, false))
      case .no(let reason):
        faults.append(Diagnostic(.unsupported, "backend 'imc' does not take '\(graph[id].op.name)': \(reason)", place: graph[id].origin))
      }
    }
    try Diagnostics.throwIfAny(faults)
    self.machine = machine
    let layers = SlicedLayer.all(nodes.filter(\.isNative).map(\.id), in: graph, machine)
    self.layers = layers
    let schedule = Schedule(
      layers.map { Assignment.Demand(slots: $0.slots, positions: $0.positions, planes: machine.isBitSerial ? $0.magnitudeBits : 1) },
      macros: machine.macros, rows: machine.description.rows, order: machine.order, duplicates: machine.duplicates,
      writesBeside: machine.description.writes == .beside)
    assignment = schedule.assignment
    isResident = schedule.isResident

    var placements: [Placement] = []
    var placementsOfLayer: [Range<Int>] = []
    for (number, layer) in layers.enumerated() {
      let first = placements.count
      for copy in 0..<assignment.copies[number] {
        for group in layer.groups.indices {
          for tile in layer.tiles.indices {
            let (macro, row) = schedule.place(ofLayer: number, placements.count - first)
            placements.append(Placement(layer: number, tile: tile, group: group, copy: copy, macro: macro, row: row))
          }
        }
      }
      placementsOfLayer.append(first..<placements.count)
    }
    self.placements = placements
    self.placementsOfLayer = placementsOfLayer
    let firsts = placementsOfLayer.map(\.lowerBound)
    func numbers(_ rows: [Schedule.Row]) -> [Int] { rows.map { firsts[$0.layer] + $0.place } }
    prologue = numbers(schedule.prologue)

    var steps: [Step] = []
    let numberOfFirst = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1.node, $0) })
    for (id, isNative) in nodes {
      guard isNative else {
        steps.append(.host(id))
        continue
      }
      // All slices of a layer are evaluated where the first stands.
      guard let layer = numberOfFirst[id] else { continue }
      for action in schedule.actions[layer] {
        switch action {
        case .load(let rows, let isHidden): steps.append(.load(numbers(rows), isHidden: isHidden))
        case .evaluate(let places):
          steps.append(.evaluate(layer: layer, placements: firsts[layer] + places.lowerBound..<firsts[layer] + places.upperBound))
        }
      }
    }
    self.steps = steps
    earlierWrites = Program.earlierWrites(placements, prologue, steps)
    rows = Program.rows(layers, placements, graph, machine)
  }

  /// The layer that each native node is a slice of.
  var layerOfNode: [NodeID: Int] {
    var numbers: [NodeID: Int] = [:]
    for (number, layer) in layers.enumerated() { for slice in layer.slices { numbers[slice.node] = number } }
    return numbers
  }

  /// The placements of one copy of a layer; they stand together.
  func placements(ofLayer layer: Int, copy: Int) -> ArraySlice<Placement> {
    let own = placementsOfLayer[layer]
    let count = own.count / assignment.copies[layer]
    return placements[own.lowerBound + copy * count..<own.lowerBound + (copy + 1) * count]
  }

  /// The positions that a copy of a layer evaluates.
  func positions(ofLayer layer: Int, copy: Int) -> Range<Int> {
    let (positions, copies) = (layers[layer].positions, assignment.copies[layer])
    return copy * positions / copies..<(copy + 1) * positions / copies
  }

  private static func earlierWrites(_ placements: [Placement], _ prologue: [Int], _ steps: [Step]) -> [UInt64] {
    var written: [[Int]: UInt64] = [:]
    var earlier = [UInt64](repeating: 0, count: placements.count)
    func write(_ numbers: [Int]) {
      for number in numbers {
        let slot = [placements[number].macro, placements[number].row]
        earlier[number] = written[slot, default: 0]
        written[slot, default: 0] += 1
      }
    }
    write(prologue)
    for case .load(let numbers, _) in steps { write(numbers) }
    return earlier
  }

  private static func rows(_ layers: [SlicedLayer], _ placements: [Placement], _ graph: Graph, _ machine: Machine) -> [UInt64] {
    let (arrays, words) = (machine.description.localArrays, machine.wordsPerRow)
    let orders = layers.map { Layer.order(of: graph[$0.node], in: graph) }
    var rows = [UInt64](repeating: 0, count: placements.count * arrays * words)
    for (number, placement) in placements.enumerated() {
      let layer = layers[placement.layer]
      for slice in layer.slices {
        let group = slice.groups[placement.group]
        guard let weights = graph.constant(graph[slice.node].operands[1]) else {
          preconditionFailure("weights of \(slice.origin) are not constant")
        }
        weights.withElements(Int8.self) { weights in
          for (place, filter) in group.filters.enumerated() {
            let row = Layer.row(
              weights, filter: filter, inputs: slice.inputs, tile: slice.tiles[placement.tile], order: orders[placement.layer], words: words
            )
            let first = (number * arrays + group.firstArray + place) * words
            rows.replaceSubrange(first..<first + words, with: row)
          }
        }
      }
    }
    return rows
  }
}
