/// How a field's value lies in the bytes.
enum WireType: UInt64 {
  case varint = 0
  case fixed64 = 1
  case lengthPrefixed = 2
  case fixed32 = 5
}

/// A fault in a message's bytes, before it is known where in the message.
struct WireFault: Error {
  let offset: Int
  let message: String
  let hint: String?

  init(_ offset: Int, _ message: String, hint: String? = nil) {
    self.offset = offset
    self.message = message
    self.hint = hint
  }
}

/// Reads the tokens of the protobuf wire format, never past a given end.
struct WireReader {
  let bytes: UnsafeRawBufferPointer
  var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func varint(end: Int) throws -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard offset < end else { throw WireFault(start, "the file ends, or its message does, inside a number") }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw WireFault(start, "a number of more than 10 bytes")
  }

  mutating func tag(end: Int) throws -> (number: UInt32, wireType: WireType) {
    let start = offset
    let tag = try varint(end: end)
    let number = tag >> 3
    guard number > 0, number < 1 << 29 else { throw WireFault(start, "field number \(number) is impossible") }
    guard let wireType = WireType(rawValue: tag & 7) else { throw WireFault(start, "wire type \(tag & 7) is not one of ONNX's") }
    return (UInt32(number), wireType)
  }

  /// A length prefix, which must fit what is left.
  mutating func length(end: Int) throws -> Int {
    let start = offset
    let length = try varint(end: end)
    guard length <= UInt64(end - offset) else {
      throw WireFault(start, "a field of \(length) bytes where only \(end - offset) are left", hint: "the file is cut short or damaged")
    }
    return Int(length)
  }

  mutating func skip(_ wireType: WireType, end: Int) throws {
    switch wireType {
    case .varint: _ = try varint(end: end)
    case .fixed64: try skip(8, end: end)
    case .fixed32: try skip(4, end: end)
    case .lengthPrefixed: offset += try length(end: end)
    }
  }

  private mutating func skip(_ count: Int, end: Int) throws {
    guard end - offset >= count else {
      throw WireFault(offset, "a field of \(count) bytes where only \(end - offset) are left", hint: "the file is cut short or damaged")
    }
    offset += count
  }

  /// Passes over a string, which must be UTF-8 without NUL.
  mutating func string(_ length: Int) throws {
    let slice = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
    if let place = slice.firstIndex(of: 0) { throw WireFault(offset + place, "a string that holds a NUL byte") }
    let isASCII = slice.allSatisfy { $0 < 0x80 }
    guard isASCII || WireReader.isUTF8(slice) else { throw WireFault(offset, "a string that is not UTF-8") }
    offset += length
  }

  private static func isUTF8(_ slice: UnsafeRawBufferPointer) -> Bool {
    var bytes = slice.makeIterator()
    var decoder = UTF8()
    while true {
      switch decoder.decode(&bytes) {
      case .scalarValue: continue
      case .emptyInput: return true
      case .error: return false
      }
    }
  }

  /// Passes over packed numbers and counts them.
  mutating func packed(_ wireType: WireType, length: Int) throws -> Int {
    let end = offset + length
    switch wireType {
    case .fixed32, .fixed64:
      let size = wireType == .fixed32 ? 4 : 8
      guard length % size == 0 else { throw WireFault(offset, "\(length) bytes are no whole count of \(size)-byte numbers") }
      offset = end
      return length / size
    case .varint, .lengthPrefixed:
      var count = 0
      while offset < end {
        _ = try varint(end: end)
        count += 1
      }
      return count
    }
  }
}
