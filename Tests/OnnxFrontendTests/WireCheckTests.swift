import GraphIR
import OnnxFrontend
import Testing

/// What opening `bytes` as a model is refused with.
private func refusal(_ bytes: [UInt8], memory: Int = 1 << 30) throws -> Diagnostic {
  try #require(throws: Diagnostic.self) { try OnnxFile(bytes: bytes, name: "model", limits: ImportLimits(memory: memory)) }
}

/// `levels` messages, each the only field of the next; the outermost is a model's graph.
private func nestedGraphs(_ levels: Int) -> [UInt8] {
  var inner: [UInt8] = []
  for _ in 0..<levels {
    let graph = inner
    inner = proto { $0.message(Field.Graph.node) { $0.message(Field.Node.attribute) { $0.data(Field.Attribute.g, graph) } } }
  }
  return proto { $0.data(Field.Model.graph, inner) }
}

@Suite struct WireCheckTests {
  @Test func depthIsBounded() throws {
    #expect(throws: Never.self) { try OnnxFile(bytes: nestedGraphs(32), name: "model", limits: ImportLimits(memory: 1 << 30)) }
    let fault = try refusal(nestedGraphs(3000))
    #expect(fault.message == "messages nest deeper than 100")
    #expect(fault.place?.contains("graph.node[0].attribute[0].g.node[0]") == true)
  }

  @Test func repeatedSingularMessageIsRefused() throws {
    let fault = try refusal(
      proto { model in for _ in 0..<20_000 { model.message(Field.Model.graph) { $0.message(Field.Graph.node) { _ in } } } })
    #expect(fault.message == "the field is given more than once")
    #expect(fault.place == "byte 6, graph")
  }

  @Test func lyingLengthIsRefused() throws {
    var bytes = proto { $0.message(Field.Model.graph) { $0.string(Field.Graph.name, "net") } }
    bytes[3] = 100
    let fault = try refusal(bytes)
    #expect(fault.message == "a field of 100 bytes where only 3 are left")
    #expect(fault.place == "byte 3, graph.name")
  }

  @Test func everyTruncationIsRefusedOrReads() throws {
    let whole = proto { model in
      model.int(Field.Model.irVersion, 8)
      model.message(Field.Model.graph) { graph in
        graph.string(Field.Graph.name, "net")
        graph.message(Field.Graph.node) { $0.string(Field.Node.opType, "Relu") }
      }
    }
    for length in 0..<whole.count {
      let isWhole = length == 2  // The version alone is a message too.
      let file = try? OnnxFile(bytes: Array(whole[..<length]), name: "model", limits: ImportLimits(memory: 1 << 30))
      #expect((file != nil) == isWhole)
    }
  }

  @Test func stringsAreCStrings() throws {
    let nul = try refusal(proto { $0.message(Field.Model.graph) { $0.data(Field.Graph.name, [0x61, 0, 0x62]) } })
    #expect(nul.message == "a string that holds a NUL byte")
    let broken = try refusal(proto { $0.message(Field.Model.graph) { $0.data(Field.Graph.name, [0xc0, 0xaf]) } })
    #expect(broken.message == "a string that is not UTF-8")
    #expect(throws: Never.self) {
      try OnnxFile(bytes: proto { $0.string(2, "Größe") }, name: "model", limits: ImportLimits(memory: 1 << 20))
    }
  }

  @Test func wrongWireTypesAreRefused() throws {
    #expect(try refusal(proto { $0.int(Field.Model.graph, 1) }).message == "wire type 0 where 2 is expected")
    #expect(try refusal([0x0b, 0xff]).message == "wire type 3 is not one of ONNX's")
    #expect(try refusal([0x00, 0x00]).message == "field number 0 is impossible")
    #expect(try refusal([0x08] + [UInt8](repeating: 0xff, count: 10)).message == "a number of more than 10 bytes")
    let halfFloat = proto {
      $0.message(Field.Model.graph) { $0.message(Field.Graph.initializer) { $0.data(Field.Tensor.floatData, [1, 2, 3]) } }
    }
    #expect(try refusal(halfFloat).message == "3 bytes are no whole count of 4-byte numbers")
  }

  @Test func memoryIsBounded() throws {
    let manyNodes = proto { $0.message(Field.Model.graph) { graph in for _ in 0..<100_000 { graph.message(Field.Graph.node) { _ in } } } }
    #expect(try refusal(manyNodes, memory: 1 << 20).message == "unpacking takes more than the memory limit of 1048576 bytes")
    let file = try OnnxFile(bytes: manyNodes, name: "model", limits: ImportLimits(memory: 1 << 28))
    #expect(file.peakMemory <= file.estimatedMemory)
    let unknownFields = proto { model in for field in 100..<5000 { model.int(UInt64(field), 1) } }
    let other = try OnnxFile(bytes: unknownFields, name: "model", limits: ImportLimits(memory: 1 << 28))
    #expect(other.peakMemory <= other.estimatedMemory)
  }

  @Test(arguments: [
    ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
    ("<!DOCTYPE html><html></html>", "HTML page"),
    ("PK\u{3}\u{4}data", "zip file"),
    ("", "the file is empty"),
    ("ir_version: 8\ngraph {\n}\n", "text file"),
  ])
  func impostorsAreNamed(text: String, name: String) throws {
    #expect(try refusal(Array(text.utf8)).message.contains(name))
  }

  @Test func gzipIsNamed() throws {
    #expect(try refusal([0x1f, 0x8b, 8, 0, 0]).message.contains("gzip"))
  }

  @Test func mutatedModelsNeverCrash() {
    let model = proto { model in
      model.int(Field.Model.irVersion, 8)
      model.message(Field.Model.graph) { graph in
        for index in 0..<4 {
          graph.message(Field.Graph.node) { node in
            node.string(Field.Node.input, "x\(index)")
            node.string(Field.Node.opType, "Conv")
            node.message(Field.Node.attribute) { attribute in
              attribute.string(Field.Attribute.name, "pads")
              attribute.data(Field.Attribute.ints, [1, 1, 1, 1])
            }
          }
        }
      }
    }
    var random = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      var bytes = model
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if let file = try? OnnxFile(bytes: bytes, name: "model", limits: ImportLimits(memory: 1 << 24)) {
        #expect(file.peakMemory <= file.estimatedMemory)
      }
    }
  }
}

/// A generator of the same numbers for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
