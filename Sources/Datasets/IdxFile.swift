import GraphIR
import PluginAPI

/// A file of the MNIST family: a magic number, extents, then one byte per element; plain or gzipped.
struct IdxFile {
  var extents: [Int]
  var elements: [UInt8]

  /// Reads a file of `rank` dimensions: 1 for labels, 3 for grey images.
  init(path: String, rank: Int) throws {
    let file = try Files.read(path)
    self = try blaming(path) { try IdxFile(bytes: file, rank: rank) }
  }

  /// Reads the bytes of such a file. Unpacks no more than the header promises.
  init(bytes file: [UInt8], rank: Int) throws {
    let headerSize = 4 + 4 * rank
    let isPacked = Inflate.isGzip(file)
    let start = try isPacked ? Inflate.bytes(file[...], .gzip, limit: headerSize) : Array(file.prefix(headerSize))
    extents = try IdxFile.extents(header: start, rank: rank)
    // A gzipped byte stands for at most 1032, so an honest header promises no more than this.
    let most = isPacked ? file.count * 1032 : file.count
    guard let count = Shape.product(extents), count <= most else {
      throw Diagnostic(.badInput, "is cut off: its header promises \(Shape(extents)) bytes")
    }
    guard count > 0 else { throw Diagnostic(.badInput, "is empty: its header promises \(Shape(extents)) bytes") }
    let all = try isPacked ? Inflate.bytes(file[...], .gzip, limit: headerSize + count + 1) : file
    guard all.count == headerSize + count else {
      let fault = all.count < headerSize + count ? "is cut off" : "is too long"
      throw Diagnostic(.badInput, "\(fault): its header promises \(Shape(extents)) = \(count) bytes, and that is not what follows")
    }
    elements = Array(all[headerSize...])
  }

  private static func extents(header: [UInt8], rank: Int) throws -> [Int] {
    var reader = ByteReader(header[...])
    let magic = try reader.big(UInt32.self, "the IDX header")
    guard magic == 0x800 + UInt32(rank) else {
      throw Diagnostic(
        .badInput, "is not an IDX file of bytes with \(rank) dimension\(rank == 1 ? "" : "s"): its magic number is \(magic)",
        hint: "\(0x800 + rank) would be right")
    }
    return try (0..<rank).map { _ in Int(try reader.big(UInt32.self, "the IDX header")) }
  }
}
