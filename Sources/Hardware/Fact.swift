import PluginAPI

/// One statement of a hardware file: a number, a word, or that nobody has published it; with its mark and source.
public struct Fact: Hashable, Sendable {
  /// What is stated.
  public enum Value: Hashable, Sendable {
    /// A number, in the base unit of its dimension.
    case number(Double, unit: String, Mark)
    /// One of a few words, where there is a choice.
    case word(String, Mark)
    /// Not published. Using it is an error; it never counts as 0.
    case unknown
  }

  /// Where it stands in the file, such as `energy.dac_conversion`.
  public let path: String
  /// What it says.
  public let value: Value
  /// Where it comes from; for an unknown one, what has been looked at.
  public let source: String

  package init(_ path: String, _ value: Value, source: String) {
    self.path = path
    self.value = value
    self.source = source
  }

  /// The number with its unit; nil for words and unknowns.
  public var quantity: Quantity? {
    guard case .number(let number, let unit, let mark) = value else { return nil }
    return Quantity(number, unit, mark, source: source)
  }

  /// The number alone, in its dimension's base unit; nil for words and unknowns.
  public var number: Double? { quantity?.value }

  /// How far it can be trusted; nil when unknown.
  public var mark: Mark? {
    switch value {
    case .number(_, _, let mark), .word(_, let mark): mark
    case .unknown: nil
    }
  }

  /// The number as a constant for a report; nil for words and unknowns.
  public func constant(of file: String) -> SourcedConstant? { quantity.map { SourcedConstant("\(file): \(path)", $0) } }
}
