/// The large constants of a text form, in one block of bytes: what travels beside the text.
///
/// Layout, little-endian: `BITLCST2`, count u32, then for each constant its digest and type (counted strings) and how many bytes it has, u64;
/// then the bytes of each, aligned to 64. Elements of type bit are packed, eight to a byte, lowest first, 1 for +1.
/// Short constants come first: where an archive is mapped, who reads biases and scales only is not to have pages of weights brought in with each.
public enum ConstantArchive {
  private static let magic = Array("BITLCST2".utf8)

  /// The bytes of an archive, in the order of lengths and, where these are equal, of digests.
  public static func encode(_ constants: [String: Tensor]) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(raw: magic)
    writer.write(UInt32(constants.count))
    let constants = constants.map { (digest: $0, tensor: $1, count: byteCount(of: $1.element, $1.count) ?? 0) }
      .sorted { ($0.count, $0.digest) < ($1.count, $1.digest) }
    for (digest, tensor, count) in constants {
      writer.write(digest)
      writer.write(tensor.type.description)
      writer.write(UInt64(count))
    }
    for (_, tensor, _) in constants {
      writer.align(to: 64)
      if tensor.element == .bit { writer.write(raw: packed(tensor)) } else { tensor.withBytes { writer.write(raw: $0) } }
    }
    return writer.bytes
  }

  /// The constants of an archive, by digest. What needs no unpacking is not copied: the tensors keep `storage` alive.
  ///
  /// Each of at most `checkedBytes` is compared with its digest, for which all of it is read.
  package static func decode(_ storage: TensorStorage, checkedBytes: Int = .max) throws -> [String: Tensor] {
    var reader = ByteReader(storage)
    guard try reader.read(count: magic.count).bytes.elementsEqual(magic) else {
      throw Diagnostic(.badInput, "is not a file of constants", hint: "it would begin with BITLCST2")
    }
    var entries: [(digest: String, type: TensorType, count: Int)] = []
    for _ in 0..<(try reader.read(UInt32.self)) {
      let (digest, type) = (try reader.readString(), try TensorType(text: reader.readString()))
      entries.append((digest, type, Int(clamping: try reader.read(UInt64.self))))
    }
    var constants: [String: Tensor] = [:]
    for (digest, type, count) in entries {
      try reader.align(to: 64)
      let tensor = try tensor(type, reader.read(count: count))
      guard count > checkedBytes || tensor.digest == digest else { throw Diagnostic(.badInput, "constant #\(digest) is damaged") }
      constants[digest] = tensor
    }
    return constants
  }

  /// How many bytes so many elements take; nil for more than there can be.
  private static func byteCount(of element: DataType, _ elements: Int) -> Int? {
    if element == .bit { return elements / 8 + (elements % 8 == 0 ? 0 : 1) }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: element.storageBytes)
    return overflow ? nil : bytes
  }

  private static func tensor(_ type: TensorType, _ payload: TensorStorage) throws -> Tensor {
    guard let elements = type.shape.elementCount else { throw Diagnostic(.badInput, "a constant of type \(type) is not possible") }
    guard byteCount(of: type.element, elements) == payload.bytes.count else {
      throw Diagnostic(.badInput, "a constant of type \(type) has \(payload.bytes.count) bytes")
    }
    if type.element == .bit {
      return Tensor(type.element, type.shape) { out in
        for index in 0..<elements {
          let isPlus = payload.bytes[index / 8] >> UInt8(index % 8) & 1 == 1
          out[index] = isPlus ? 1 : 0xff
        }
      }
    }
    let isAligned = UInt(bitPattern: payload.bytes.baseAddress) % UInt(type.element.storageBytes) == 0
    return Tensor(type.element, type.shape, storage: isAligned ? payload : TensorStorage(copying: UnsafeRawBufferPointer(payload.bytes)))
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
