import PluginAPI

extension CostReport {
  /// Cost by layer, and by component below.
  public func tables(for backend: String) -> [Table] {
    var byLayer = Table(
      "Cost of one sample on \(backend), by layer", key: "layers",
      columns: ["node", "op", "where", "MAC", "cycles", "time us", "energy nJ", "unknown"], notes: notes)
    for layer in layers {
      let unknown = layer.energy.filter { $0.picojoules == nil }.map(\.component).joined(separator: ", ")
      byLayer.rows.append([
        .text(layer.origin), .text(layer.op), .text(layer.place.rawValue), .int(layer.macs), .int(layer.cycles),
        .number(layer.nanoseconds / 1e3, digits: 3), .number(layer.picojoules / 1e3, digits: 3), .text(unknown),
      ])
    }
    // What the host spends is not known: a network wholly on it has no total.
    let isHostWork = layers.allSatisfy { $0.place == .host }
    byLayer.rows.append([
      "total", "", "", .int(macs), .int(cycles), isHostWork ? .none : .number(nanoseconds / 1e3, digits: 3),
      isHostWork ? .none : .number(picojoules / 1e3, digits: 3), isHostWork ? "all: no layer runs on the array" : "",
    ])

    var components: [(name: String, known: Double, hasUnknown: Bool)] = []
    for part in layers.flatMap(\.energy) {
      let index = components.firstIndex { $0.name == part.component } ?? components.count
      if index == components.count { components.append((part.component, 0, false)) }
      components[index].known += part.picojoules ?? 0
      if part.picojoules == nil { components[index].hasUnknown = true }
    }
    let byComponent = Table(
      "Energy of one sample on \(backend), by component", key: "components",
      columns: ["component", "energy nJ", "share %"],
      rows: components.map { part in
        part.hasUnknown && part.known == 0
          ? [.text(part.name), "unknown", .none]
          : [.text(part.name), .number(part.known / 1e3, digits: 3), .number(100 * part.known / max(picojoules, 1e-300), digits: 1)]
      })

    var counted: [(name: String, value: Int)] = []
    for count in layers.flatMap(\.counts) {
      if let index = counted.firstIndex(where: { $0.name == count.name }) {
        counted[index].value += count.value
      } else {
        counted.append((count.name, count.value))
      }
    }
    let counts = Table(
      "Counted for one sample on \(backend)", key: "counts", columns: ["what", "count"],
      rows: counted.map { [.text($0.name), .int($0.value)] })

    let sources = Table(
      "Constants that these figures rest on", key: "constants", columns: ["constant", "value", "unit", "mark", "source"],
      rows: constants.map {
        [
          .text($0.name), .number($0.quantity.value, digits: 4), .text($0.quantity.unit), .text($0.quantity.mark.rawValue),
          .text($0.quantity.source),
        ]
      })
    return [byLayer, byComponent, counts, sources].filter { !$0.rows.isEmpty }
  }
}
