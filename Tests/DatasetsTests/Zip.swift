import CZlib

/// A zip file of one deflated entry, every field of which a test may spoil.
struct Zip {
  var name = "x.npy"
  var flags: UInt16 = 0
  var method: UInt16 = 8
  var packed: [UInt8]
  var checksum: UInt32
  var packedSize: UInt64
  var size: UInt64
  var offset: UInt64 = 0
  var entryCount: UInt64 = 1
  /// Whether sizes, offsets and counts stand in zip64 fields.
  var zip64: Bool

  init(_ contents: [UInt8], zip64: Bool = false) {
    packed = DatasetsTests.packed(contents, windowBits: -15)
    checksum = UInt32(crc32(0, contents, UInt32(contents.count)))
    packedSize = UInt64(packed.count)
    size = UInt64(contents.count)
    self.zip64 = zip64
  }

  var bytes: [UInt8] {
    let entry = little(0x0403_4b50, 4) + little(20, 2) + common(extra: 0) + Array(name.utf8) + packed
    let extra = zip64 ? little(1, 2) + little(24, 2) + little(size, 8) + little(packedSize, 8) + little(offset, 8) : []
    let directory =
      little(0x0201_4b50, 4) + little(20, 4) + common(extra: extra.count) + little(0, 10) + small(offset) + Array(name.utf8) + extra
    let place = UInt64(entry.count)
    let end64 =
      little(0x0606_4b50, 4) + little(44, 8) + little(0, 12) + little(entryCount, 8) + little(entryCount, 8)
      + little(UInt64(directory.count), 8) + little(place, 8)
    let locator = little(0x0706_4b50, 4) + little(0, 4) + little(place + UInt64(directory.count), 8) + little(1, 4)
    let count = little(zip64 ? 0xffff : entryCount, 2)
    let end = little(0x0605_4b50, 4) + little(0, 4) + count + count + little(UInt64(directory.count), 4) + small(place) + little(0, 2)
    return entry + directory + (zip64 ? end64 + locator : []) + end
  }

  private func common(extra: Int) -> [UInt8] {
    little(UInt64(flags), 2) + little(UInt64(method), 2) + little(0, 4) + little(UInt64(checksum), 4) + small(packedSize) + small(size)
      + little(UInt64(name.utf8.count), 2) + little(UInt64(extra), 2)
  }

  private func small(_ number: UInt64) -> [UInt8] { little(zip64 ? 0xffff_ffff : number, 4) }

  private func little(_ number: UInt64, _ width: Int) -> [UInt8] { (0..<width).map { $0 < 8 ? UInt8(number >> (8 * $0) & 255) : 0 } }
}
