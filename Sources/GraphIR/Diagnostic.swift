/// A user's fault: what is wrong, where, and what would be right.
public struct Diagnostic: Error, Hashable, Sendable {
  /// What kind of fault it is; decides the exit code.
  public enum Kind: Int32, Hashable, Sendable, Comparable {
    /// A comparison or check did not hold.
    case checkFailed = 1
    /// The command line is wrong.
    case usage = 2
    /// The model uses something that is not supported.
    case unsupported = 3
    /// A file cannot be read or says something impossible.
    case badInput = 4
    /// A fault of ours.
    case `internal` = 5

    /// Graver kinds are greater.
    public static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
  }

  /// Which one.
  public var kind: Kind
  /// What is wrong, in one sentence without a full stop.
  public var message: String
  /// The file, when one is at fault.
  public var file: String?
  /// The place in it: a node's name, a line, a byte offset.
  public var place: String?
  /// What would be right.
  public var hint: String?

  /// Creates one from its parts.
  public init(_ kind: Kind, _ message: String, file: String? = nil, place: String? = nil, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.file = file
    self.place = place
    self.hint = hint
  }

  /// The same fault, blamed on `file` unless it already names one.
  public func inFile(_ file: String) -> Diagnostic {
    var copy = self
    if copy.file == nil { copy.file = file }
    return copy
  }

  /// The same fault, placed at `place` unless it already has a place.
  public func at(_ place: String) -> Diagnostic {
    var copy = self
    if copy.place == nil { copy.place = place }
    return copy
  }
}

extension Diagnostic: CustomStringConvertible {
  /// One line: `file: place: message (hint)`.
  public var description: String {
    let where_ = [file, place].compactMap { $0 }.map { "\($0): " }.joined()
    return where_ + message + (hint.map { " (\($0))" } ?? "")
  }
}

/// Several faults that are reported together.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
  /// The faults, in order.
  public var all: [Diagnostic]

  /// Creates one from its parts.
  public init(_ all: [Diagnostic]) { self.all = all }

  /// The gravest kind; decides the exit code.
  public var kind: Diagnostic.Kind { all.map(\.kind).max() ?? .internal }

  /// As text.
  public var description: String { all.map(\.description).joined(separator: "\n") }

  /// Throws when there is any fault.
  public static func throwIfAny(_ all: [Diagnostic]) throws {
    if all.count == 1 { throw all[0] }
    if !all.isEmpty { throw Diagnostics(all) }
  }
}
