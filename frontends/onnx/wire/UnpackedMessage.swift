import COnnxSchema
import GraphIR
import PluginAPI

/// A message of the ONNX schema, unpacked by protobuf-c: checked first, and within the memory limit.
///
/// A class because it owns the unpacked tree; whoever borrows from the tree keeps this alive.
final class UnpackedMessage<Message>: @unchecked Sendable {
  /// The root of the tree. Read only.
  let root: UnsafePointer<Message>
  private let allocator: BudgetAllocator
  /// The most memory that unpacking took at one time, in bytes.
  let peakMemory: Int
  /// What the wire check had expected it to take at most, in bytes.
  let estimatedMemory: Int

  /// Unpacks a file, giving back its memory meanwhile.
  convenience init(_ file: MappedFile, as descriptor: WireCheck.Descriptor, limits: ImportLimits) throws {
    try self.init(file.bytes, of: file, as: descriptor, limits: limits)
  }

  /// Unpacks bytes, which are those of `file` if there is one.
  init(
    _ bytes: UnsafeRawBufferPointer, of file: MappedFile? = nil, as descriptor: WireCheck.Descriptor, limits: ImportLimits
  ) throws {
    if let impostor = Impostor.named(bytes) { throw Diagnostic(.badInput, impostor) }
    guard bytes.count <= ImportLimits.fileBytes else {
      throw Diagnostic(.badInput, "\(bytes.count) bytes are more than the format's bound of \(ImportLimits.fileBytes)")
    }
    do {
      estimatedMemory = try WireCheck.check(bytes, as: descriptor, limits: limits)
    } catch let fault as Diagnostic where Impostor.looksLikeText(bytes) {
      throw Diagnostic(.badInput, "this is a text file, not a protobuf message (\(fault.message))", place: fault.place)
    }
    allocator = BudgetAllocator(budget: limits.memory, file: file)
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    guard let message = protobuf_c_message_unpack(descriptor, allocator.table, bytes.count, start) else {
      throw Diagnostic(.badInput, "protobuf-c refuses the message", hint: "the memory limit is \(limits.memory) bytes")
    }
    allocator.forgetFile()
    withExtendedLifetime(file) {}
    peakMemory = allocator.peak
    root = UnsafePointer(UnsafeRawPointer(message).assumingMemoryBound(to: Message.self))
  }

  deinit {
    let message = UnsafeMutableRawPointer(mutating: root).assumingMemoryBound(to: ProtobufCMessage.self)
    protobuf_c_message_free_unpacked(message, allocator.table)
  }
}

/// The descriptor tables of the messages that stand at the top of a file.
enum SchemaTable {
  static var model: WireCheck.Descriptor {
    var message = Onnx__ModelProto()
    onnx__model_proto__init(&message)
    return message.base.descriptor
  }

  static var tensor: WireCheck.Descriptor {
    var message = Onnx__TensorProto()
    onnx__tensor_proto__init(&message)
    return message.base.descriptor
  }
}
