import Driver
import GraphIR
import PluginAPI
import Testing

@Suite struct ProgramFileTests {
  private func sample() throws -> ProgramFile {
    var graph = Graph(name: "net")
    let x = graph.addInput("x", TensorType(.uint8, [Shape.free, 40]))
    let bits = graph.addConstant(Tensor.integers(.bit, [2, 40], (0..<80).map { $0 % 3 == 0 ? 1 : -1 }), name: "w")
    let sums = try graph.append1(.binaryDense(BinaryDense()), [x, bits], origin: "dense")
    let scale = graph.addConstant(Tensor.vector([0.5, 0.25]))
    graph.addOutput("y", try graph.append1(.rescale(Rescale()), [sums, scale, scale], origin: "dense"))
    return ProgramFile(graph: graph, backend: try Spelling.parse("imc{hardware=ideal}"), model: "net.onnx")
  }

  @Test func aProgramComesBackWhole() throws {
    let program = try sample()
    let read = try ProgramFile(bytes: program.bytes)
    #expect(read.graph == program.graph)
    #expect(read.backend == program.backend)
    #expect(read.model == program.model)
  }

  @Test func everyDamagedByteIsNoticed() throws {
    let bytes = try sample().bytes
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x10
      #expect(throws: Diagnostic.self, "byte \(index)") { try ProgramFile(bytes: damaged) }
    }
    for length in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: Diagnostic.self, "\(length) bytes") { try ProgramFile(bytes: Array(bytes[..<length])) }
    }
  }

  @Test func anotherVersionIsNamed() throws {
    var bytes = try sample().bytes
    bytes[7] = UInt8(ascii: "9")
    let fault = #expect(throws: Diagnostic.self) { try ProgramFile(bytes: bytes) }
    #expect(fault?.message.contains("another version") == true)
  }
}
