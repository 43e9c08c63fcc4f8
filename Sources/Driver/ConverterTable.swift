import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension ConverterUse {
  /// Bits of information that a code carries: the entropy of the codes that came. At most the converter's bits; a range that is too wide
  /// or too narrow has less.
  public var effectiveBits: Double {
    let total = Double(conversions)
    return countsByCode.reduce(0) { sum, count in
      guard count > 0 else { return sum }
      let share = Double(count) / total
      return sum - share * log2(share)
    }
  }
}

extension Table {
  /// What the converters did, a row for each layer or for each tile of it.
  public init(converters uses: [ConverterUse], byTile: Bool) {
    self.init(
      "What the converters did",
      columns: [
        "layer", "tile", "inputs", "conversions", "codes used", "of", "lowest", "highest", "clipped %", "effective bits", "lsb", "range",
      ],
      notes: [
        "clipped: sums that round beyond the largest code; effective bits: entropy of the codes; lsb: the sum that one code stands for"
      ])
    let hasEnergy = uses.contains { $0.picojoules != nil }
    if hasEnergy {
      columns.append("pJ each")
      notes.append("pJ each: energy of a conversion by the codes that came, where the hardware file has it by code")
    }
    var layers: [[ConverterUse]] = []
    for use in uses {
      if let last = layers.last?.last, last.origin == use.origin { layers[layers.count - 1].append(use) } else { layers.append([use]) }
    }
    for layer in layers {
      var sum = layer[0]
      for use in layer.dropFirst() { sum.add(use) }
      let inputs = Set(layer.map(\.inputs)).sorted().map(String.init).joined(separator: ", ")
      func add(_ use: ConverterUse, tile: Cell, inputs: Cell) {
        var row = Table.row(use, tile: tile, inputs: inputs)
        if hasEnergy { row.append(use.picojoules.map { .number($0 / Double(max(1, use.conversions)), digits: 4) } ?? .none) }
        rows.append(row)
      }
      add(sum, tile: .text(layer.count == 1 ? "1" : "all \(layer.count)"), inputs: .text(inputs))
      if byTile && layer.count > 1 { for use in layer { add(use, tile: .int(use.tile), inputs: .int(use.inputs)) } }
    }
  }

  private static func row(_ use: ConverterUse, tile: Cell, inputs: Cell) -> [Cell] {
    let range = use.codeRange
    return [
      .text(use.origin), tile, inputs, .int(use.conversions), .int(use.countsByCode.count { $0 > 0 }), .int(use.countsByCode.count),
      range.map { .int($0.lowerBound) } ?? .none, range.map { .int($0.upperBound) } ?? .none,
      .number(100 * Double(use.clipped) / Double(max(1, use.conversions)), digits: 4), .number(use.effectiveBits, digits: 2),
      .number(use.lsb, digits: 3), .text(use.reason),
    ]
  }
}
