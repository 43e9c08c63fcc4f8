import GraphIR

/// Reads the central directory of a zip file, which stands at its end.
struct ZipDirectory {
  private let count: Int
  private var reader: ByteReader

  private static let end: UInt32 = 0x0605_4b50
  private static let end64: UInt32 = 0x0606_4b50
  private static let locator64: UInt32 = 0x0706_4b50
  private static let header: UInt32 = 0x0201_4b50
  private static let endSize = 22
  private static let locatorSize = 20

  /// Deflate packs no better than this.
  private static let bestRatio = 1032

  init(_ bytes: [UInt8]) throws {
    guard let place = ZipDirectory.findEnd(bytes) else {
      throw Diagnostic(.badInput, "is not a zip file, or it is cut off: it has no central directory at its end")
    }
    var end = try ByteReader(bytes[...], at: place + 10, "the directory")
    var count = UInt64(try end.little(UInt16.self, "the directory"))
    _ = try end.little(UInt32.self, "the directory")
    var offset = UInt64(try end.little(UInt32.self, "the directory"))
    if count == 0xffff || offset == 0xffff_ffff, place >= ZipDirectory.locatorSize {
      var locator = try ByteReader(bytes[...], at: place - ZipDirectory.locatorSize, "the zip64 locator")
      if try locator.little(UInt32.self, "the zip64 locator") == ZipDirectory.locator64 {
        _ = try locator.little(UInt32.self, "the zip64 locator")
        (count, offset) = try ZipDirectory.zip64(bytes, at: locator.little(UInt64.self, "the zip64 locator"))
      }
    }
    // Each entry takes 46 bytes in the directory at least.
    guard count <= UInt64(bytes.count / 46), offset <= UInt64(bytes.count) else {
      throw Diagnostic(.badInput, "is not a sound zip file: its directory says \(count) entries at byte \(offset)")
    }
    self.count = Int(count)
    reader = try ByteReader(bytes[...], at: Int(offset), "the directory")
  }

  private static func zip64(_ bytes: [UInt8], at place: UInt64) throws -> (count: UInt64, offset: UInt64) {
    var record = try ByteReader(bytes[...], at: Int(clamping: place), "the zip64 directory")
    guard try record.little(UInt32.self, "the zip64 directory") == end64 else {
      throw Diagnostic(.badInput, "is not a sound zip file: no zip64 directory where its locator points", place: "byte \(place)")
    }
    _ = try record.take(28, "the zip64 directory")
    let count = try record.little(UInt64.self, "the zip64 directory")
    _ = try record.take(8, "the zip64 directory")
    return (count, try record.little(UInt64.self, "the zip64 directory"))
  }

  /// The last place where an end record stands whose comment reaches exactly to the end of the file.
  private static func findEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= endSize else { return nil }
    let last = bytes.count - endSize
    return (max(0, last - 0xffff)...last).last { place in
      guard bytes[place] == 0x50, var reader = try? ByteReader(bytes[...], at: place, "") else { return false }
      guard (try? reader.little(UInt32.self, "")) == end, (try? reader.take(16, "")) != nil else { return false }
      return (try? reader.little(UInt16.self, "")).map { Int($0) } == last - place
    }
  }

  /// All entries, in the order of the directory.
  mutating func entries() throws -> [ZipArchive.Entry] {
    var entries: [ZipArchive.Entry] = []
    for _ in 0..<count { entries.append(try entry()) }
    return entries
  }

  private mutating func entry() throws -> ZipArchive.Entry {
    let what = "the directory"
    guard try reader.little(UInt32.self, what) == ZipDirectory.header else {
      throw Diagnostic(.badInput, "is not a sound zip file: its directory is damaged", place: "byte \(reader.offset) of the directory")
    }
    _ = try reader.take(4, what)
    let flags = try reader.little(UInt16.self, what)
    let method = try reader.little(UInt16.self, what)
    _ = try reader.take(4, what)
    let checksum = try reader.little(UInt32.self, what)
    var sizes = [UInt64(try reader.little(UInt32.self, what)), UInt64(try reader.little(UInt32.self, what))]
    let nameLength = Int(try reader.little(UInt16.self, what))
    let extraLength = Int(try reader.little(UInt16.self, what))
    let commentLength = Int(try reader.little(UInt16.self, what))
    _ = try reader.take(8, what)
    sizes.append(UInt64(try reader.little(UInt32.self, what)))
    let name = String(decoding: try reader.take(nameLength, what), as: UTF8.self)
    try ZipDirectory.widen(&sizes, from: reader.take(extraLength, what))
    _ = try reader.take(commentLength, what)
    guard flags & 1 == 0 else { throw Diagnostic(.badInput, "is encrypted", place: name, hint: "save it without a password") }
    guard method == 0 || method == 8 else {
      throw Diagnostic(.badInput, "is packed by zip method \(method)", place: name, hint: "stored and deflated entries are read")
    }
    let entry = ZipArchive.Entry(
      name: name, isDeflated: method == 8, packedSize: Int(clamping: sizes[0]), size: Int(clamping: sizes[1]), checksum: checksum,
      offset: Int(clamping: sizes[2]))
    guard entry.size / ZipDirectory.bestRatio <= entry.packedSize else {
      throw Diagnostic(.badInput, "says it unpacks from \(sizes[0]) to \(sizes[1]) bytes, which deflate cannot do", place: name)
    }
    return entry
  }

  /// Replaces the numbers that do not fit 32 bits (size packed, size, offset) by those of the zip64 field, which come size first.
  private static func widen(_ sizes: inout [UInt64], from extra: ArraySlice<UInt8>) throws {
    var fields = ByteReader(extra)
    while fields.remaining >= 4 {
      let identifier = try fields.little(UInt16.self, "an extra field")
      var field = ByteReader(try fields.take(Int(fields.little(UInt16.self, "an extra field")), "an extra field"))
      guard identifier == 1 else { continue }
      for index in [1, 0, 2] where sizes[index] == 0xffff_ffff { sizes[index] = try field.little(UInt64.self, "the zip64 field") }
    }
  }
}
