import PluginAPI

extension YieldStudy {
  /// Numbers of one kind over chips, smallest first.
  public struct Spread: Sendable {
    /// All of them, smallest first.
    public let sorted: [Double]

    /// Sorts numbers.
    public init(_ numbers: [Double]) { sorted = numbers.sorted() }

    /// Their mean; 0 of none.
    public var mean: Double { sorted.reduce(0, +) / Double(max(1, sorted.count)) }

    /// The standard deviation of a sample.
    public var deviation: Double {
      guard sorted.count > 1 else { return 0 }
      let mean = mean
      return (sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(sorted.count - 1)).squareRoot()
    }

    /// The number that so many percent do not exceed, by nearest rank.
    public func percentile(_ percent: Double) -> Double {
      guard !sorted.isEmpty else { return .nan }
      let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
      return sorted[min(max(rank, 1), sorted.count) - 1]
    }
  }

  /// The spread over chips, one row a condition.
  public static func table(_ outcomes: [Outcome], variants: [String], threshold: Double?) -> Table {
    let hasLabels = outcomes.allSatisfy { $0.accuracy != nil }
    var table = Table(
      "Yield over chips",
      columns: ["condition", "chips"]
        + (hasLabels ? ["mean %", "sd %", "worst %", "p5 %", "median %", "best %"] : [])
        + (hasLabels && threshold != nil ? ["yield %"] : []) + ["SQNR mean dB", "SQNR sd", "SQNR worst"])
    for variant in variants {
      let own = outcomes.filter { $0.variant == variant }
      let name = variant.isEmpty ? "as made" : variant == "trim" ? "trimmed" : "without \(variant)"
      var row: [Table.Cell] = [.text(name), .int(own.count)]
      if hasLabels {
        let spread = Spread(own.compactMap(\.accuracy).map { $0 * 100 })
        row += [spread.mean, spread.deviation, spread.percentile(0), spread.percentile(5), spread.percentile(50), spread.percentile(100)]
          .map {
            .number($0, digits: 3)
          }
        if let threshold {
          let passing = own.count { ($0.accuracy ?? 0) >= threshold }
          row.append(.number(100 * Double(passing) / Double(max(1, own.count)), digits: 1))
        }
      }
      let decibels = Spread(own.map(\.decibels))
      row += [.number(decibels.mean, digits: 2), .number(decibels.deviation, digits: 2), .number(decibels.percentile(0), digits: 2)]
      table.rows.append(row)
    }
    if let threshold { table.notes.append("yield: chips of at least \((threshold * 1000).rounded() / 10) %") }
    return table
  }
}
