import CZlib
import Datasets
import GraphIR
import PluginAPI
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A folder that lives as long as `body` runs.
struct TemporaryFolder {
  let path: String

  static func use(_ body: (TemporaryFolder) throws -> Void) throws {
    var template = Array("/tmp/bitline-datasets-XXXXXX".utf8CString)
    let folder = TemporaryFolder(path: String(cString: try #require(mkdtemp(&template))))
    defer { folder.remove() }
    try body(folder)
  }

  /// Writes a file and says its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Files.write(bytes, to: "\(path)/\(name)")
    return "\(path)/\(name)"
  }

  private func remove() {
    guard let entries = opendir(path) else { return }
    while let entry = readdir(entries) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      unlink("\(path)/\(name)")
    }
    closedir(entries)
    rmdir(path)
  }
}

/// The owner's material beside the repository, which a clone need not have.
enum Shared {
  static let path = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined() + "/shared"
  static let hasMnist = Files.exists("\(path)/data/mnist/README.md")
  static let hasCifar = Files.exists("\(path)/data/cifar-10/README.md")
  static let skipped: Comment = "skipped: ../shared is not there"
}

/// The diagnostic that `body` throws.
func fault(_ body: () throws -> Void) throws -> Diagnostic { try #require(throws: Diagnostic.self) { try body() } }

/// Bytes packed by zlib; `windowBits` 31 for gzip, -15 for bare deflate.
func packed(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
  var stream = z_stream()
  precondition(
    deflateInit2_(&stream, 9, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
  defer { deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: bytes.count + 1024)
  let room = output.count
  return input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(room)
      precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
      return Array(target[..<(room - Int(stream.avail_out))])
    }
  }
}

/// A .npy file of version `major`, with the header text as given.
func npy(_ header: String, _ elements: [UInt8] = [], major: UInt8 = 1) -> [UInt8] {
  let length = header.utf8.count
  let size = major == 1 ? [UInt8(length & 255), UInt8(length >> 8)] : (0..<4).map { UInt8(length >> (8 * $0) & 255) }
  return [0x93] + Array("NUMPY".utf8) + [major, 0] + size + Array(header.utf8) + elements
}

/// An IDX file of bytes.
func idx(_ extents: [Int], _ elements: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(extents.count)] + extents.flatMap { extent in [24, 16, 8, 0].map { UInt8(extent >> $0 & 255) } } + elements
}
