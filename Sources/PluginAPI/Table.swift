/// A table as data: printed for people, or handed on as JSON.
public struct Table: Hashable, Sendable {
  /// One entry.
  public enum Cell: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case int(Int)
    /// A number, printed with so many digits behind the point.
    case number(Double, digits: Int)
    /// Not known, or not applicable.
    case none

    /// From a literal.
    public init(stringLiteral value: String) { self = .text(value) }
    /// From a literal.
    public init(integerLiteral value: Int) { self = .int(value) }
  }

  /// Its name in a report for programs; empty where whoever prints it gives one.
  public var key: String
  /// What stands above it.
  public var title: String
  /// Heads of the columns, with units where they have one.
  public var columns: [String]
  /// One list of cells for each row.
  public var rows: [[Cell]]
  /// Lines under the table.
  public var notes: [String]

  /// Creates one from its parts.
  public init(_ title: String, key: String = "", columns: [String], rows: [[Cell]] = [], notes: [String] = []) {
    self.key = key
    self.title = title
    self.columns = columns
    self.rows = rows
    self.notes = notes
  }
}
