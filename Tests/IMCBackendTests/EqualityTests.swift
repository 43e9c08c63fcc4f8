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

  /// What follows a layer number by number: constants of every kind of broadcasting, values in one layout and in two, and float layers at the end.
  @Test(arguments: [4, 16, 21]) func numberByNumber(_ filters: Int) throws {
    var graph = Graph(name: "pointwise")
    var random = Seeded(filters)
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(random.floats(shape)) }
    func node(_ op: Op, _ operands: ValueID...) throws -> ValueID { try graph.append1(op, operands, origin: op.name) }
    let codes = try Networks.codes(&graph, [Shape.free, 3, 6, 6], bits: 7, isSigned: true)
    var a = BinaryConv(window: Window())
    a.tile = 27
    let sums = try node(.binaryConv(a), codes, graph.addConstant(random.bits([filters, 3, 3, 3])))
    let layer = try node(.rescale(Rescale()), sums, constant([filters]), constant([filters]))
    // Every third divisor is 0.
    let divisors = (0..<filters).map { filter -> Float in filter % 3 == 0 ? 0 : Float(filter) - 2.5 }
    let zeroed = graph.addConstant(Tensor.vector(divisors).reshaped([filters, 1, 1]))
    let scaled = try node(.binary(.mul), layer, constant([filters, 1, 1]))
    let shifted = try node(.binary(.add), constant([1, 1, 4, 1]), scaled)
    let turned = try node(.binary(.sub), graph.addConstant(.scalar(1)), shifted)
    let divided = try node(.binary(.div), turned, zeroed)
    let plain = try node(.unary(.abs), scaled)
    let mixed = try node(.binary(.sub), plain, turned)
    let none = try node(.unary(.sign), node(.binary(.sub), turned, turned))
    let signs = try node(.binary(.add), node(.unary(.sign), divided), none)
    let edges = graph.addConstant(.vector([-1, 0, 1, 1]))
    var joined = try node(.binary(.mul), mixed, signs)
    for kind in [BinaryKind.equal, .less, .lessOrEqual, .greater, .greaterOrEqual] {
      let met = try node(.binary(kind), signs, edges)
      let ordered = try node(.binary(kind), joined, turned)
      joined = try node(.select, met, kind == .greater ? constant([filters, 4, 4]) : scaled, joined)
      joined = try node(.select, ordered, joined, constant([1, filters, 1, 1]))
    }
    let flat = try node(.reshape(Reshape(shape: [-1, filters * 16])), joined)
    let hidden = try node(.dense(Dense(activation: .relu)), flat, constant([7, filters * 16]), constant([7]))
    graph.addOutput("y", try node(.dense(Dense(activation: .clip(-0.5, 0.5))), hidden, constant([3, 7])))
    try expectEqual(graph, batch: 11, seed: filters)
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
