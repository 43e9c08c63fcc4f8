import Datasets
import GraphIR
import PluginAPI
import Testing

@Suite struct LabelledDatasetTests {
  private let images = idx([2, 1, 3], [0, 51, 255, 1, 2, 3])
  private let labels = idx([2], [4, 9])

  private func load(_ spelling: String) throws -> LabelledDataset { try LabelledDataset(spelling: spelling) }

  @Test func readsMnistFiles() throws {
    try TemporaryFolder.use { folder in
      try folder.write("t10k-images-idx3-ubyte", images)
      try folder.write("t10k-labels-idx1-ubyte.gz", packed(labels, windowBits: 31))
      try folder.write("train-images.idx3-ubyte.gz", packed(idx([1, 1, 3], [9, 9, 9]), windowBits: 31))
      try folder.write("train-labels-idx1-ubyte", idx([1], [12]))
      let test = try load("mnist:\(folder.path)")
      #expect(test.count == 2)
      #expect(test.labels == [4, 9])
      #expect(test.classes == (0...9).map(String.init))
      #expect(test.imageShape == [1, 1, 3])
      #expect(test.images(in: 0..<2) == Tensor(.float32, [2, 1, 1, 3], [0, 51, 255, 1, 2, 3].map { Float($0) / 255 }))
      #expect(test.images(in: 1..<2) == Tensor(.float32, [1, 1, 1, 3], [1, 2, 3].map { Float($0) / 255 }))
      #expect(test.images(in: 1..<1).count == 0)
      let train = try load("mnist:\(folder.path),train")
      #expect(train.labels == [12])
      #expect(train.classes.count == 13)
    }
  }

  @Test func refusesHostileIdx() throws {
    func message(images: [UInt8], labels: [UInt8]? = nil) throws -> String {
      var text = ""
      try TemporaryFolder.use { folder in
        try folder.write("t10k-images-idx3-ubyte", images)
        try folder.write("t10k-labels-idx1-ubyte", labels ?? self.labels)
        let fault = try fault { _ = try load("mnist:\(folder.path)") }
        #expect(fault.kind == .badInput)
        #expect(fault.file?.hasPrefix(folder.path) == true)
        text = fault.description
      }
      return text
    }
    #expect(try message(images: labels).contains("its magic number is 2049 (2051 would be right)"))
    #expect(try message(images: Array(images.dropLast())).contains("is cut off: its header promises 2x1x3"))
    #expect(try message(images: images + [0]).contains("is too long"))
    #expect(try message(images: idx([0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [])).contains("is cut off"))
    #expect(try message(images: packed(idx([0xffff_ffff, 1, 1], []), windowBits: 31)).contains("is cut off"))
    #expect(try message(images: packed(images + [0], windowBits: 31)).contains("is too long"))
    #expect(try message(images: Array(packed(images, windowBits: 31).dropLast())).contains("is cut off"))
    #expect(try message(images: idx([0, 28, 28], [])).contains("is empty"))
    #expect(try message(images: []).contains("is cut off"))
    #expect(try message(images: images, labels: idx([3], [1, 2, 3])).contains("has 3 labels for the 2 images of"))
    var spoiled = packed(images, windowBits: 31)
    spoiled[spoiled.count - 8] ^= 1  // the checksum
    #expect(try message(images: spoiled).contains("incorrect data check"))
  }

  /// `printf abc | gzip -n`, and a second member.
  @Test func readsWhatGzipWrites() throws {
    let first: [UInt8] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 75, 76, 74, 6, 0, 194, 65, 36, 53, 3, 0, 0, 0]
    #expect(try Inflate.bytes(first[...], .gzip, limit: 100) == Array("abc".utf8))
    #expect(try Inflate.bytes((first + packed(Array("de".utf8), windowBits: 31))[...], .gzip, limit: 100) == Array("abcde".utf8))
    #expect(try Inflate.bytes(first[...], .gzip, limit: 2) == Array("ab".utf8))
    #expect(try Inflate.bytes(packed([UInt8](repeating: 0, count: 1 << 24), windowBits: 31)[...], .gzip, limit: 1000).count == 1000)
  }

  @Test func readsCifarBatches() throws {
    func record(_ label: UInt8, _ pixel: UInt8) -> [UInt8] { [label] + [UInt8](repeating: pixel, count: 3072) }
    try TemporaryFolder.use { folder in
      try folder.write("test_batch.bin", record(3, 255) + record(9, 0))
      try folder.write("data_batch_2.bin", record(1, 51))
      try folder.write("data_batch_5.bin", record(2, 51))
      let test = try load("cifar10:\(folder.path)")
      #expect(test.labels.map { test.classes[$0] } == ["cat", "truck"])
      #expect(test.images(in: 0..<1) == Tensor(.float32, [1, 3, 32, 32], [Float](repeating: 1, count: 3072)))
      let train = try load("cifar10:\(folder.path),train")
      #expect(train.labels == [1, 2])
      #expect(train.name.contains("2 of 5 batches"))
      try folder.write("test_batch.bin", record(10, 0))
      #expect(try fault { _ = try load("cifar10:\(folder.path)") }.description.contains("record 0: has the label 10"))
      try folder.write("test_batch.bin", Array(record(1, 0).dropLast()))
      #expect(try fault { _ = try load("cifar10:\(folder.path)") }.message.contains("3072 bytes are not a whole number of records"))
    }
  }

  @Test func saysHowToUnpackXz() throws {
    try TemporaryFolder.use { folder in
      #expect(try fault { _ = try load("cifar10:\(folder.path)") }.hint == "test_batch.bin should be there")
      let path = try folder.write("test_batch.bin.xz", [])
      #expect(try fault { _ = try load("cifar10:\(folder.path)") }.hint?.contains("xz -dk \(path)") == true)
    }
  }

  @Test func readsNpz() throws {
    try TemporaryFolder.use { folder in
      func load(_ images: Tensor, _ labels: Tensor) throws -> LabelledDataset {
        try self.load("npz:" + folder.write("a.npz", NpzFormat.bytes(of: [("labels", labels), ("images", images)])))
      }
      let bytes = try load(Tensor(.uint8, [2, 1, 2], [0, 255, 51, 102] as [UInt8]), .integers(.uint8, [2], [1, 0]))
      #expect(bytes.images(in: 0..<2) == Tensor(.float32, [2, 1, 1, 2], [0, 1, 51 / 255, 102 / 255] as [Float]))
      #expect(bytes.labels == [1, 0] && bytes.classes == ["0", "1"])
      let floats = try load(Tensor(.float32, [1, 2, 1, 1], [-3, 300] as [Float]), .integers(.int64, [1], [7]))
      #expect(floats.images(in: 0..<1) == Tensor(.float32, [1, 2, 1, 1], [-3, 300] as [Float]))
      #expect(floats.classes.count == 8)

      let one = Tensor(.uint8, [1, 1, 1], [0] as [UInt8])
      #expect(try fault { _ = try load(one, .integers(.int64, [2], [0, 0])) }.message.contains("has 1 images and 'labels' has 2"))
      #expect(try fault { _ = try load(one, .integers(.int64, [1], [-1])) }.message.contains("has the label -1"))
      #expect(try fault { _ = try load(one, .integers(.int64, [1], [.max])) }.message.contains("has the label 9223372036854775807"))
      #expect(try fault { _ = try load(one, Tensor(.uint64, [1], [UInt64.max])) }.message.contains("'labels' is u64[1]"))
      #expect(try fault { _ = try load(one, .vector([0])) }.message.contains("'labels' is f32[1]"))
      #expect(try fault { _ = try load(.vector([0]), .integers(.int64, [1], [0])) }.message.contains("has the shape 1"))
      let halves = Tensor(.float64, [1, 1, 1], [0.5])
      #expect(try fault { _ = try load(halves, .integers(.int64, [1], [0])) }.message.contains("'images' holds f64"))
      let path = try folder.write("b.npz", NpzFormat.bytes(of: [("x", one)]))
      #expect(try fault { _ = try self.load("npz:\(path)") }.description.hasPrefix("\(path): has no array 'images', only 'x'"))
      let images = Tensor(.uint8, [2, 1, 1], [3, 4] as [UInt8])
      let bare = try folder.write("c.npz", NpzFormat.bytes(of: [("images", images)]))
      #expect(try fault { _ = try self.load("npz:\(bare)") }.description.contains("has no array 'labels'"))
      #expect(try LabelledDataset(spelling: "npz:\(bare)", needsLabels: false).images(in: 0..<2).shape == [2, 1, 1, 1])
    }
  }

  @Test(arguments: ["", "mnist", "mnist:", "svhn:/tmp", "digits:", "digits:0", "digits:x", "digits:10,y", "digits:1,2,3", "digits:100001"])
  func refusesSpellings(_ spelling: String) throws {
    #expect(try fault { _ = try load(spelling) }.kind == .usage)
  }

  @Test func missingFoldersAndOptions() throws {
    #expect(try fault { _ = try load("mnist:/nowhere") }.description.hasPrefix("/nowhere: is no folder of MNIST files (t10k-images-idx3"))
    #expect(try fault { _ = try load("mnist:/nowhere,trian") }.message == "unknown option 'trian' of a data set")
    #expect(try fault { _ = try load("npz:/nowhere.npz") }.description.hasPrefix("/nowhere.npz: cannot open"))
  }

  @Test(.enabled(if: Shared.hasMnist, Shared.skipped))
  func realMnist() throws {
    let test = try load("mnist:\(Shared.path)/data/mnist")
    #expect(test.count == 10_000 && test.imageShape == [1, 28, 28])
    #expect(test.labels.prefix(10) == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    #expect((0...9).map { digit in test.labels.count { $0 == digit } } == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])
    let train = try load("mnist:\(Shared.path)/data/mnist,train")
    #expect(train.count == 60_000)
    #expect(train.labels.prefix(5) == [5, 0, 4, 1, 9])
  }

  @Test(.enabled(if: Shared.hasCifar, Shared.skipped))
  func realCifarIsPacked() throws {
    let fault = try fault { _ = try load("cifar10:\(Shared.path)/data/cifar-10,train") }
    #expect(fault.hint?.contains("xz -dk") == true)
  }
}
