import GraphIR
import IMCBackend
import PluginAPI
import ReferenceKernels
import TestNetworks
import Testing

/// Every byte of what the array reads out equals the reference.
@Suite struct EqualityTests {
  private func expectEqual(_ graph: Graph, batch: Int, seed: Int, _ given: [(key: String, value: String)] = []) throws {
    var random = Seeded(seed)
    let backend = IMCBackend()
    let options = try options(backend, given)
    for id in graph.nodeIDs {
      if case .binaryConv = graph[id].op { #expect(backend.support(for: id, in: graph, options) == .native, "seed \(seed)") }
      if case .binaryDense = graph[id].op { #expect(backend.support(for: id, in: graph, options) == .native, "seed \(seed)") }
    }
    let x = random.floats(graph.type(of: graph.inputs[0]).shape.bound(batch: batch))
    let expected = try Reference.run(graph, [x])
    let computed = graph.nodes.flatMap(\.results)
    let executable = try backend.compile(graph, options)
    for threads in 1...2 {
      let result = try executable.run([x], taps: computed, threads: threads)
      for (value, tensor) in zip(computed, result.taps) {
        #expect(tensor == expected[Int(value.index)], "seed \(seed), \(value), \(threads) threads")
      }
      #expect(result.outputs == graph.outputs.map { expected[Int($0.value.index)] })
    }
    if batch > 1 {
      let parts = try (0..<batch).map { try executable.run([x.slice(batch: $0..<$0 + 1)], taps: [], threads: 1).outputs[0] }
      #expect(Tensor.stacked(batches: parts) == expected[Int(graph.outputs[0].value.index)], "seed \(seed), one by one")
    }
  }

  @Test(arguments: 0..<120) func randomLayer(_ seed: Int) throws {
    try expectEqual(Networks.random(seed: seed), batch: 1 + seed % 3, seed: seed)
  }

  @Test func wholeNetworkWithReloads() throws { try expectEqual(Networks.textbookLeNet(), batch: 3, seed: 1) }

  @Test func streamedLast() throws { try expectEqual(Networks.streamedLast(), batch: 70, seed: 1) }

  @Test func wholeNetworkOnSeveralMacros() throws {
    try expectEqual(Networks.textbookLeNet(), batch: 2, seed: 2, [("macros", "3")])
    try expectEqual(Networks.textbookLeNet(), batch: 2, seed: 3, [("macros", "5")])
  }

  /// More samples than one chunk holds.
  @Test func batchBeyondAChunk() throws { try expectEqual(Networks.random(seed: 4), batch: 150, seed: 4) }

  @Test func ideal() throws { try expectEqual(Networks.random(seed: 7), batch: 2, seed: 7, [("hardware", "ideal")]) }

  @Test func emptyBatch() throws {
    let graph = try Networks.random(seed: 11)
    let x = Tensor(zeros: .float32, graph.type(of: graph.inputs[0]).shape.bound(batch: 0))
    let backend = IMCBackend()
    let result = try backend.compile(graph, options(backend)).run([x], taps: [], threads: 2)
    #expect(result.outputs[0].count == 0)
  }
}
