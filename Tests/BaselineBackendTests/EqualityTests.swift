import BaselineBackend
import GraphIR
import PluginAPI
import ReferenceKernels
import TestNetworks
import Testing

/// What the machine computes, against the reference: bytes for the numeric contract, a stated tolerance for sums of floats.
@Suite struct EqualityTests {
  /// All computed values of a graph, by the reference and by the machine.
  private func values(_ graph: Graph, _ x: Tensor, _ given: [(key: String, value: String)] = [], threads: Int) throws -> [(
    ValueID, Tensor, Tensor
  )] {
    let backend = BaselineBackend()
    let expected = try Reference.run(graph, [x])
    let computed = graph.nodes.flatMap(\.results)
    let result = try backend.compile(graph, options(backend, given)).run([x], taps: computed, threads: threads)
    return zip(computed, result.taps).map { ($0, expected[Int($0.index)], $1) }
  }

  private func expectEqual(_ graph: Graph, batch: Int, seed: Int, _ given: [(key: String, value: String)] = []) throws {
    var random = Seeded(seed)
    let x = random.floats(graph.type(of: graph.inputs[0]).shape.bound(batch: batch))
    for threads in 1...2 {
      for (value, expected, tensor) in try values(graph, x, given, threads: threads) {
        #expect(tensor == expected, "seed \(seed), \(value), \(threads) threads")
      }
    }
  }

  @Test(arguments: 0..<120) func randomBinaryLayer(_ seed: Int) throws {
    let reuse = Reuses.all[seed % 3]
    try expectEqual(
      Networks.random(seed: seed), batch: 1 + seed % 3, seed: seed, [("reuse", reuse), ("weights", seed % 2 == 0 ? "bit" : "int8")])
  }

  @Test func wholeNetwork() throws { try expectEqual(Networks.textbookLeNet(), batch: 70, seed: 1) }

  /// Each op of the contract around the layers, with per-axis parameters, zero points, several bases and every activation.
  @Test(arguments: 0..<24) func contractOps(_ seed: Int) throws {
    var random = Seeded(seed)
    var graph = Graph(name: "contract \(seed)")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 3, 5, 4]))
    let element: DataType = seed % 2 == 0 ? .uint8 : .int8
    let perAxis = random.int(0...1) == 1
    let scale = graph.addConstant(perAxis ? .vector([0.013, 0.02, 0.005]) : .scalar(0.007))
    let zero = graph.addConstant(perAxis ? .integers(element, [3], [3, 0, 7]) : .integers(element, [], [5]))
    let quantize = Quantize(to: element, lo: element == .uint8 ? 2 : -50, hi: 63)
    let codes = try graph.append1(.quantize(quantize), [x, scale, zero], origin: "quantize")
    graph.addOutput("numbers", try graph.append1(.dequantize(AxisAttribute(axis: 1)), [codes, scale, zero], origin: "dequantize"))
    var pool = Pool()
    (pool.kernel, pool.window) = ([2, 3], Window(strides: [2, 1], pads: [1, 0, 0, 2]))
    let pooled = try graph.append1(.pool(pool), [codes], origin: "pool")
    let bases = try (0..<random.int(1...3)).flatMap { _ -> [ValueID] in
      let w = graph.addConstant(random.bits([4, 3, 2, 2]))
      return [
        try graph.append1(.binaryConv(BinaryConv(window: Window())), [pooled, w], origin: "layer"), graph.addConstant(random.floats([4])),
      ]
    }
    let c = graph.addConstant(random.floats([4]))
    let activation: Activation = [.none, .relu, .clip(-0.5, 3)][seed % 3]
    graph.addOutput("y", try graph.append1(.rescale(Rescale(activation: activation)), bases + [c], origin: "rescale"))
    try expectEqual(graph, batch: 3, seed: seed)
  }

  /// Ops that are not native run on the host, with the reference's bytes.
  @Test func hostWork() throws {
    var graph = Graph(name: "host")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 6]))
    let soft = try graph.append1(.softmax(AxisAttribute(axis: 1)), [x], origin: "softmax")
    graph.addOutput("y", try graph.append1(.reshape(Reshape(shape: [Shape.free, 2, 3])), [soft], origin: "reshape"))
    try expectEqual(graph, batch: 5, seed: 1)
    let backend = BaselineBackend()
    let support = backend.support(for: graph.nodeIDs[0], in: graph, try options(backend))
    #expect(support == .host(because: "the machine has no kernel for 'softmax'"))
  }

  /// f32 layers: sums of at most 72 products of numbers in -1...1, each step rounded to f32: 72 steps of at most 72 · 2^-24, hence 4e-4.
  @Test(arguments: 0..<12) func floatLayers(_ seed: Int) throws {
    var random = Seeded(seed)
    var graph = Graph(name: "float \(seed)")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 4, 6, 5]))
    let groups = random.int(1...2)
    let w = graph.addConstant(random.floats(Shape([6, 4 / groups, 3, 2])))
    let b = graph.addConstant(random.floats([6]))
    let window = Window(strides: [random.int(1...2), 1], pads: [1, 0, 1, 1], dilations: [1, random.int(1...2)])
    let conv = try graph.append1(.conv(Conv(window: window, groups: groups, activation: .relu)), [x, w, b], origin: "conv")
    var pool = Pool()
    (pool.kind, pool.kernel, pool.window.strides) = (.average, [2, 2], [2, 2])
    (pool.window.pads, pool.countPadding, pool.roundUp) = ([1, 0, 0, 0], seed % 2 == 0, seed % 3 == 0)
    let pooled = try graph.append1(.pool(pool), [conv], origin: "pool")
    let count = try #require(graph.type(of: pooled).shape.elementCountPerSample)
    let flat = try graph.append1(.reshape(Reshape(shape: [Shape.free, count])), [pooled], origin: "flatten")
    let dense = try graph.append1(
      .dense(Dense(activation: .clip(-2, 2))), [flat, graph.addConstant(random.floats([5, count]))], origin: "dense")
    graph.addOutput("y", try graph.append1(.binary(.add), [dense, dense], origin: "add"))
    let input = random.floats([3, 4, 6, 5])
    for (value, expected, tensor) in try values(graph, input, threads: 2) {
      for (a, b) in zip(expected.doubles, tensor.doubles) { #expect(abs(a - b) < 4e-4, "seed \(seed), \(value)") }
    }
  }
}

/// The words for reuse.
enum Reuses { static let all = ["none", "register", "full"] }
