import GraphIR

/// The part of Python's literals that stands in a .npy header: strings, booleans, whole numbers, tuples, lists, dictionaries.
enum PythonLiteral: Hashable {
  case string(String)
  case bool(Bool)
  case integer(Int)
  /// A tuple or a list.
  case sequence([PythonLiteral])
  case dictionary([String: PythonLiteral])

  /// Reads one literal that fills `text` but for blanks.
  init(parsing text: ArraySlice<UInt8>) throws {
    var parser = LiteralParser(text: Array(text))
    self = try parser.literal(depth: 0)
    try parser.expectEnd()
  }
}

/// A recursive-descent reader with bounded nesting.
private struct LiteralParser {
  let text: [UInt8]
  var position = 0

  private static let deepest = 4

  mutating func literal(depth: Int) throws -> PythonLiteral {
    guard depth <= Self.deepest else { throw fault("is nested too deeply") }
    switch peek() {
    case "{": return .dictionary(try dictionary(depth: depth))
    case "(": return .sequence(try sequence(closing: ")", depth: depth))
    case "[": return .sequence(try sequence(closing: "]", depth: depth))
    case "'", "\"": return .string(try string())
    case "T", "F": return .bool(try bool())
    case let sign? where sign == "-" || sign.isWholeNumber: return .integer(try integer())
    default: throw fault("is not a Python literal")
    }
  }

  mutating func expectEnd() throws {
    guard peek() == nil else { throw fault("goes on after its end") }
  }

  private mutating func dictionary(depth: Int) throws -> [String: PythonLiteral] {
    var entries: [String: PythonLiteral] = [:]
    position += 1
    while !take("}") {
      guard peek() == "'" || peek() == "\"" else { throw fault("has a key that is no string") }
      let key = try string()
      guard take(":") else { throw fault("lacks a ':'") }
      guard entries.updateValue(try literal(depth: depth + 1), forKey: key) == nil else { throw fault("says '\(key)' twice") }
      guard take(",") || peek() == "}" else { throw fault("lacks a ',' or '}'") }
    }
    return entries
  }

  private mutating func sequence(closing: Character, depth: Int) throws -> [PythonLiteral] {
    var members: [PythonLiteral] = []
    position += 1
    while !take(closing) {
      members.append(try literal(depth: depth + 1))
      guard take(",") || peek() == closing else { throw fault("lacks a ',' or '\(closing)'") }
    }
    return members
  }

  private mutating func string() throws -> String {
    let quote = text[position]
    guard let end = text[(position + 1)...].firstIndex(of: quote) else { throw fault("has a string without an end") }
    defer { position = end + 1 }
    return String(decoding: text[(position + 1)..<end], as: UTF8.self)
  }

  private mutating func bool() throws -> Bool {
    for (word, value) in [("True", true), ("False", false)] where text[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw fault("is not a Python literal")
  }

  private mutating func integer() throws -> Int {
    let start = position
    position += 1
    while position < text.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= text[position] { position += 1 }
    let digits = String(decoding: text[start..<position], as: UTF8.self)
    if position < text.count, text[position] == UInt8(ascii: "L") { position += 1 }  // Python 2 wrote its long numbers so.
    guard let value = Int(digits) else { throw fault("has the number \(digits), which is too large") }
    return value
  }

  /// The next character that is not blank, without reading it.
  private mutating func peek() -> Character? {
    while position < text.count, text[position] == UInt8(ascii: " ") || text[position] == UInt8(ascii: "\n") { position += 1 }
    return position < text.count ? Character(UnicodeScalar(text[position])) : nil
  }

  private mutating func take(_ character: Character) -> Bool {
    guard peek() == character else { return false }
    position += 1
    return true
  }

  private func fault(_ message: String) -> Diagnostic {
    Diagnostic(.badInput, "the header \(message)", place: "character \(position) of the header")
  }
}
