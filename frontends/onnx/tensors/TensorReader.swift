import COnnxSchema
import GraphIR

/// Makes tensors of a message's tensors.
///
/// Large raw and external data is not copied: the tensor borrows it and keeps its owner alive.
struct TensorReader {
  /// Keeps the unpacked message alive.
  let owner: AnyObject
  /// Where external data may lie; nil refuses it.
  let folder: ModelFolder?

  /// Below this many bytes a copy is cheaper than keeping an owner.
  private static let borrowingThreshold = 4096

  /// The tensor of a message, and its type there, which may be narrower than what carries it. Throws a diagnostic placed at its name.
  func read(_ proto: UnsafePointer<Onnx__TensorProto>?) throws -> (tensor: Tensor, element: OnnxElement) {
    guard let proto = proto?.pointee else { throw Diagnostic(.badInput, "a tensor is missing") }
    do {
      return (try read(proto), try OnnxElement.named(proto.data_type))
    } catch let fault as Diagnostic {
      throw fault.at("tensor '\(text(proto.name))'")
    }
  }

  private func read(_ proto: Onnx__TensorProto) throws -> Tensor {
    let element = try OnnxElement.named(proto.data_type)
    let shape = try TensorReader.shape(list(proto.dims, proto.n_dims))
    guard let type = element.dataType, let bits = element.bits else {
      throw Diagnostic(.unsupported, "element type '\(element)' is not supported")
    }
    try TypeLimits.check(TensorType(type, shape))
    guard proto.segment == nil else { throw Diagnostic(.unsupported, "tensors in segments are not supported") }
    guard let count = shape.elementCount else { preconditionFailure("a shape within the limits has a count") }
    let byteCount = (count * bits + 7) / 8
    switch try TensorPayload(proto, isEmpty: count == 0) {
    case .none: return Tensor(zeros: type, shape)
    case .external(let entries):
      guard let folder else { throw Diagnostic(.badInput, "external data, but the model was not read from a file") }
      let (bytes, file) = try folder.data(ExternalData(entries), expected: byteCount)
      return try tensor(element, type, shape, over: bytes, owner: file)
    case .raw(let bytes):
      guard bytes.count == byteCount else {
        throw Diagnostic(.badInput, "raw_data has \(bytes.count) bytes, \(type.rawValue)[\(shape)] takes \(byteCount)")
      }
      return try tensor(element, type, shape, over: bytes, owner: owner)
    case .typed(let field):
      return try TypedData(field, of: proto).tensor(element, type, shape, count: count)
    }
  }

  /// A tensor over little-endian bytes in row-major order.
  private func tensor(
    _ element: OnnxElement, _ type: DataType, _ shape: Shape, over bytes: UnsafeRawBufferPointer, owner: AnyObject
  ) throws -> Tensor {
    if let bits = element.bits, bits < 8 { return TensorReader.unpacked(element, bits, type, shape, bytes) }
    if type == .bool, let place = bytes.firstIndex(where: { $0 > 1 }) {
      throw Diagnostic(.badInput, "element \(place) is \(bytes[place]), which is no bool")
    }
    let isAligned = Int(bitPattern: bytes.baseAddress) % type.storageBytes == 0
    guard isAligned && bytes.count >= TensorReader.borrowingThreshold else {
      return Tensor(type, shape) { $0.copyMemory(from: bytes) }
    }
    return Tensor(type, shape, storage: TensorStorage(borrowing: bytes) { withExtendedLifetime(owner) {} })
  }

  /// Elements of 2 or 4 bits, the lowest bits of a byte first.
  private static func unpacked(_ element: OnnxElement, _ bits: Int, _ type: DataType, _ shape: Shape, _ bytes: UnsafeRawBufferPointer)
    -> Tensor
  {
    Tensor(type, shape) { out in
      for index in out.indices {
        let place = index * bits
        out[index] = smallInteger(bytes[place / 8] >> UInt8(place % 8), element, bits)
      }
    }
  }

  /// The low `bits` of a byte as a sign-extended or zero-extended byte.
  static func smallInteger(_ byte: UInt8, _ element: OnnxElement, _ bits: Int) -> UInt8 {
    let shift = UInt8(8 - bits)
    return (element.range?.lowerBound ?? 0) < 0
      ? UInt8(bitPattern: Int8(bitPattern: byte << shift) >> Int8(shift)) : (byte << shift) >> shift
  }

  /// The extents of a tensor, which must be whole and not negative.
  static func shape(_ dims: UnsafeBufferPointer<Int64>) throws -> Shape {
    if let bad = dims.first(where: { $0 < 0 }) { throw Diagnostic(.badInput, "an extent of \(bad)") }
    return Shape(dims.map { Int($0) })
  }
}

/// A C string of the message, which the wire check has found to be UTF-8; empty when it is not set.
func text(_ string: UnsafePointer<CChar>?) -> String { string.map { String(cString: $0) } ?? "" }

/// The bytes of a field as text; nil when they are not UTF-8.
func text(_ data: ProtobufCBinaryData) -> String? {
  guard !bytes(data).contains(0) else { return nil }
  return String(validatingCString: bytes(data).map { CChar(bitPattern: $0) } + [0])
}

/// A repeated field of numbers.
func list<Number>(_ start: UnsafeMutablePointer<Number>?, _ count: Int) -> UnsafeBufferPointer<Number> {
  UnsafeBufferPointer(start: start, count: count)
}

/// A repeated field of sub-messages.
func list<Message>(_ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int) -> [UnsafePointer<Message>] {
  UnsafeBufferPointer(start: start, count: count).compactMap { UnsafePointer($0) }
}

/// The bytes of a `bytes` field.
func bytes(_ data: ProtobufCBinaryData) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data.data, count: data.len) }
