import CPUBackend
import GraphIR
import PluginAPI
import Testing

/// What a program keeps of a compiled network, and networks compiled with it.
struct PackedTests {
  private static let networks: [(String, @Sendable (Int, Int) throws -> Graph)] = [
    ("float", { try Networks.float(batch: $0, seed: $1) }), ("residual", { try Networks.residual(batch: $0, seed: $1) }),
    ("codes", { try Networks.codes(batch: $0, seed: $1) }), ("lowered", { try Networks.lowered(batch: $0, seed: $1) }),
    ("quantized", { try Networks.quantized(batch: $0, seed: $1) }), ("whole", { try Networks.whole(batch: $0, seed: $1) }),
    ("read", { try Networks.read(batch: $0, seed: $1) }),
    ("dynamic", { try Networks.dynamic(batch: $0, seed: $1) }), ("signs", { try Networks.signs(batch: $0, seed: $1) }),
    ("odd", { try Networks.odd(batch: $0, seed: $1) }),
  ]

  private func compile(
    _ graph: Graph, _ level: InstructionLevel, precision: String = "f32", packed: PackedConstants? = nil
  ) throws -> any Executable {
    let backend = CPUBackend()
    let options = try Options([("isa", "\(level)"), ("precision", precision)], for: backend.name, specs: backend.options)
    return try packed.map { try backend.compile(graph, options, packed: $0) } ?? backend.compile(graph, options)
  }

  private func outputs(_ executable: any Executable) throws -> [Tensor] {
    var generator = Generator(9)
    let inputs = executable.graph.inputs.map { Networks.tensor(&generator, executable.graph.type(of: $0).shape.bound(batch: 3)) }
    return try executable.run(inputs, taps: [], threads: 1).outputs
  }

  private func same(_ a: PackedConstants?, _ b: PackedConstants?) -> Bool {
    a?.key == b?.key && a.map { Array($0.storage.bytes) } == b.map { Array($0.storage.bytes) }
  }

  @Test(arguments: InstructionLevel.all, ["f32", "bf16"])
  func aNetworkFromItsPackedConstantsIsTheSame(_ level: InstructionLevel, _ precision: String) throws {
    for (name, make) in PackedTests.networks {
      let graph = try make(3, 3)
      let executable = try compile(graph, level, precision: precision)
      let again = try compile(graph, level, precision: precision, packed: try #require(executable.packed))
      #expect(same(executable.packed, again.packed), "\(name)")
      #expect(try outputs(executable) == outputs(again), "\(name)")
    }
  }

  /// A network of the same layers with other weights, compiled with these, is this network: nothing was packed anew.
  @Test(arguments: InstructionLevel.all)
  func packedConstantsAreRead(_ level: InstructionLevel) throws {
    let (graph, other) = (try Networks.residual(batch: Shape.free, seed: 4), try Networks.residual(batch: Shape.free, seed: 5))
    let executable = try compile(graph, level)
    let mixed = try compile(other, level, packed: try #require(executable.packed))
    #expect(try outputs(mixed) == outputs(executable))
    #expect(try outputs(mixed) != outputs(compile(other, level)))
  }

  /// What was packed for another level, or is not what the network needs, is not read.
  @Test func othersAreNotRead() throws {
    let level = InstructionLevel.all[0]
    let (graph, other) = (try Networks.residual(batch: Shape.free, seed: 4), try Networks.residual(batch: Shape.free, seed: 5))
    let wanted = try outputs(compile(other, level))
    let packed = try #require(try compile(graph, level).packed)
    var given = [try #require(try compile(Networks.codes(batch: Shape.free), level).packed)]
    if let best = InstructionLevel.all.last, best != level { given.append(try #require(try compile(graph, best).packed)) }
    given.append(try #require(try compile(graph, level, precision: "bf16").packed))
    given += [0, 7, 8, 100, packed.storage.bytes.count - 1].map {
      PackedConstants(key: packed.key, storage: packed.storage.part(0..<$0))
    }
    given.append(PackedConstants(key: packed.key, storage: TensorStorage(copying: [UInt8](repeating: 0xff, count: 4096))))
    for (place, given) in given.enumerated() {
      #expect(try outputs(compile(other, level, packed: given)) == wanted, "\(place)")
    }
  }
}
