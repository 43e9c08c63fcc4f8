import Datasets
import GraphIR
import PluginAPI
import Testing

@Suite struct NpzTests {
  private let tensors: [(name: String, tensor: Tensor)] = [
    ("weights", .vector([1, 2, 3])), ("größe", .integers(.int64, [2], [4, 5])), ("arr_0", .scalar(7)),
  ]

  @Test func roundTrip() throws {
    try TemporaryFolder.use { folder in
      let path = try folder.write("a.npz", NpzFormat.bytes(of: tensors))
      let read = try NpzFormat().read(path: path)
      #expect(read.map(\.name) == tensors.map(\.name))
      #expect(read.map(\.tensor) == tensors.map(\.tensor))
    }
  }

  @Test func equalTensorsMakeEqualFiles() throws {
    #expect(try NpzFormat.bytes(of: tensors) == NpzFormat.bytes(of: tensors))
    #expect(try NpzFormat.tensors(from: NpzFormat.bytes(of: [])).isEmpty)
    #expect(try fault { _ = try NpzFormat.bytes(of: [tensors[0], tensors[0]]) }.message.contains("two arrays"))
  }

  @Test(arguments: [false, true])
  func readsDeflatedEntries(zip64: Bool) throws {
    let tensor = Tensor(.uint8, [1000], [UInt8](repeating: 3, count: 1000))
    let read = try NpzFormat.tensors(from: Zip(NpyFormat.bytes(of: tensor), zip64: zip64).bytes)
    #expect(read.map(\.name) == ["x"])
    #expect(read.map(\.tensor) == [tensor])
  }

  @Test func refusesDamage() throws {
    let contents = NpyFormat.bytes(of: .vector([1, 2]))
    func message(_ change: (inout Zip) -> Void) throws -> String {
      var zip = Zip(contents)
      change(&zip)
      return try fault { _ = try NpzFormat.tensors(from: zip.bytes) }.description
    }
    #expect(try message { $0.checksum ^= 1 } == "x.npy: is damaged: its checksum is another than the zip directory says")
    #expect(try message { $0.size += 1 }.contains("unpacks to another size"))
    #expect(try message { $0.size -= 1 }.contains("unpacks to another size"))
    #expect(try message { $0.size = 4_000_000_000 }.contains("which deflate cannot do"))
    #expect(try message { $0.packedSize = 4_000_000_000 }.contains("entries overlap or are larger than the file"))
    #expect(try message { $0.method = 12 }.contains("zip method 12"))
    #expect(try message { $0.flags = 1 }.contains("is encrypted"))
    #expect(try message { $0.name = "x.txt" } == "x.txt: is no array (every entry of a .npz file is NAME.npy)")
    #expect(try message { $0.offset = 5 }.contains("no entry where the directory says"))
    #expect(try message { $0.offset = 4_000_000_000 }.contains("is cut off"))
    #expect(try message { $0.entryCount = 60_000 }.contains("directory says 60000 entries"))
    #expect(try message { $0.entryCount = 2 }.contains("its directory is damaged"))
    #expect(try message { $0.packed[3] ^= 0xff }.contains("x.npy"))
    #expect(try message { $0.packed = packed(npy("[]"), windowBits: -15) }.contains("x.npy"))
  }

  @Test func refusesWhatIsNoZip() throws {
    for bytes in [[], Array("PK".utf8), [UInt8](repeating: 0x50, count: 70_000)] {
      #expect(try fault { _ = try NpzFormat.tensors(from: bytes) }.message.contains("is not a zip file"))
    }
  }

  @Test func refusesEveryCutFileAndSurvivesEveryFlippedByte() throws {
    for whole in [Zip(NpyFormat.bytes(of: .vector([1, 2]))).bytes, Zip(NpyFormat.bytes(of: .scalar(1)), zip64: true).bytes] {
      for length in 0..<whole.count { #expect(throws: Diagnostic.self) { try NpzFormat.tensors(from: Array(whole[..<length])) } }
      for index in whole.indices {
        for flip in [0x01, 0x80, 0xff] as [UInt8] {
          var bytes = whole
          bytes[index] ^= flip
          do { _ = try NpzFormat.tensors(from: bytes) } catch is Diagnostic {}
        }
      }
    }
  }
}
