import CZlib
import GraphIR

/// The entries of a zip file held in memory: stored or deflated, zip64 or not; no encryption, no parts.
///
/// Sizes come from the central directory and are checked against the file before memory is taken; every checksum is checked.
struct ZipArchive {
  /// One packed file.
  struct Entry {
    var name: String
    var isDeflated: Bool
    var packedSize: Int
    var size: Int
    var checksum: UInt32
    /// Where the entry's own header stands in the file.
    var offset: Int
  }

  private let bytes: [UInt8]
  let entries: [Entry]

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    var directory = try ZipDirectory(bytes)
    entries = try directory.entries()
    // Entries of an honest archive do not overlap; overlapping ones would unpack to the square of the file's size.
    var room = bytes.count
    for entry in entries {
      guard entry.packedSize <= room else {
        throw Diagnostic(.badInput, "is not a sound zip file: its entries overlap or are larger than the file", place: entry.name)
      }
      room -= entry.packedSize
    }
  }

  /// The unpacked bytes of an entry, checked against its size and checksum.
  func contents(of entry: Entry) throws -> ArraySlice<UInt8> {
    var reader = try ByteReader(bytes[...], at: entry.offset, "an entry")
    guard try reader.little(UInt32.self, "an entry") == 0x0403_4b50 else {
      throw Diagnostic(.badInput, "is not a sound zip file: no entry where the directory says one is", place: entry.name)
    }
    _ = try reader.take(22, "an entry")
    let nameLength = Int(try reader.little(UInt16.self, "an entry"))
    let extraLength = Int(try reader.little(UInt16.self, "an entry"))
    _ = try reader.take(nameLength + extraLength, "an entry")
    let packed = try reader.take(entry.packedSize, "the entry '\(entry.name)'")
    let contents = entry.isDeflated ? try Inflate.bytes(packed, .none, limit: entry.size + 1)[...] : packed
    guard contents.count == entry.size else {
      throw Diagnostic(.badInput, "unpacks to another size than the \(entry.size) bytes that the zip directory says", place: entry.name)
    }
    guard ZipArchive.checksum(contents) == entry.checksum else {
      throw Diagnostic(.badInput, "is damaged: its checksum is another than the zip directory says", place: entry.name)
    }
    return contents
  }

  /// The CRC-32 of zip and gzip.
  static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.withUnsafeBufferPointer { UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count)) }
  }
}
