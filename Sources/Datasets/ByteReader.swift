import GraphIR

/// Reads numbers and runs of bytes from untrusted input; every step is checked and throws a `badInput` diagnostic.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>

  /// Bytes read so far.
  private(set) var offset = 0

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  /// Starts `offset` bytes into the input, which may be beyond its end.
  init(_ bytes: ArraySlice<UInt8>, at offset: Int, _ what: String) throws {
    self.bytes = bytes
    _ = try take(offset, what)
  }

  /// Bytes still to be read.
  var remaining: Int { bytes.count - offset }

  /// The next `count` bytes; `what` they hold is named when they are not there.
  mutating func take(_ count: Int, _ what: String) throws -> ArraySlice<UInt8> {
    guard count >= 0 && count <= remaining else {
      throw Diagnostic(.badInput, "is cut off: \(what) needs \(count) bytes and \(remaining) are left", place: "byte \(offset)")
    }
    defer { offset += count }
    return bytes[bytes.startIndex + offset..<bytes.startIndex + offset + count]
  }

  /// The next number, low byte first.
  mutating func little<Number: FixedWidthInteger>(_: Number.Type, _ what: String) throws -> Number {
    try take(Number.bitWidth / 8, what).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// The next number, high byte first.
  mutating func big<Number: FixedWidthInteger>(_: Number.Type, _ what: String) throws -> Number {
    try take(Number.bitWidth / 8, what).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }
}

extension [UInt8] {
  /// Appends a number, low byte first.
  mutating func appendLittle(_ number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}

/// Runs `body`; its faults are blamed on `file` unless they name another.
func blaming<Result>(_ file: String, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let fault as Diagnostic { throw fault.inFile(file) }
}
