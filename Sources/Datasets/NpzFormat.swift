import GraphIR
import PluginAPI

/// Numpy's .npz: a zip file of .npy files.
///
/// Reads stored and deflated entries (`np.savez`, `np.savez_compressed`), zip64 or not; writes stored ones, dated 1 January 1980 so that
/// equal tensors make equal files. Memory: the file, one unpacked entry and the tensors.
public struct NpzFormat: TensorFormat {
  /// The format's name in lists.
  public let name = "npz"
  /// What its files end in.
  public let fileExtensions = ["npz"]

  /// The most bytes that the entries of one file may unpack to.
  private static let memoryLimit = 4 << 30

  /// The format; it has no settings.
  public init() {}

  /// The tensors of a file under their names.
  public func read(path: String) throws -> [(name: String, tensor: Tensor)] {
    let bytes = try Files.read(path)
    return try blaming(path) { try NpzFormat.tensors(from: bytes) }
  }

  /// The bytes of a file that holds one tensor.
  public func bytes(of tensor: Tensor, name: String) throws -> [UInt8] { try NpzFormat.bytes(of: [(name, tensor)]) }

  /// The tensors that the bytes of a .npz file say, in the order of its directory.
  package static func tensors(from bytes: [UInt8]) throws -> [(name: String, tensor: Tensor)] {
    let archive = try ZipArchive(bytes)
    var room = memoryLimit
    var names: Set<String> = []
    return try archive.entries.map { entry in
      guard entry.name.hasSuffix(".npy") else {
        throw Diagnostic(.badInput, "is no array", place: entry.name, hint: "every entry of a .npz file is NAME.npy")
      }
      guard names.insert(entry.name).inserted else { throw Diagnostic(.badInput, "is there twice", place: entry.name) }
      guard entry.size <= room else {
        throw Diagnostic(.badInput, "unpacks to more than \(memoryLimit >> 30) GiB", hint: "save large arrays as .npy")
      }
      room -= entry.size
      do {
        return (String(entry.name.dropLast(4)), try NpyFormat.tensor(from: archive.contents(of: entry)))
      } catch let fault as Diagnostic {
        throw fault.at(entry.name)
      }
    }
  }

  /// The bytes of a .npz file that holds the tensors under their names.
  public static func bytes(of tensors: [(name: String, tensor: Tensor)]) throws -> [UInt8] {
    var writer = ZipWriter()
    for (name, tensor) in tensors { try writer.add("\(name).npy", NpyFormat.bytes(of: tensor)) }
    return try writer.finished()
  }
}
