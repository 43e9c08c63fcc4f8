import GraphIR
import PluginAPI

extension Program {
  /// How often rows are written for one batch, by layer: rows of a slot, each in all local arrays.
  var rowLoadsOfLayer: [Int] {
    var loads = [Int](repeating: 0, count: layers.count)
    for case .load(let numbers, _) in steps { for number in numbers { loads[placements[number].layer] += 1 } }
    return loads
  }

  /// Array loads in one batch: writes with no evaluation between them.
  var arrayLoads: Int { steps.count { if case .load = $0 { true } else { false } } }

  /// Array loads of one layer's own in one batch.
  private func arrayLoads(of layer: Int) -> Int {
    steps.count { if case .load(let numbers, _) = $0 { placements[numbers[0]].layer == layer } else { false } }
  }

  /// Evaluations that one row slot takes at each position: one, or one for each bit of the codes.
  func planes(of layer: SlicedLayer) -> Int { machine.isBitSerial ? layer.magnitudeBits : 1 }

  /// Cycles of one layer for one sample: after each load, as many as the macro with the most evaluations needs.
  func cycles(of layer: Int) -> Int {
    steps.reduce(0) { sum, step in
      guard case .evaluate(layer, let numbers) = step else { return sum }
      return sum + cycles(of: layer, numbers)
    }
  }

  /// Cycles of the evaluations of some rows of one layer, for one sample.
  func cycles(of layer: Int, _ numbers: Range<Int>) -> Int {
    var evaluations = [Int: Int]()
    for placement in placements[numbers] {
      evaluations[placement.macro, default: 0] += positions(ofLayer: layer, copy: placement.copy).count
    }
    return planes(of: layers[layer]) * (evaluations.values.max() ?? 0)
  }

  /// How the binary layers lie in the array.
  var mapping: Table {
    let chip = machine.description
    let macros = machine.macros == 1 ? "" : "\(machine.macros) x "
    var table = Table(
      "Mapping on \(macros)\(chip.name): \(chip.localArrays) local arrays x \(chip.rows) rows x \(chip.columns) columns",
      columns: [
        "layer", "positions", "K", "tile", "tiles", "groups", "copies", "cycles", "row slots", "weight bits", "use %", "array loads",
      ])
    for (number, layer) in layers.enumerated() {
      table.rows.append([
        .text(layer.origin), .int(layer.positions), .int(layer.inputs), .int(layer.tiles[0].count), .int(layer.tiles.count),
        .int(layer.groups.count), .int(assignment.copies[number]), .int(cycles(of: number)), .int(layer.slots * assignment.copies[number]),
        .int(layer.weightBits * assignment.copies[number]),
        .number(use(layer.weightBits * assignment.copies[number], slots: layer.slots * assignment.copies[number]), digits: 1),
        isResident[number] ? "resident" : .int(arrayLoads(of: number)),
      ])
    }
    let slots = zip(layers, assignment.copies).reduce(0) { $0 + $1.0.slots * $1.1 }
    let bits = zip(layers, assignment.copies).reduce(0) { $0 + $1.0.weightBits * $1.1 }
    table.rows.append([
      "sum", .none, .none, .none, .none, .none, .none, .int(layers.indices.reduce(0) { $0 + cycles(of: $1) }), .int(slots), .int(bits),
      .number(use(bits, slots: slots), digits: 1), .int(arrayLoads),
    ])
    table.notes = notes(slots: slots, bits: bits)
    return table
  }

  /// Weight bits as a share of the cells in the row slots that hold them.
  private func use(_ bits: Int, slots: Int) -> Double {
    100 * Double(bits) / Double(max(slots, 1) * machine.description.localArrays * machine.description.columns)
  }

  /// Why values are not the numeric contract's; nil where they are, byte for byte.
  var valuesNote: String? {
    if let note = machine.errors.note { return note }
    let isRead = layers.flatMap(\.slices).contains { if case .adc = $0.readout { true } else { false } }
    return machine.isBitSerial && isRead ? "inputs come bit by bit and each bit is read by itself: values are not the contract's" : nil
  }

  /// Whether values are the numeric contract's: without errors, and with whole codes, or bits of them that are read exactly.
  var isContract: Bool { valuesNote == nil }

  /// How macros are used together, and what that makes of the time.
  private var assignmentNote: String? {
    guard layers.count > 1 || assignment.copies.contains(where: { $0 > 1 }) else { return nil }
    let cycles = layers.indices.map(cycles(of:))
    let sum = cycles.reduce(0, +)
    guard assignment.order == .pipeline, let slowest = cycles.indices.max(by: { cycles[$0] < cycles[$1] }) else {
      return "layer by layer on all macros: a sample every \(sum) cycles"
    }
    let own = zip(layers, assignment.macros).map { "\($0.origin) \($1.count)" }.joined(separator: ", ")
    return "a pipeline of layers, macros of each: \(own); a sample every \(cycles[slowest]) cycles (\(layers[slowest].origin)), "
      + "under way for \(sum)"
  }

  private func notes(slots: Int, bits: Int) -> [String] {
    let cells = machine.slots * machine.description.localArrays * machine.description.columns
    let copied = assignment.copies.contains { $0 > 1 } ? ", copies counted" : ""
    var notes = ["\(slots) row slots wanted\(copied), \(machine.slots) there; \(bits) weight bits, \(cells) cells"]
    if slots <= machine.slots {
      notes.append("all layers fit together: their weights are written once")
    } else {
      let names = layers.indices.filter { isResident[$0] }.map { layers[$0].origin }.joined(separator: ", ")
      let rows = rowLoadsOfLayer.reduce(0, +)
      notes.append("resident together: \(names.isEmpty ? "none" : names)")
      notes.append("for each batch \(arrayLoads) array loads, \(rows) rows in all local arrays")
    }
    let sliced = layers.filter { $0.slices.count > 1 }
    if !sliced.isEmpty {
      notes.append(
        "bit slices side by side in local arrays: \(sliced.map { "\($0.origin) \($0.slices.count)" }.joined(separator: ", "))")
    }
    if machine.macros > 1, let note = assignmentNote { notes.append(note) }
    if let note = valuesNote { notes.append(note) }
    return notes
  }
}
