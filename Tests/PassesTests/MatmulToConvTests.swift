import GraphIR
import Testing

/// Matrix products over sequences as convolutions by points.
@Suite struct MatmulToConvTests {
  /// `x · w` with weights in numbers, in codes with one scale, or with one for each column.
  private func product(_ shape: Shape, codes: Bool, byColumn: Bool = false) throws -> Graph {
    var random = Seeded(4)
    var graph = Graph(name: "product")
    let x = graph.addInput("x", TensorType(.float32, shape))
    var w = graph.addConstant(
      codes
        ? .integers(.int8, [6, 4], (0..<24).map { _ in Int.random(in: -7...7, using: &random) }) : random.tensor([6, 4], -3...3))
    if codes {
      let scale = graph.addConstant(byColumn ? .vector([0.5, 0.25, 1, 2]) : .scalar(0.5))
      w = try graph.append1(.dequantize(AxisAttribute(axis: 1)), [w, scale], origin: "w")
    }
    graph.addOutput("y", try graph.append1(.matmul, [x, w], origin: "product"))
    return graph
  }

  @Test(arguments: [[Shape.free, 5, 6], [Shape.free, 2, 3, 6], [2, 5, 6]] as [Shape], [(false, false), (true, false), (true, true)])
  func sumsAreTheSame(_ shape: Shape, _ weights: (codes: Bool, byColumn: Bool)) throws {
    let graph = try product(shape, codes: weights.codes, byColumn: weights.byColumn)
    let made = try run("matmul-to-conv", on: graph).graph
    var random = Seeded(5)
    let x = random.tensor(shape.bound(batch: 2), -9...9)
    #expect(try outputs(of: made, [x]) == outputs(of: graph, [x]))
    #expect(made.nodes.contains { if case .conv = $0.op { true } else { false } } && !made.nodes.contains { $0.op == .matmul })
  }

  /// It is a layer to the passes that follow.
  @Test func becomesBinary() throws {
    let graph = try product([Shape.free, 5, 6], codes: false)
    var random = Seeded(5)
    let batch = [random.tensor([40, 5, 6], -9...9)]
    let passes = "matmul-to-conv, binarize{first=binarize,last=binarize,bases=2}, quantize, canonicalize, lower-binary"
    let lowered = try run(passes, on: graph, calibration: [batch]).graph
    #expect(lowered.nodes.count { if case .binaryConv = $0.op { true } else { false } } == 2)
  }
}
