import GraphIR
import OnnxFrontend
import PluginAPI
import Testing

private let format = OnnxTensorFormat()

private func refusal(_ bytes: [UInt8]) throws -> Diagnostic {
  try #require(throws: Diagnostic.self) { try format.read(bytes: bytes) }
}

/// A tensor message: extents, type code, and whatever `payload` writes.
private func tensor(_ dims: [Int], _ code: Int, _ payload: (inout WireWriter) -> Void) -> [UInt8] {
  proto { writer in
    for extent in dims { writer.int(Field.Tensor.dims, extent) }
    writer.int(Field.Tensor.dataType, code)
    payload(&writer)
  }
}

@Suite struct TensorTests {
  @Test(arguments: DataType.allCases)
  func everyTypeMakesTheRoundTrip(type: DataType) throws {
    let original = Tensor(type, [2, 3]) { bytes in
      let mask: UInt8 = type == .bool ? 1 : type == .float4e2m1 ? 15 : 255
      for index in bytes.indices { bytes[index] = UInt8(index * 7 & 255) & mask }
    }
    let (name, read) = try format.read(bytes: format.bytes(of: original, name: "w"))
    #expect(name == "w")
    #expect(read.element == (type == .bit ? .int8 : type))
    #expect(read.withBytes { Array($0) } == original.withBytes { Array($0) })
  }

  @Test func typedFields() throws {
    #expect(try format.read(bytes: tensor([2], 6) { $0.data(Field.Tensor.int32Data, [3, 4]) }).tensor.integers == [3, 4])
    #expect(try format.read(bytes: tensor([2], 2) { $0.data(Field.Tensor.int32Data, [3, 250, 1]) }).tensor.integers == [3, 250])
    #expect(try format.read(bytes: tensor([1], 10) { $0.data(Field.Tensor.int32Data, [0x80, 0x78]) }).tensor.floats == [1])
    #expect(try format.read(bytes: tensor([1], 12) { $0.data(Field.Tensor.uint64Data, [9]) }).tensor == Tensor(.uint32, [1], [UInt32(9)]))
    #expect(try format.read(bytes: tensor([], 7) { $0.data(Field.Tensor.int64Data, [5]) }).tensor.shape == [])
    #expect(try format.read(bytes: tensor([0, 4], 1) { _ in }).tensor.count == 0)
  }

  @Test func smallIntegersAreUnpackedLowFirst() throws {
    #expect(try format.read(bytes: tensor([3], 22) { $0.data(Field.Tensor.rawData, [0xf1, 0x08]) }).tensor.integers == [1, -1, -8])
    #expect(try format.read(bytes: tensor([3], 21) { $0.data(Field.Tensor.int32Data, [0xf1, 0x01, 0x08]) }).tensor.integers == [1, 15, 8])
    #expect(try format.read(bytes: tensor([4], 26) { $0.data(Field.Tensor.rawData, [0b11_10_01_00]) }).tensor.integers == [0, 1, -2, -1])
  }

  @Test func whatTheFormatForbidsIsRefused() throws {
    #expect(try refusal(tensor([1 << 40, 1 << 40], 1) { _ in }).message.contains("with an extent of 1099511627776"))
    #expect(try refusal(tensor([0, 1 << 40, 1 << 40], 1) { _ in }).message.contains("with an extent of 1099511627776"))
    #expect(try refusal(tensor([-1], 1) { _ in }).message == "an extent of -1")
    #expect(try refusal(tensor([2], 1) { $0.data(Field.Tensor.rawData, [0, 0, 0, 0]) }).message == "raw_data has 4 bytes, f32[2] takes 8")
    #expect(try refusal(tensor([1], 1) { $0.data(Field.Tensor.rawData, [UInt8](repeating: 0, count: 8)) }).message.contains("has 8 bytes"))
    #expect(try refusal(tensor([1], 1) { _ in }).message == "no elements are given")
    #expect(try refusal(tensor([1], 99) { _ in }).message == "element type 99 does not exist")
    let unsupported = try refusal(tensor([1], 8) { _ in })
    #expect(unsupported.kind == .unsupported && unsupported.message == "element type 'string' is not supported")
    #expect(try refusal(tensor([1], 2) { $0.data(Field.Tensor.int32Data, [0x80, 0x02]) }).message == "element 0 is 256, which no u8 holds")
    #expect(try refusal(tensor([1], 9) { $0.data(Field.Tensor.int32Data, [2]) }).message == "element 0 is 2, which no bool holds")
    #expect(try refusal(tensor([1], 9) { $0.data(Field.Tensor.rawData, [2]) }).message == "element 0 is 2, which is no bool")
    #expect(try refusal(tensor([1], 12) { $0.data(Field.Tensor.int32Data, [2]) }).message.contains("wrong field"))
    let twice = tensor([1], 6) {
      $0.data(Field.Tensor.int32Data, [2])
      $0.data(Field.Tensor.rawData, [2, 0, 0, 0])
    }
    #expect(try refusal(twice).message == "several payloads: raw_data, int32_data")
  }
}

@Suite struct ExternalDataTests {
  /// Writes a tensor message and its data into a fresh folder, and reads it.
  private func read(
    _ entries: [(String, String)], dims: [Int] = [4], data: [UInt8] = [UInt8](repeating: 1, count: 16), prepare: (String) -> Void = { _ in }
  ) throws -> Tensor {
    try withTemporaryFolder { folder in
      try Files.makeFolder("\(folder)/model")
      try Files.write(data, to: "\(folder)/model/weights.bin")
      try Files.write(data, to: "\(folder)/secret")
      prepare(folder)
      try Files.write(externalTensor("w", dims: dims, entries: entries), to: "\(folder)/model/t.pb")
      return try format.read(path: "\(folder)/model/t.pb")[0].tensor
    }
  }

  @Test func isReadInPlace() throws {
    #expect(try read([("location", "weights.bin")]).withBytes { Array($0) } == [UInt8](repeating: 1, count: 16))
    #expect(try read([("location", "weights.bin"), ("offset", "8"), ("length", "8")], dims: [2]).count == 2)
    #expect(try read([("location", "weights.bin"), ("offset", "3")], dims: [3]).count == 3)
    let large = [UInt8](repeating: 0, count: 8192)
    #expect(try read([("location", "weights.bin")], dims: [2048], data: large).floats.allSatisfy { $0 == 0 })
  }

  @Test(arguments: ["../secret", "/etc/passwd", "a/../../secret", "..", "a\\b", "", "a//b"])
  func locationsStayInside(location: String) throws {
    #expect(throws: Diagnostic.self) { try read([("location", location)]) }
  }

  @Test func linksAndPipesAreRefused() throws {
    let link = try #require(throws: Diagnostic.self) {
      try read([("location", "link")]) { _ = shell("ln -s ../secret '\($0)/model/link'") }
    }
    #expect(link.hint == "symbolic links are not followed out of a model's folder")
    #expect(throws: Diagnostic.self) { try read([("location", "up/secret")]) { _ = shell("ln -s .. '\($0)/model/up'") } }
    let pipe = try #require(throws: Diagnostic.self) { try read([("location", "pipe")]) { _ = shell("mkfifo '\($0)/model/pipe'") } }
    #expect(pipe.message == "is not a regular file")
  }

  @Test func numbersAreChecked() throws {
    for entry in [
      ("offset", "-1"), ("offset", "99999999999999999999"), ("length", "0x10"), ("offset", "9223372036854775807"), ("length", "12"),
      ("mode", "1"),
    ] {
      #expect(throws: Diagnostic.self, "\(entry)") { try read([("location", "weights.bin"), entry]) }
    }
    #expect(throws: Diagnostic.self) { try read([("location", "weights.bin"), ("location", "weights.bin")]) }
    #expect(throws: Diagnostic.self) { try read([("location", "weights.bin")], dims: [5]) }
    #expect(throws: Diagnostic.self) { try read([("location", "missing.bin")]) }
  }
}
