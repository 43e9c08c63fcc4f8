/// Writes little-endian numbers and counted strings.
package struct ByteWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func write<T: FixedWidthInteger>(_ number: T) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func write(_ text: String) {
    write(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  package mutating func write(raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }

  package mutating func write(raw: [UInt8]) { bytes.append(contentsOf: raw) }

  /// Zero bytes up to a multiple of `alignment`.
  package mutating func align(to alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }
}

/// Reads what `ByteWriter` wrote; every length is checked before it is believed.
package struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var offset: Int

  package init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    offset = bytes.startIndex
  }

  private func truncated() -> Diagnostic { Diagnostic(.badInput, "the file ends too early", place: "byte \(offset - bytes.startIndex)") }

  package mutating func read<T: FixedWidthInteger>(_: T.Type) throws -> T {
    let part = try read(count: MemoryLayout<T>.size)
    return part.reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
  }

  package mutating func read(count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.endIndex - offset else { throw truncated() }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  package mutating func readString() throws -> String {
    let part = try read(count: Int(try read(UInt32.self)))
    guard let text = String(validating: part, as: UTF8.self) else { throw Diagnostic(.badInput, "a name is not UTF-8") }
    return text
  }

  package mutating func align(to alignment: Int) throws {
    let used = offset - bytes.startIndex
    _ = try read(count: (alignment - used % alignment) % alignment)
  }
}

/// The FNV-1a hash of bytes, 64 bits. Of a concrete type, since a generic one is not specialised across modules and takes 70 ns a byte.
package func fnv1a(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.withUnsafeBufferPointer { bytes in
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash
  }
}
