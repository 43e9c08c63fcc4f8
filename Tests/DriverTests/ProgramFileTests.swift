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
    let packed = PackedConstants(key: "as the machine likes it", storage: TensorStorage(copying: (0..<100).map { UInt8($0) }))
    return ProgramFile(graph: graph, backend: try Spelling.parse("imc{hardware=ideal}"), model: "net.onnx", packed: packed)
  }

  private func read(_ bytes: [UInt8], checksAll: Bool = true) throws -> ProgramFile {
    try ProgramFile(TensorStorage(copying: bytes), checksAll: checksAll)
  }

  private func expectSame(_ a: ProgramFile, _ b: ProgramFile, _ comment: Comment = "") {
    #expect(a.graph == b.graph && a.backend == b.backend && a.model == b.model, comment)
    #expect(a.packed?.key == b.packed?.key, comment)
    #expect(a.packed.map { Array($0.storage.bytes) } == b.packed.map { Array($0.storage.bytes) }, comment)
  }

  @Test(arguments: [false, true]) func aProgramComesBackWhole(checksAll: Bool) throws {
    expectSame(try read(sample().bytes, checksAll: checksAll), try sample())
  }

  @Test func aMachineNeedNotPack() throws {
    var program = try sample()
    program.packed = nil
    expectSame(try read(program.bytes), program)
  }

  /// What each run touches lies together in front, and the weights behind it: the system maps up to 2 MB around a byte.
  @Test func weightsLieBehindWhatARunTouches() throws {
    let program = try sample()
    let large = Tensor.vector((0..<1000).map(Float.init))
    var graph = program.graph
    let weights = graph.addConstant(large)
    let small = graph.addConstant(Tensor.vector((0..<20).map { Float($0) + 0.1 }))
    for id in [weights, small] { graph.addOutput("\(id)", id) }
    let read = try read(ProgramFile(graph: graph, backend: program.backend, model: program.model, packed: program.packed).bytes)
    func address(_ id: ValueID) throws -> UInt {
      guard case .constant(let tensor) = read.graph[id].definition else { throw Diagnostic(.badInput, "\(id) is no constant") }
      return tensor.withBytes { UInt(bitPattern: $0.baseAddress) }
    }
    let packed = UInt(bitPattern: try #require(read.packed).storage.bytes.baseAddress)
    #expect(try packed < address(small) && address(small) < address(weights))
  }

  /// A damaged byte is noticed, or lies in none of the sections: between them there are less than 64 bytes.
  @Test func everyDamagedByteIsNoticed() throws {
    let program = try sample()
    let bytes = program.bytes
    var unnoticed = 0
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x10
      guard let other = try? read(damaged) else { continue }
      unnoticed += 1
      expectSame(other, program, "byte \(index)")
    }
    let sections = 6
    #expect(unnoticed < 64 * sections)
    for length in stride(from: 0, to: bytes.count, by: 7) {
      for checksAll in [false, true] {
        #expect(throws: Diagnostic.self, "\(length) bytes") { try read(Array(bytes[..<length]), checksAll: checksAll) }
      }
    }
  }

  /// Short constants are checked when a program is loaded, long ones when somebody is about to compute from them.
  @Test func damagedConstantsAreNoticed() throws {
    var program = try sample()
    var bytes = program.bytes
    bytes[bytes.count - 1] ^= 1
    #expect(throws: Diagnostic.self) { try read(bytes, checksAll: false) }
    let weights = program.graph.addConstant(Tensor.vector((0..<10_000).map(Float.init)))
    program.graph.addOutput("w", weights)
    bytes = program.bytes
    #expect(throws: Never.self) { try read(bytes, checksAll: false).checkConstants() }
    bytes[bytes.count - 1] ^= 1
    let damaged = try read(bytes, checksAll: false)
    #expect(throws: Diagnostic.self) { try damaged.checkConstants() }
    #expect(throws: Diagnostic.self) { try read(bytes) }
  }

  @Test func sourcesComeBack() throws {
    var program = try sample()
    #expect(try read(program.bytes).sources == nil)
    program.sources = "hardware=12ab"
    #expect(try read(program.bytes).sources == "hardware=12ab")
  }

  /// What is not compared with its hash when a program is loaded must not take the reader out of the file.
  @Test func damageThatIsNotLookedForDoesNoHarm() throws {
    let bytes = try sample().bytes
    for index in bytes.indices {
      for mask: UInt8 in [0x01, 0x80, 0xff] {
        var damaged = bytes
        damaged[index] ^= mask
        _ = try? read(damaged, checksAll: false)
      }
    }
  }

  @Test func anotherVersionIsNamed() throws {
    var bytes = try sample().bytes
    bytes[7] = UInt8(ascii: "9")
    let fault = #expect(throws: Diagnostic.self) { try read(bytes) }
    #expect(fault?.message.contains("another version") == true)
  }
}
