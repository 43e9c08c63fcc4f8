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
  private let storage: TensorStorage
  private var offset = 0

  package init(_ storage: TensorStorage) { self.storage = storage }

  private func truncated() -> Diagnostic { Diagnostic(.badInput, "the file ends too early", place: "byte \(offset)") }

  /// Where the next `count` bytes lie; goes past them.
  private mutating func advance(_ count: Int) throws -> Range<Int> {
    guard count >= 0, count <= storage.bytes.count - offset else { throw truncated() }
    defer { offset += count }
    return offset..<offset + count
  }

  package mutating func read<T: FixedWidthInteger>(_: T.Type) throws -> T {
    let range = try advance(MemoryLayout<T>.size)
    return T(littleEndian: UnsafeRawBufferPointer(storage.bytes).loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
  }

  /// The next bytes, which are not copied.
  package mutating func read(count: Int) throws -> TensorStorage { storage.part(try advance(count)) }

  package mutating func readString() throws -> String {
    let range = try advance(Int(try read(UInt32.self)))
    guard let text = String(validating: storage.bytes[range], as: UTF8.self) else { throw Diagnostic(.badInput, "a name is not UTF-8") }
    return text
  }

  package mutating func align(to alignment: Int) throws { _ = try advance((alignment - offset % alignment) % alignment) }
}

/// A 64-bit hash of bytes: FNV-1a over words of eight, with their upper bits mixed in.
package struct WordHash {
  private(set) package var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func mix(_ word: UInt64) { value = (value ^ word) &* 0x0000_0100_0000_01b3 ^ (value >> 29) }

  package mutating func mix(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset + 8 <= bytes.count {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      offset += 8
    }
    for byte in bytes[offset...] { mix(UInt64(byte)) }
  }
}

/// The hash of many bytes: of each eighth word by itself, then of these eight and what is left. It is as fast as memory: a word waits for the
/// one that is mixed before it, not for its neighbours.
package func lineHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  var (a, b, c, d) = (WordHash(), WordHash(), WordHash(), WordHash())
  var (e, f, g, h) = (WordHash(), WordHash(), WordHash(), WordHash())
  func word(_ offset: Int) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
  let whole = bytes.count & ~63
  for offset in stride(from: 0, to: whole, by: 64) {
    a.mix(word(offset))
    b.mix(word(offset + 8))
    c.mix(word(offset + 16))
    d.mix(word(offset + 24))
    e.mix(word(offset + 32))
    f.mix(word(offset + 40))
    g.mix(word(offset + 48))
    h.mix(word(offset + 56))
  }
  for other in [b, c, d, e, f, g, h] { a.mix(other.value) }
  a.mix(UnsafeRawBufferPointer(rebasing: bytes[whole...]))
  return a.value
}
