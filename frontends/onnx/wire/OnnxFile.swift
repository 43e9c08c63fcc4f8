import COnnxSchema
import GraphIR
import PluginAPI

/// An unpacked model file. Tensors may borrow their bytes from it.
///
/// A class because it owns the unpacked message; the file itself is mapped only while it is being unpacked.
package final class OnnxFile: @unchecked Sendable {
  /// The name for messages.
  package let path: String
  let message: UnpackedMessage<Onnx__ModelProto>
  /// Where external data may lie; nil for a model that came from memory.
  let folder: ModelFolder?

  /// Opens, checks and unpacks a model file. Throws a `badInput` diagnostic that names it.
  package init(path: String, limits: ImportLimits, followsLinks: Bool) throws {
    self.path = path
    do {
      message = try UnpackedMessage(try MappedFile(path: path), as: SchemaTable.model, limits: limits)
      folder = try ModelFolder(ofModel: path, followsLinks: followsLinks)
    } catch let fault as Diagnostic {
      throw fault.inFile(path)
    }
  }

  /// Checks and unpacks a model in memory.
  package init(bytes: [UInt8], name: String, limits: ImportLimits) throws {
    path = name
    folder = nil
    do {
      message = try bytes.withUnsafeBytes { try UnpackedMessage($0, as: SchemaTable.model, limits: limits) }
    } catch let fault as Diagnostic {
      throw fault.inFile(name)
    }
  }

  var model: Onnx__ModelProto { message.root.pointee }

  /// The most memory that unpacking took at one time, in bytes.
  package var peakMemory: Int { message.peakMemory }

  /// What the wire check had expected it to take at most, in bytes.
  package var estimatedMemory: Int { message.estimatedMemory }
}
