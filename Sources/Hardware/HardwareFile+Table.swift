import PluginAPI

extension HardwareFile {
  /// The name that it is loaded by.
  public var name: String {
    switch self {
    case .macro(let description): description.name
    case .processor(let description): description.name
    }
  }

  /// What it describes, in one line.
  public var summary: String {
    switch self {
    case .macro(let description): description.summary
    case .processor(let description): description.summary
    }
  }

  /// Every statement of the file.
  public var facts: [Fact] {
    switch self {
    case .macro(let description): description.facts
    case .processor(let description): description.facts
    }
  }

  /// The whole sheet, one statement a row, as `hardware show` prints it.
  public var sheet: Table {
    Table(
      "\(name): \(summary)", columns: ["field", "value", "unit", "mark", "source"],
      rows: facts.map { fact in
        switch fact.value {
        case .number(let number, let unit, let mark):
          [.text(fact.path), .text(number.plain), .text(unit), .text(mark.rawValue), .text(fact.source)]
        case .word(let word, let mark): [.text(fact.path), .text(word), .none, .text(mark.rawValue), .text(fact.source)]
        case .unknown: [.text(fact.path), .text("unknown"), .none, .none, .text(fact.source)]
        }
      }, notes: ["marks: \(HardwareFile.legend)"])
  }

  /// What the marks mean, in one line.
  public static let legend =
    "V read in the source, S quoted by a source that was read, D derived by the formula shown, M+ remembered and corroborated, "
    + "M remembered, M- hazy or a choice between readings, A assumed by us"
}
