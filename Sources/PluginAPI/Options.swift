import GraphIR

/// One option that a plug-in takes.
public struct OptionSpec: Sendable {
  /// Which one.
  public enum Kind: Hashable, Sendable {
    case word([String])
    case text
    case int(ClosedRange<Int>)
    case number
    case flag
  }

  /// The name on the command line.
  public let name: String
  /// Which one.
  public let kind: Kind
  /// The value when none is given, as text; nil when absence means something of its own.
  public let fallback: String?
  /// One line for lists.
  public let summary: String

  /// Creates one from its parts.
  public init(_ name: String, _ kind: Kind, default fallback: String?, _ summary: String) {
    self.name = name
    self.kind = kind
    self.fallback = fallback
    self.summary = summary
  }
}

/// Options as given, checked against what a plug-in takes. Written `name{key=value,key=value}` on the command line.
public struct Options: Hashable, Sendable {
  private var values: [String: String]

  /// Checks `given` against `specs`; throws a usage diagnostic for an unknown key or an impossible value.
  public init(_ given: [(key: String, value: String)], for owner: String, specs: [OptionSpec]) throws {
    values = [:]
    for spec in specs { values[spec.name] = spec.fallback }
    var seen = Set<String>()
    for (key, value) in given {
      guard let spec = specs.first(where: { $0.name == key }) else {
        let known = specs.map(\.name).joined(separator: ", ")
        throw Diagnostic(.usage, "'\(owner)' has no option '\(key)'", hint: known.isEmpty ? "it takes none" : "it takes \(known)")
      }
      guard seen.insert(key).inserted else { throw Diagnostic(.usage, "option '\(key)' of '\(owner)' is given twice") }
      try Options.check(value, spec, owner)
      values[key] = value
    }
  }

  private static func check(_ value: String, _ spec: OptionSpec, _ owner: String) throws {
    let wanted: String
    switch spec.kind {
    case .text: return
    case .word(let words):
      if words.contains(value) { return }
      wanted = "one of \(words.joined(separator: ", "))"
    case .int(let range):
      if let number = Int(value), range.contains(number) { return }
      wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number:
      if let number = Double(value), number.isFinite { return }
      wanted = "a number"
    case .flag:
      if value == "true" || value == "false" { return }
      wanted = "true or false"
    }
    throw Diagnostic(.usage, "option '\(spec.name)' of '\(owner)' cannot be '\(value)'", hint: "wanted: \(wanted)")
  }

  /// The value of an option; nil when it was not given and has no default.
  public subscript(text name: String) -> String? { values[name] }

  /// The value of a whole-number option.
  public subscript(int name: String) -> Int? { values[name].flatMap { Int($0) } }

  /// The value of a number option.
  public subscript(number name: String) -> Double? { values[name].flatMap { Double($0) } }

  /// The value of a flag; false when absent.
  public subscript(flag name: String) -> Bool { values[name] == "true" }

  /// All values, by name, as they are printed in a report.
  public var sorted: [(key: String, value: String)] { values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
}

/// A name with options, as written on the command line and in pipelines: `tile{columns=64}`.
public struct Spelling: Hashable, Sendable, CustomStringConvertible {
  /// The name on the command line.
  public var name: String
  /// Keys of the options, in order.
  public var keys: [String]
  /// The options it takes.
  public var options: [String]

  /// Creates one from its parts.
  public init(_ name: String, _ given: [(key: String, value: String)] = []) {
    self.name = name
    keys = given.map(\.key)
    options = given.map(\.value)
  }

  /// The options as given, in order.
  public var given: [(key: String, value: String)] { zip(keys, options).map { ($0, $1) } }

  /// As text.
  public var description: String {
    given.isEmpty ? name : "\(name){\(given.map { "\($0.key)=\($0.value)" }.joined(separator: ","))}"
  }

  /// Parses a comma-separated list of spellings; commas inside braces separate options.
  public static func list(_ text: String) throws -> [Spelling] {
    var items: [String] = [""]
    var depth = 0
    for character in text {
      if character == "{" { depth += 1 }
      if character == "}" { depth -= 1 }
      if character == "," && depth == 0 { items.append("") } else { items[items.count - 1].append(character) }
    }
    guard depth == 0 else { throw Diagnostic(.usage, "braces do not match in '\(text)'", hint: "write name{key=value,key=value}") }
    return try items.map { $0.trimmed }.filter { !$0.isEmpty }.map(parse)
  }

  /// Parses one spelling.
  public static func parse(_ text: String) throws -> Spelling {
    guard let open = text.firstIndex(of: "{") else { return Spelling(text.trimmed) }
    guard text.last == "}" else { throw Diagnostic(.usage, "'\(text)' does not end in '}'", hint: "write name{key=value,key=value}") }
    let body = text[text.index(after: open)..<text.index(before: text.endIndex)]
    let given = try body.split(separator: ",").map { part -> (key: String, value: String) in
      let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pieces.count == 2 else { throw Diagnostic(.usage, "'\(part)' is not key=value", hint: "write name{key=value,key=value}") }
      return (String(pieces[0]).trimmed, String(pieces[1]).trimmed)
    }
    return Spelling(String(text[..<open]).trimmed, given)
  }
}

extension String {
  /// The text without white space at its ends.
  public var trimmed: String {
    var view = self[...]
    while let first = view.first, first.isWhitespace { view.removeFirst() }
    while let last = view.last, last.isWhitespace { view.removeLast() }
    return String(view)
  }
}
