import GraphIR
import PluginAPI

extension Program {
  /// What is wrong with the schedule; empty for one that a chip could follow. Written against the program alone, not against `Schedule`.
  ///
  /// 1. Every placement lies within the macros, and its tile and group within its layer.
  /// 2. No two rows of one evaluation share a row slot, and no two evaluations of one macro happen at once: the rows of one macro take
  ///    cycles one after another, so that its local arrays are never asked twice in a cycle.
  /// 3. Every row is there when it is evaluated: the last thing written to its slot.
  /// 4. In each batch every tile of every group of filters is evaluated once at each position: every output is written once. Copies of a
  ///    layer take positions apart, bit slices local arrays apart.
  /// 5. No layer whose rows are evaluated together takes more cycles than the cost model chose its copies by.
  /// 6. What is written while an evaluation goes on is none of the rows that are evaluated, and the chip allows it.
  /// 7. In a pipeline no macro holds rows of two layers: they are evaluated at the same time, for different samples.
  var scheduleFaults: [String] {
    var faults: [String] = []
    let rows = machine.description.rows
    for (number, placement) in placements.enumerated() {
      let layer = layers[placement.layer]
      let isInside = (0..<machine.macros).contains(placement.macro) && (0..<rows).contains(placement.row)
      if !isInside { faults.append("p\(number) lies in macro \(placement.macro) row \(placement.row), which is not there") }
      if !layer.tiles.indices.contains(placement.tile) || !layer.groups.indices.contains(placement.group) {
        faults.append("p\(number) is no part of \(layer.origin)")
      }
    }
    guard faults.isEmpty else { return faults }
    // What each slot holds, over two batches: the second begins as the first ended.
    var held = [Int?](repeating: nil, count: machine.macros * rows)
    func slot(_ number: Int) -> Int { placements[number].macro * rows + placements[number].row }
    func load(_ numbers: [Int]) {
      if Set(numbers.map(slot)).count != numbers.count { faults.append("one load writes a slot twice") }
      for number in numbers { held[slot(number)] = number }
    }
    load(prologue)
    for batch in 0..<2 {
      var evaluated = [Int](repeating: 0, count: placements.count)
      var evaluatedLast: Range<Int>?
      for step in steps {
        defer { if case .evaluate(_, let numbers) = step { evaluatedLast = numbers } else { evaluatedLast = nil } }
        switch step {
        case .host: break
        case .load(let numbers, let isHidden):
          if isHidden {
            let busy = Set((evaluatedLast ?? 0..<0).map(slot))
            if busy.isEmpty || numbers.contains(where: { busy.contains(slot($0)) }) {
              faults.append("rows are written while they are evaluated, or beside no evaluation")
            }
            if machine.description.writes != .beside { faults.append("rows are written beside evaluations, which the chip does not do") }
          }
          load(numbers)
        case .evaluate(let layer, let numbers):
          if Set(numbers.map(slot)).count != numbers.count {
            faults.append("\(layers[layer].origin): two rows of one evaluation share a slot")
          }
          for number in numbers {
            if placements[number].layer != layer { faults.append("p\(number) is evaluated for another layer") }
            if held[slot(number)] != number { faults.append("batch \(batch): p\(number) is evaluated without having been written") }
            evaluated[number] += 1
          }
        }
      }
      for (number, count) in evaluated.enumerated() where count != 1 { faults.append("p\(number) is evaluated \(count) times in a batch") }
    }
    for (number, layer) in layers.enumerated() {
      let own = placements[placementsOfLayer[number]]
      let copies = Set(own.map(\.copy))
      let parts = Set(own.map { ($0.copy * layer.groups.count + $0.group) * layer.tiles.count + $0.tile })
      if parts.count != layer.slots * copies.count || own.count != parts.count {
        faults.append("\(layer.origin): \(parts.count) of \(layer.slots * copies.count) parts are placed")
      }
      for (slice, own) in layer.slices.enumerated() {
        let arrays = layer.groups.map { group in (slice * own.filters..<(slice + 1) * own.filters).clamped(to: group) }
        let filters = own.groups.flatMap { Array($0.filters) }
        let isPlaced = zip(zip(own.groups, layer.groups), arrays).allSatisfy { each, held in
          held.isEmpty || each.1.lowerBound + each.0.firstArray == held.lowerBound
        }
        if filters != Array(0..<own.filters) || !isPlaced { faults.append("\(layer.origin): slice \(slice) is not placed once") }
      }
      let positions = copies.sorted().flatMap { Array(self.positions(ofLayer: number, copy: $0)) }
      if positions != Array(0..<layer.positions) { faults.append("\(layer.origin): its copies do not take each position once") }
    }
    for (number, layer) in layers.enumerated() where cycles(of: number) > assignment.cycles[number] {
      let parts = steps.count { if case .evaluate(number, _) = $0 { true } else { false } }
      if parts > 1 { continue }
      faults.append("\(layer.origin): takes \(cycles(of: number)) cycles, the cost model says \(assignment.cycles[number])")
    }
    if assignment.order == .pipeline {
      var owners = [Int: Int]()
      for placement in placements where owners.updateValue(placement.layer, forKey: placement.macro) ?? placement.layer != placement.layer {
        faults.append("macro \(placement.macro) holds rows of two layers of a pipeline")
      }
    }
    return faults
  }
}

extension IMCBackend {
  /// What is wrong with the schedule of a compiled graph.
  package func scheduleFaults(of graph: Graph, _ options: Options) throws -> [String] {
    try Program(graph, Machine(options)).scheduleFaults
  }
}
