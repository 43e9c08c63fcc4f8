/// Writes the tokens of the protobuf wire format.
package struct WireWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

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
    varint(field << 3 | 2)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func string(_ field: UInt64, _ value: String) { data(field, Array(value.utf8)) }

  /// A sub-message.
  package mutating func message(_ field: UInt64, _ build: (inout WireWriter) -> Void) {
    var inner = WireWriter()
    build(&inner)
    data(field, inner.bytes)
  }

  /// Bytes as they are: for tests of damaged files.
  package mutating func raw(_ more: [UInt8]) { bytes += more }
}
