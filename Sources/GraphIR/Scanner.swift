/// Cuts the text form into tokens. Comments run from `//` to the end of the line.
struct Scanner {
  enum Token: Hashable {
    /// `graph`, `conv`, `f32`, `true`.
    case word(String)
    /// `%12` or `%x`.
    case value(String)
    /// `#0123456789abcdef`.
    case digest(String)
    case string(String)
    /// A number as written.
    case number(String)
    /// A shape, as written between brackets behind an element type: `?x3x32x32`.
    case punctuation(Character)
    case end
  }

  private let bytes: [UInt8]
  private var offset = 0
  private(set) var line = 1
  /// The token that `next` will give.
  private(set) var peek = Token.end
  private var peekLine = 1

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    try advance()
  }

  /// The line on which the token to come stands.
  var lineOfPeek: Int { peekLine }

  mutating func next() throws -> Token {
    let token = peek
    line = peekLine
    try advance()
    return token
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func advance() throws {
    skipBlanks()
    peekLine = lineNumber
    guard let byte = current else {
      peek = .end
      return
    }
    switch byte {
    case UInt8(ascii: "\""): peek = .string(try scanString())
    case UInt8(ascii: "%"):
      offset += 1
      peek = .value(scanWhile(Self.isWordByte))
    case UInt8(ascii: "#"):
      offset += 1
      peek = .digest(scanWhile(Self.isWordByte))
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): peek = scanNumber()
    case _ where Self.isWordByte(byte): peek = .word(scanWhile(Self.isWordByte))
    default:
      offset += 1
      peek = .punctuation(Character(UnicodeScalar(byte)))
    }
  }

  private var lineNumber = 1

  private mutating func skipBlanks() {
    while let byte = current {
      if byte == UInt8(ascii: "\n") { lineNumber += 1 }
      if byte == UInt8(ascii: "/"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "/") {
        while let inner = current, inner != UInt8(ascii: "\n") { offset += 1 }
      } else if byte == 32 || (9...13).contains(byte) {
        offset += 1
      } else {
        return
      }
    }
  }

  private mutating func scanWhile(_ belongs: (UInt8) -> Bool) -> String {
    let start = offset
    while let byte = current, belongs(byte) { offset += 1 }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  /// A number, or `-inf`. Shapes such as `3x32` come as one number token; the parser takes them apart.
  private mutating func scanNumber() -> Token {
    let start = offset
    offset += 1
    while let byte = current {
      let isExponentSign =
        (byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+"))
        && (bytes[offset - 1] == UInt8(ascii: "e") || bytes[offset - 1] == UInt8(ascii: "E"))
      guard Self.isWordByte(byte) || byte == UInt8(ascii: ".") || isExponentSign else { break }
      offset += 1
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  private mutating func scanString() throws -> String {
    offset += 1
    var content: [UInt8] = []
    while let byte = current {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw fault("a string is not UTF-8") }
        return text
      case UInt8(ascii: "\\"): content += try scanEscape()
      case UInt8(ascii: "\n"): throw fault("a string runs over the end of its line")
      default: content.append(byte)
      }
    }
    throw fault("a string is not closed")
  }

  private mutating func scanEscape() throws -> [UInt8] {
    guard let byte = current else { throw fault("a string is not closed") }
    offset += 1
    switch byte {
    case UInt8(ascii: "n"): return [UInt8(ascii: "\n")]
    case UInt8(ascii: "t"): return [UInt8(ascii: "\t")]
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
    case UInt8(ascii: "u") where current == UInt8(ascii: "{"):
      offset += 1
      let digits = scanWhile(Self.isWordByte)
      guard current == UInt8(ascii: "}"), let code = UInt32(digits, radix: 16), let scalar = UnicodeScalar(code) else { break }
      offset += 1
      return Array(String(Character(scalar)).utf8)
    default: break
    }
    throw fault("an escape in a string is unknown")
  }

  func fault(_ message: String) -> Diagnostic { Diagnostic(.badInput, message, place: "line \(lineNumber)") }
}
