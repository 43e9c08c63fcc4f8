import GraphIR

/// Writes a zip file of stored entries. No zip64: what would need it is refused.
struct ZipWriter {
  private var bytes: [UInt8] = []
  private var directory: [UInt8] = []
  private var names: Set<String> = []

  /// 1 January 1980, the first day that zip can say, as time and date.
  private static let date: UInt32 = 0x0021_0000

  /// Adds one entry.
  mutating func add(_ name: String, _ contents: [UInt8]) throws {
    let nameBytes = Array(name.utf8)
    guard names.insert(name).inserted else { throw Diagnostic(.badInput, "two arrays have the name '\(name)'") }
    guard let nameLength = UInt16(exactly: nameBytes.count), names.count < 0xffff else {
      throw Diagnostic(.badInput, "is too long a name, or one of too many, for a zip file", place: name)
    }
    let offset = try ZipWriter.word(bytes.count)
    let size = try ZipWriter.word(contents.count)
    var common: [UInt8] = []
    common.appendLittle(20 as UInt16)  // version needed
    common.appendLittle(nameBytes.allSatisfy { $0 < 0x80 } ? 0 : 0x0800 as UInt16)  // the name is UTF-8
    common.appendLittle(0 as UInt16)  // stored
    common.appendLittle(ZipWriter.date)
    common.appendLittle(ZipArchive.checksum(contents[...]))
    common.appendLittle(size)
    common.appendLittle(size)
    common.appendLittle(nameLength)
    common.appendLittle(0 as UInt16)  // no extra field
    bytes.appendLittle(0x0403_4b50 as UInt32)
    bytes += common + nameBytes + contents
    directory.appendLittle(0x0201_4b50 as UInt32)
    directory.appendLittle(20 as UInt16)  // version that made it
    directory += common + [UInt8](repeating: 0, count: 10)  // comment, disk and attributes
    directory.appendLittle(offset)
    directory += nameBytes
  }

  /// The whole file.
  consuming func finished() throws -> [UInt8] {
    let offset = try ZipWriter.word(bytes.count)
    let size = try ZipWriter.word(directory.count)
    bytes += directory
    bytes.appendLittle(0x0605_4b50 as UInt32)
    bytes.appendLittle(0 as UInt32)  // disks
    bytes.appendLittle(UInt16(names.count))
    bytes.appendLittle(UInt16(names.count))
    bytes.appendLittle(size)
    bytes.appendLittle(offset)
    bytes.appendLittle(0 as UInt16)  // no comment
    return bytes
  }

  private static func word(_ number: Int) throws -> UInt32 {
    guard number < 0xffff_ffff else {
      throw Diagnostic(.badInput, "the arrays are too large for one .npz file", hint: "write .npy files")
    }
    return UInt32(number)
  }
}
