/// Writes the tokens of the protobuf wire format.
package struct WireWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// One that will hold about so many bytes.
  package init(reserving count: Int) { bytes.reserveCapacity(count) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// A number; negative ones take ten bytes, as the format has it.
  package mutating func int(_ field: UInt64, _ value: Int) {
    varint(field << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  package mutating func float(_ field: UInt64, _ value: Float) {
    varint(field << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Bytes, or a sub-message's bytes.
  package mutating func data(_ field: UInt64, _ value: some Collection<UInt8>) {
    prefix(field, count: value.count)
    bytes.append(contentsOf: value)
  }

  /// The head of a field of so many bytes, which follow.
  package mutating func prefix(_ field: UInt64, count: Int) {
    varint(field << 3 | 2)
    varint(UInt64(count))
  }

  package mutating func string(_ field: UInt64, _ value: String) { data(field, Array(value.utf8)) }

  /// A sub-message.
  package mutating func message(_ field: UInt64, _ build: (inout WireWriter) -> Void) {
    var inner = WireWriter()
    build(&inner)
    data(field, inner.bytes)
  }

  /// Bytes as they are: what follows a `prefix`, and tests of damaged files.
  package mutating func raw(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }
}
