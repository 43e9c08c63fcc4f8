import GraphIR

extension Program {
  /// The program as text: placements, then what happens once, then what happens for each batch.
  func listing(_ graph: Graph) -> String {
    let chip = machine.description
    var lines = [
      "program for \(machine.macros) x \(chip.name): \(chip.localArrays) local arrays x \(chip.rows) rows x \(chip.columns) columns", "",
      "placements:",
    ]
    for (number, placement) in placements.enumerated() {
      let layer = layers[placement.layer]
      lines.append(
        "  p\(number): \(layer.origin)\(copyText(placement)) inputs \(text(layer.tiles[placement.tile])) \(filtersText(placement)) -> macro "
          + "\(placement.macro) row \(placement.row) columns 0..<\(layer.tiles[placement.tile].count)")
    }
    if let note = valuesNote { lines.insert(note, at: 1) }
    if !prologue.isEmpty { lines += ["", "once:", "  load \(text(prologue))"] }
    lines += ["", "each batch:"]
    for step in steps {
      switch step {
      case .load(let numbers, let isHidden): lines.append("  load \(text(numbers))\(isHidden ? ", while that is evaluated" : "")")
      case .evaluate(let number, let placements):
        let layer = layers[number]
        let names = placements.count == 1 ? "p\(placements.lowerBound)" : "p\(placements.lowerBound)...p\(placements.upperBound - 1)"
        lines.append(
          "  evaluate \(layer.origin): each sample, each of \(layer.positions) positions\(assignment.copies[number] > 1 ? " by its copy" : ""): \(names), read \(text(layer.slices.map(\.readout))), \(layer.slices.count > 1 ? "shift and add" : "add")"
        )
      case .host(let id): lines.append("  host \(graph[id].op.name) \(graph[id].origin)")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// Which copy a placement is of, where there are several.
  private func copyText(_ placement: Placement) -> String {
    guard assignment.copies[placement.layer] > 1 else { return "" }
    return " copy \(placement.copy) positions \(text(positions(ofLayer: placement.layer, copy: placement.copy)))"
  }

  /// The filters that a placement holds, by slice where a layer has several.
  private func filtersText(_ placement: Placement) -> String {
    let layer = layers[placement.layer]
    guard layer.slices.count > 1 else { return "filters \(text(layer.groups[placement.group]))" }
    let parts = layer.slices.enumerated().compactMap { number, slice -> String? in
      let filters = slice.groups[placement.group].filters
      return filters.isEmpty ? nil : "slice \(number) filters \(text(filters))"
    }
    return parts.joined(separator: ", ")
  }

  /// One readout, or that of each slice.
  private func text(_ readouts: [Readout]) -> String {
    Set(readouts).count == 1 ? text(readouts[0]) : readouts.map { text($0) }.joined(separator: "; ")
  }

  private func text(_ range: Range<Int>) -> String { "\(range.lowerBound)..<\(range.upperBound)" }

  private func text(_ readout: Readout) -> String {
    switch readout {
    case .exact: "exactly"
    case .adc: "by \(readout)"
    }
  }

  /// Placement numbers, runs of them joined.
  private func text(_ numbers: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { $0.count == 1 ? "p\($0.lowerBound)" : "p\($0.lowerBound)...p\($0.upperBound)" }.joined(separator: ", ")
  }
}
