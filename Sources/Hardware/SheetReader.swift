import GraphIR
import PluginAPI

/// Reads one hardware file field by field, and collects every fault in it with its line.
///
/// A reading function that meets a fault notes it and returns a stand-in, so that the next fault is found too; `finish` throws them all.
struct SheetReader {
  /// A mapping of the file: its path, its line and its entries.
  struct Section {
    let path: String
    let line: Int
    let entries: [String: YAMLNode]

    func path(of field: String) -> String { path.isEmpty ? field : "\(path).\(field)" }
  }

  let file: String
  private(set) var facts: [Fact] = []
  private var faults: [Diagnostic] = []

  init(file: String) { self.file = file }

  /// Throws the faults met so far, in the order of their lines.
  func finish() throws {
    func line(_ fault: Diagnostic) -> Int { fault.place.flatMap { Int($0.dropFirst("line ".count)) } ?? 0 }
    try Diagnostics.throwIfAny(faults.sorted { line($0) < line($1) })
  }

  mutating func report(_ message: String, line: Int, hint: String? = nil) {
    faults.append(Diagnostic(.badInput, message, file: file, place: "line \(line)", hint: hint))
  }

  // MARK: - Structure

  /// The file as its root section.
  mutating func root(_ text: String, fields: [String]) throws -> Section {
    guard let node = try YAMLNode.read(text, file: file) else {
      throw Diagnostic(.badInput, "the file is empty", file: file, hint: "a hardware file begins with 'kind:' and 'name:'")
    }
    return section(node, path: "", fields: fields)
  }

  /// The section under `field`.
  mutating func section(_ parent: Section, _ field: String, fields: [String]) -> Section {
    guard let node = required(parent, field) else { return Section(path: parent.path(of: field), line: parent.line, entries: [:]) }
    return section(node, path: parent.path(of: field), fields: fields)
  }

  /// The sections of a list under `field`; at least one.
  mutating func sections(_ parent: Section, _ field: String, fields: [String]) -> [Section] {
    guard let node = required(parent, field) else { return [] }
    guard let list = node.list, !list.isEmpty else {
      report(
        "'\(parent.path(of: field))' is \(SheetReader.kind(node))", line: node.line, hint: "wanted: a list of at least one"
      )
      return []
    }
    return list.enumerated().map { section($1, path: "\(parent.path(of: field))[\($0)]", fields: fields) }
  }

  private mutating func section(_ node: YAMLNode, path: String, fields: [String]) -> Section {
    let line = node.line
    guard let mapping = node.mapping else {
      report(
        "\(path.isEmpty ? "the file" : "'\(path)'") is \(SheetReader.kind(node))", line: line,
        hint: "wanted: the fields \(fields.joined(separator: ", "))")
      return Section(path: path, line: line, entries: [:])
    }
    var entries: [String: YAMLNode] = [:]
    for (key, value) in mapping {
      guard let name = key.scalar, fields.contains(name) else {
        let place = path.isEmpty ? "" : " in '\(path)'"
        report(
          "unknown field '\(key.scalar ?? "?")'\(place)", line: key.line, hint: "known: \(fields.joined(separator: ", "))"
        )
        continue
      }
      entries[name] = value
    }
    return Section(path: path, line: line, entries: entries)
  }

  private mutating func required(_ parent: Section, _ field: String) -> YAMLNode? {
    if let node = parent.entries[field] { return node }
    // A section that is missing itself has been reported already.
    if parent.entries.isEmpty && !parent.path.isEmpty { return nil }
    report(
      "'\(parent.path(of: field))' is missing", line: parent.line, hint: "unknown is said as {unknown: true, source: \"not published\"}")
    return nil
  }

  // MARK: - Fields

  /// Plain text.
  mutating func text(_ parent: Section, _ field: String) -> String {
    guard let node = required(parent, field) else { return "" }
    if let scalar = node.scalar, !scalar.isEmpty { return scalar }
    report("'\(parent.path(of: field))' is \(SheetReader.kind(node))", line: node.line, hint: "wanted: text")
    return ""
  }

  /// A quantity, which may be unknown.
  mutating func quantity(_ parent: Section, _ field: String, _ dimension: Dimension, in range: ClosedRange<Double> = 0...1e15) -> Fact {
    let path = parent.path(of: field)
    guard let node = required(parent, field) else { return note(Fact(path, .unknown, source: "missing")) }
    let body = section(node, path: path, fields: ["value", "unit", "mark", "source", "unknown"])
    guard !body.entries.isEmpty else { return note(Fact(path, .unknown, source: "unreadable")) }
    if let flag = body.entries["unknown"] {
      if flag.scalar != "true" || body.entries["value"] != nil {
        report(
          "'\(path)' is neither known nor unknown", line: flag.line,
          hint: "write {unknown: true, source: …}, without a value")
      }
      return note(Fact(path, .unknown, source: text(body, "source")))
    }
    let value = number(body, path)
    let size = unit(body, dimension)
    let mark = self.mark(body)
    let base = value * size
    if value.isFinite && size.isFinite && !range.contains(base) {
      report(
        "'\(path)' is \(base.plain) \(dimension.base), which is out of range",
        line: body.entries["value"]?.line ?? body.line,
        hint: "wanted: \(range.lowerBound.plain) to \(range.upperBound.plain) \(dimension.base)")
    }
    return note(Fact(path, .number(base, unit: dimension.base, mark), source: text(body, "source")))
  }

  /// A whole number that must be known.
  mutating func count(_ parent: Section, _ field: String, _ dimension: Dimension = .count, in range: ClosedRange<Int>) -> Int {
    let before = faults.count
    let fact = quantity(parent, field, dimension, in: Double(range.lowerBound)...Double(range.upperBound))
    guard faults.count == before else { return range.lowerBound }
    let line = parent.entries[field]?.line ?? parent.line
    guard let number = fact.number else {
      report("'\(fact.path)' cannot be unknown", line: line, hint: "wanted: \(range.lowerBound) to \(range.upperBound) \(dimension.base)")
      return range.lowerBound
    }
    guard let whole = Int(exactly: number) else {
      report(
        "'\(fact.path)' is \(number.plain), not a whole number", line: line, hint: "wanted: \(range.lowerBound) to \(range.upperBound)")
      return range.lowerBound
    }
    return whole
  }

  /// One of a few words, with mark and source.
  mutating func word<Word: RawRepresentable & CaseIterable>(_ parent: Section, _ field: String, _: Word.Type) -> Word?
  where Word.RawValue == String {
    guard let node = required(parent, field) else { return nil }
    let body = section(node, path: parent.path(of: field), fields: ["value", "mark", "source"])
    guard !body.entries.isEmpty else { return nil }
    let spelled = text(body, "value")
    let fact = Fact(body.path, .word(spelled, mark(body)), source: text(body, "source"))
    facts.append(fact)
    if let word = Word(rawValue: spelled) { return word }
    if !spelled.isEmpty {
      report(
        "'\(body.path)' cannot be '\(spelled)'", line: body.line,
        hint: "wanted: one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return nil
  }

  // MARK: - Parts of a quantity

  private mutating func note(_ fact: Fact) -> Fact {
    facts.append(fact)
    return fact
  }

  private mutating func number(_ body: Section, _ path: String) -> Double {
    guard let node = required(body, "value") else { return .nan }
    if let scalar = node.scalar, let value = Double(scalar), value.isFinite { return value }
    let hint = node.list == nil ? "wanted: a number" : "wanted: one number; sweeps over a list are not taken here"
    report("'\(path).value' is \(SheetReader.kind(node))", line: node.line, hint: hint)
    return .nan
  }

  private mutating func unit(_ body: Section, _ dimension: Dimension) -> Double {
    let spelled = text(body, "unit")
    if let unit = dimension.units.first(where: { $0.name == spelled }) { return unit.size }
    if !spelled.isEmpty {
      let line = body.entries["unit"]?.line ?? body.line
      report(
        "unknown unit '\(spelled)' for '\(body.path)'", line: line,
        hint: "\(dimension.name) is in \(dimension.units.map(\.name).joined(separator: ", "))")
    }
    return .nan
  }

  private mutating func mark(_ body: Section) -> PluginAPI.Mark {
    let spelled = text(body, "mark")
    if let mark = PluginAPI.Mark(rawValue: spelled) { return mark }
    if !spelled.isEmpty {
      let line = body.entries["mark"]?.line ?? body.line
      report(
        "unknown mark '\(spelled)' of '\(body.path)'", line: line,
        hint: "marks are \(PluginAPI.Mark.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return .assumed
  }

  // MARK: - Words for faults

  private static func kind(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let text): text.isEmpty ? "empty" : "'\(text)'"
    case .mapping: "a mapping"
    case .list: "a list"
    }
  }
}

extension Double {
  /// As people write it: whole numbers without a point.
  var plain: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}
