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
      #expect(test.arrays[0].values.shape == [2, 1, 1, 3])
      #expect(test.arrays[0].values.samples(in: 0..<2) == Tensor(.float32, [2, 1, 1, 3], [0, 51, 255, 1, 2, 3].map { Float($0) / 255 }))
      #expect(test.arrays[0].values.samples(in: 1..<2) == Tensor(.float32, [1, 1, 1, 3], [1, 2, 3].map { Float($0) / 255 }))
      #expect(test.arrays[0].values.samples(in: 1..<1).count == 0)
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
      #expect(test.arrays[0].values.samples(in: 0..<1) == Tensor(.float32, [1, 3, 32, 32], [Float](repeating: 1, count: 3072)))
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
      #expect(bytes.arrays[0].values.samples(in: 0..<2) == Tensor(.float32, [2, 1, 2], [0, 1, 51 / 255, 102 / 255] as [Float]))
      #expect(bytes.labels == [1, 0] && bytes.classes == ["0", "1"])
      let floats = try load(Tensor(.float32, [1, 2, 1, 1], [-3, 300] as [Float]), .integers(.int64, [1], [7]))
      #expect(floats.arrays[0].values.samples(in: 0..<1) == Tensor(.float32, [1, 2, 1, 1], [-3, 300] as [Float]))
      #expect(floats.classes.count == 8)

      let one = Tensor(.uint8, [1, 1, 1], [0] as [UInt8])
      #expect(try fault { _ = try load(one, .integers(.int64, [2], [0, 0])) }.message.contains("has 1 samples and 'labels' has 2"))
      #expect(try fault { _ = try load(one, .integers(.int64, [1], [-1])) }.message.contains("has the label -1"))
      #expect(try fault { _ = try load(one, .integers(.int64, [1], [.max])) }.message.contains("has the label 9223372036854775807"))
      #expect(try fault { _ = try load(one, Tensor(.uint64, [1], [UInt64.max])) }.message.contains("'labels' is u64[1]"))
      #expect(try fault { _ = try load(one, .vector([0])) }.message.contains("'labels' is f32[1]"))
      #expect(try fault { _ = try load(.vector([0]), .integers(.int64, [1], [0])) }.message.contains("has the shape 1"))
      let path = try folder.write("b.npz", NpzFormat.bytes(of: [("x", one)]))
      #expect(try fault { _ = try self.load("npz:\(path)") }.description.hasPrefix("\(path): has no array 'labels', only 'x'"))
      let empty = try folder.write("c.npz", NpzFormat.bytes(of: [("labels", .integers(.int64, [1], [0]))]))
      #expect(try fault { _ = try self.load("npz:\(empty)") }.description.contains("has no array 'images', only 'labels'"))
      let bare = try LabelledDataset(spelling: "npz:\(path)", needsLabels: false)
      #expect(bare.labels == [0] && bare.arrays[0].values == one)
    }
  }

  /// Which array feeds which input, and as what.
  @Test func fitsGraphs() throws {
    let bytes = Tensor(.uint8, [2, 1, 3], [0, 51, 255, 1, 2, 3] as [UInt8])
    let numbers = Tensor(.int64, [2, 3], [1, 2, 3, 4, 5, 6] as [Int])
    func set(_ arrays: [(name: String, values: Tensor)]) -> LabelledDataset {
      LabelledDataset(name: "set", arrays: arrays, labels: [0, 1], classes: ["a", "b"])
    }
    func fit(_ set: LabelledDataset, _ inputs: [(String, DataType, Shape)]) throws -> FittedDataset {
      var graph = Graph(name: "g")
      for (name, element, shape) in inputs { _ = graph.addInput(name, TensorType(element, shape)) }
      return try set.fitted(to: graph)
    }
    let images = set([("images", bytes)])
    let fractions = Tensor(.float32, [1, 1, 1, 3], [1, 2, 3].map { Float($0) / 255 })
    #expect(try fit(images, [("x", .float32, [Shape.free, 1, 1, 3])]).inputs(in: 1..<2) == [fractions])
    #expect(try fit(images, [("x", .float32, [Shape.free, 3])]).inputs(in: 1..<2) == [fractions.reshaped([1, 3])])
    #expect(try fit(images, [("x", .uint8, [Shape.free, 3])]).inputs(in: 0..<2) == [bytes.reshaped([2, 3])])

    let both = set([("ids", numbers), ("images", bytes)])
    let pair: [(String, DataType, Shape)] = [("images", .uint8, [Shape.free, 1, 3]), ("ids", .int64, [Shape.free, 3])]
    #expect(try fit(both, pair).inputs(in: 0..<2) == [bytes, numbers])
    #expect(try fit(both, [("ids", .int64, [Shape.free, 3])]).inputs(in: 0..<2) == [numbers])
    #expect(try fit(both, [("x", .uint8, [Shape.free, 3])]).inputs(in: 0..<2) == [bytes.reshaped([2, 3])])
    #expect(try fit(set([("other", numbers)]), [("x", .int64, [Shape.free, 3])]).inputs(in: 0..<2) == [numbers])

    #expect(
      try fault { _ = try fit(both, [("ids", .float32, [Shape.free, 3])]) }.message == "samples are i64[3], input 'ids' takes f32[?x3]")
    #expect(try fault { _ = try fit(images, [("x", .float32, [Shape.free, 4])]) }.description.hasPrefix("set: samples are u8[1x3]"))
    #expect(try fault { _ = try fit(images, [("x", .float32, [])]) }.message.contains("takes f32[]"))
    #expect(throws: Diagnostics.self) { try fit(images, [("x", .float32, [Shape.free, 3]), ("y", .float32, [Shape.free, 3])]) }

    let free = try fit(images, [("x", .float32, [Shape.free, 3])])
    #expect(try free.batches(of: 2, count: 5) == [0..<2, 2..<4, 4..<5] && free.boundBatch == nil)
    let bound = try fit(images, [("x", .float32, [3, 3])])
    #expect(try bound.batches(of: 100, count: 6) == [0..<3, 3..<6] && bound.boundBatch == 3)
    #expect(try fault { _ = try bound.batches(of: 100, count: 5) }.message == "5 samples do not split into the model's batches of 3")
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
    #expect(test.arrays[0].values.shape == [10_000, 1, 28, 28])
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
