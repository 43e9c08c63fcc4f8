import CPUBackend
import Foundation
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

  #if arch(x86_64)
    /// The hash of sizes and numbers of all parts. What stands in front of a part's numbers is a C structure with gaps, in which anything may lie.
    private func packedNumbers(_ storage: TensorStorage) -> UInt64 {
      let (bytes, head) = (UnsafeRawBufferPointer(storage.bytes), 2048)
      let count = Int(bytes.load(as: UInt64.self))
      var end = 8 * (count + 1)
      var hashes: [UInt64] = []
      for part in 0..<count {
        let size = Int(bytes.load(fromByteOffset: 8 * (part + 1), as: UInt64.self))
        let start = (end + 63) / 64 * 64
        end = start + size
        hashes += [UInt64(size), lineHash(UnsafeRawBufferPointer(rebasing: bytes[min(start + head, end)..<end]))]
      }
      return hashes.withUnsafeBytes(lineHash)
    }

    /// What is packed is what the revision says: programs in files depend on it. Where a kernel packs otherwise, `Packer.revision` is raised and
    /// `BLESS=1` rewrites Tests/golden/packed.txt; a revision that is there already must not change.
    @Test func theRevisionNamesTheForm() throws {
      let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "golden/packed.txt")
      let known = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map(String.init)
      var lines: [String] = []
      for level in InstructionLevel.all {
        for (name, make) in PackedTests.networks {
          for precision in ["f32", "bf16"] {
            let packed = try #require(try compile(make(3, 3), level, precision: precision).packed)
            let hash = packedNumbers(packed.storage)
            lines.append("\(packed.key): \(name) \(String(hash, radix: 16))")
          }
        }
      }
      if ProcessInfo.processInfo.environment["BLESS"] == "1" {
        let levels = Set(InstructionLevel.all.map { "\($0)" })
        let others = known.filter { line in !levels.contains { line.contains(" \($0) ") } }
        try (others + lines).sorted().map { $0 + "\n" }.joined().write(to: path, atomically: true, encoding: .utf8)
        return
      }
      for line in lines {
        let isKnown = known.contains(line)
        #expect(isKnown, "another form under the same revision, or one that is not blessed: \(line)")
      }
    }
  #endif
}
