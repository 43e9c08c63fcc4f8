/// The large constants of a text form, in one block of bytes: what travels beside the text.
///
/// Layout, little-endian: `BITLCST1`, count u32, then for each constant its digest and type (counted strings) and its bytes
/// (count u64, aligned to 64). Elements of type bit are packed, eight to a byte, lowest first, 1 for +1.
public enum ConstantArchive {
  private static let magic = Array("BITLCST1".utf8)

  /// The bytes of an archive, in the order of digests.
  public static func encode(_ constants: [String: Tensor]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(raw: magic)
    writer.write(UInt32(constants.count))
    for (digest, tensor) in constants.sorted(by: { $0.key < $1.key }) {
      writer.write(digest)
      writer.write(tensor.type.description)
      let payload = tensor.element == .bit ? packed(tensor) : tensor.withBytes { Array($0) }
      writer.write(UInt64(payload.count))
      writer.align(to: 64)
      writer.write(raw: payload)
    }
    return writer.bytes
  }

  /// The constants of an archive, by digest; each is checked against its digest.
  public static func decode(_ bytes: ArraySlice<UInt8>) throws -> [String: Tensor] {
    var reader = ByteReader(bytes)
    guard Array(try reader.read(count: magic.count)) == magic else {
      throw Diagnostic(.badInput, "is not a file of constants", hint: "it would begin with BITLCST1")
    }
    var constants: [String: Tensor] = [:]
    for _ in 0..<(try reader.read(UInt32.self)) {
      let digest = try reader.readString()
      let type = try TensorType(text: reader.readString())
      let count = Int(clamping: try reader.read(UInt64.self))
      try reader.align(to: 64)
      let payload = try reader.read(count: count)
      let tensor = try tensor(type, payload)
      guard tensor.digest == digest else { throw Diagnostic(.badInput, "constant #\(digest) is damaged") }
      constants[digest] = tensor
    }
    return constants
  }

  private static func tensor(_ type: TensorType, _ payload: ArraySlice<UInt8>) throws -> Tensor {
    guard let elements = type.shape.elementCount else { throw Diagnostic(.badInput, "a constant of type \(type) is not possible") }
    let (wanted, overflow) =
      type.element == .bit ? ((elements + 7) / 8, false) : elements.multipliedReportingOverflow(by: type.element.storageBytes)
    guard !overflow, wanted == payload.count else { throw Diagnostic(.badInput, "a constant of type \(type) has \(payload.count) bytes") }
    return Tensor(type.element, type.shape) { out in
      if type.element == .bit {
        for index in 0..<elements {
          let isPlus = payload[payload.startIndex + index / 8] >> UInt8(index % 8) & 1 == 1
          out[index] = isPlus ? 1 : 0xff
        }
      } else {
        payload.withUnsafeBytes { out.copyMemory(from: $0) }
      }
    }
  }

  private static func packed(_ tensor: Tensor) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (tensor.count + 7) / 8)
    tensor.withElements(Int8.self) { elements in
      for (index, element) in elements.enumerated() where element > 0 { bytes[index / 8] |= 1 << UInt8(index % 8) }
    }
    return bytes
  }
}

extension TensorType {
  /// The type that `description` wrote, such as `f32[?x3]`.
  package init(text: String) throws {
    var parser = try Parser(typeText: text)
    self = try parser.type()
  }
}
