import GraphIR
import ReferenceKernels
import Testing

/// Passes keep what a graph computes: exactly, or as far as their comment says.
@Suite struct MeaningTests {
  /// Numbers that tell careless rewrites apart, among others.
  private func input(_ random: inout Seeded) -> Tensor {
    var numbers = random.floats(64)
    for (place, special) in [Float.nan, -0.0, 0, .infinity, -.infinity, 1, 0.5].enumerated() { numbers[place * 9] = special }
    return Tensor(.float32, [2, 2, 4, 4], numbers)
  }

  /// Whether bytes agree; the payload and sign of a NaN do not count, since no op promises them.
  private func agree(_ a: Tensor, _ b: Tensor) -> Bool {
    a.type == b.type && zip(a.floats, b.floats).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }

  @Test(arguments: [
    "fold-constants", "remove-identities", "merge-equal", "fuse-activations", "sink-dequantize", "merge-quantize", "remove-dead",
    "matmul-to-dense",
    "remove-identities, merge-equal, remove-identities, fuse-activations, sink-dequantize, merge-quantize, remove-identities",
  ])
  func exactPassesKeepEveryBit(_ pipeline: String) throws {
    for seed in 0..<300 {
      let graph = try randomGraph(seed: seed, nodes: 10)
      var random = Seeded(seed + 1_000_000)
      let x = input(&random)
      let before = try outputs(of: graph, [x])
      let after = try outputs(of: run(pipeline, on: graph).graph, [x])
      for (a, b) in zip(before, after) { #expect(agree(a, b), "seed \(seed)\n\(Printer.print(graph))") }
    }
  }

  @Test func canonicalizeKeepsNumbersButForRounding() throws {
    for seed in 0..<300 {
      // Without quantize, which turns a rounding into a step.
      let graph = try randomGraph(seed: seed, nodes: 10)
      if graph.nodes.contains(where: { if case .quantize = $0.op { true } else { false } }) { continue }
      var random = Seeded(seed + 2_000_000)
      let x = random.tensor([2, 2, 4, 4])
      for (a, b) in zip(try outputs(of: graph, [x]), try outputs(of: run("canonicalize", on: graph).graph, [x])) {
        for (p, q) in zip(a.floats, b.floats) where p.isFinite && p.magnitude < 1e6 {
          // Folding rounds each weight once more; a sum of few terms then moves by some ulps of its largest term.
          #expect((p - q).magnitude <= 1e-4 * max(1, p.magnitude), "seed \(seed): \(p) became \(q)\n\(Printer.print(graph))")
        }
      }
    }
  }

  @Test func canonicalizeSettles() throws {
    for seed in 0..<100 {
      let once = try run("canonicalize", on: randomGraph(seed: seed, nodes: 12))
      #expect(once.notes.isEmpty, "seed \(seed)")
      #expect(try run("canonicalize", on: once.graph).graph == once.graph, "seed \(seed)")
    }
  }

  @Test func foldingKeepsTwoValuedFilters() throws {
    for seed in 0..<50 {
      var random = Seeded(seed)
      var graph = Graph(name: "bn")
      let x = graph.addInput("x", TensorType(.float32, [Shape.free, 3, 5, 5]))
      let alpha = random.floats(4, 0.01...1)
      let weights = random.bits([4, 3, 3, 3]).floats.enumerated().map { $1 * alpha[$0 / 27] }
      let y = try graph.append1(.conv(Conv()), [x, graph.addConstant(Tensor(.float32, [4, 3, 3, 3], weights))], origin: "conv")
      let scale = graph.addConstant(random.tensor([4, 1, 1]))
      let m = try graph.append1(.binary(.mul), [y, scale], origin: "bn")
      graph.addOutput("y", try graph.append1(.binary(.add), [m, graph.addConstant(random.tensor([4, 1, 1]))], origin: "bn"))
      let outcome = try run("canonicalize, binarize{method=exact}", on: graph)
      #expect(outcome.notes == ["conv: exact, the weights have two values in each filter"], "seed \(seed)")
    }
  }

  @Test func exactBinarizeKeepsEveryBit() throws {
    var random = Seeded(7)
    var graph = Graph(name: "exact")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 9]))
    let weights = random.bits([5, 9]).floats.enumerated().map { $1 * [0.3, 0, 1e-30, 7, 0.1][$0 / 9] }
    graph.addOutput("y", try graph.append1(.dense(Dense()), [x, graph.addConstant(Tensor(.float32, [5, 9], weights))], origin: "dense"))
    let inputs = [random.tensor([3, 9])]
    #expect(try outputs(of: graph, inputs) == outputs(of: run("binarize", on: graph).graph, inputs))
  }
}
