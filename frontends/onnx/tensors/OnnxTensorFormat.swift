import COnnxSchema
import GraphIR
import PluginAPI

/// Single tensors as ONNX messages (`TensorProto`), as in the format's own test data.
public struct OnnxTensorFormat: TensorFormat {
  /// The name on the command line.
  public let name = "onnx-tensor"
  /// The ending of the file names of the format's own test data.
  public let fileExtensions = ["pb"]
  /// An upper bound on memory taken while reading, in bytes.
  public var memoryLimit = 4 << 30

  /// The format, with a memory limit of 4 GiB.
  public init() {}

  /// The one tensor of a file. Its external data, if any, lies in the file's folder.
  public func read(path: String) throws -> [(name: String, tensor: Tensor)] {
    do {
      let file = try MappedFile(path: path)
      return try withExtendedLifetime(file) { [try read(file.bytes, folder: try ModelFolder(ofModel: path, followsLinks: false))] }
    } catch let fault as Diagnostic {
      throw fault.inFile(path)
    }
  }

  private func read(_ bytes: UnsafeRawBufferPointer, folder: ModelFolder?) throws -> (name: String, tensor: Tensor) {
    let message = try UnpackedMessage<Onnx__TensorProto>(bytes, as: SchemaTable.tensor, limits: ImportLimits(memory: memoryLimit))
    return (text(message.root.pointee.name), try TensorReader(owner: message, folder: folder).read(message.root).tensor)
  }

  /// The tensor of a message in memory.
  package func read(bytes: [UInt8]) throws -> (name: String, tensor: Tensor) { try bytes.withUnsafeBytes { try read($0, folder: nil) } }

  /// A message with the elements as `raw_data`. A `bit` tensor is written as int8.
  public func bytes(of tensor: Tensor, name: String) throws -> [UInt8] {
    var writer = WireWriter()
    for extent in tensor.shape.dimensions { writer.int(Field.dims, extent) }
    writer.int(Field.dataType, Int(OnnxElement(tensor.element).rawValue))
    if !name.isEmpty { writer.string(Field.name, name) }
    (tensor.element == .float4e2m1 ? tensor.packedInPairs : tensor).withBytes { writer.data(Field.rawData, $0) }
    return writer.bytes
  }

  /// Field numbers of `TensorProto`.
  private enum Field {
    static let dims: UInt64 = 1
    static let dataType: UInt64 = 2
    static let name: UInt64 = 8
    static let rawData: UInt64 = 9
  }
}

extension Tensor {
  /// Codes of four bits as ONNX stores them: two to a byte, the first in the low half.
  var packedInPairs: Tensor {
    withBytes { codes in
      let packed = stride(from: 0, to: codes.count, by: 2).map { codes[$0] | ($0 + 1 < codes.count ? codes[$0 + 1] << 4 : 0) }
      return Tensor(.uint8, [packed.count], packed)
    }
  }
}
