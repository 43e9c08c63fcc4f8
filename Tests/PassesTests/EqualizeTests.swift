import GraphIR
import ReferenceKernels
import Testing

/// Channels evened out between two layers.
@Suite struct EqualizeTests {
  /// conv, relu, max pool, conv, relu, flatten, dense; the channels between them times powers of two that cancel.
  private func network(_ random: inout Seeded, spread: Int, activation: Activation = .relu, isBinary: Bool = false) throws -> Graph {
    var graph = Graph(name: "uneven")
    var window = Window()
    window.pads = [1, 1, 1, 1]
    func powers(_ count: Int) -> [Float] {
      (0..<count).map { _ in
        Float(sign: .plus, exponent: spread == 0 ? 0 : Int.random(in: -spread...spread, using: &random), significand: 1)
      }
    }
    func weights(_ shape: Shape, rows: [Float], columns: [Float]) -> Tensor {
      let (size, run) = (shape.elementCount! / shape[0], shape.elementCount! / shape[0] / columns.count)
      let numbers = random.floats(shape.elementCount!).enumerated().map { $1 * rows[$0 / size] / columns[$0 % size / run] }
      return Tensor(.float32, shape, isBinary ? numbers.map { $0 < 0 ? -1 : 1 } : numbers)
    }
    let (a, b) = (powers(6), powers(5))
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 3, 6, 6]))
    var first = Conv(window: window)
    first.activation = activation
    var pool = Pool()
    (pool.kernel, pool.window.strides) = ([2, 2], [2, 2])
    func layer(_ conv: Conv, _ x: ValueID, _ w: Tensor, _ bias: [Float], _ name: String) throws -> ValueID {
      try graph.append1(.conv(conv), [x, graph.addConstant(w), graph.addConstant(.vector(bias))], origin: name)
    }
    let ones = [Float](repeating: 1, count: 3)
    let bias = zip(random.floats(6), a).map { $0 * $1 }
    let one = try layer(first, x, weights([6, 3, 3, 3], rows: a, columns: ones), bias, "one")
    let pooled = try graph.append1(.pool(pool), [one], origin: "pool")
    let two = try layer(first, pooled, weights([5, 6, 3, 3], rows: b, columns: a), zip(random.floats(5), b).map { $0 * $1 }, "two")
    let flat = try graph.append1(.reshape(Reshape(shape: [Shape.free, 45])), [two], origin: "flat")
    let three = graph.addConstant(weights([4, 45], rows: [1, 1, 1, 1], columns: b))
    graph.addOutput("y", try graph.append1(.dense(Dense()), [flat, three], origin: "three"))
    return graph
  }

  private func even(_ graph: Graph, _ batch: Tensor) throws -> Graph { try run("equalize", on: graph, calibration: [[batch]]).graph }

  @Test func resultsKeepEveryBit() throws {
    for seed in 0..<20 {
      var random = Seeded(seed)
      let graph = try network(&random, spread: 4)
      let batch = random.tensor([5, 3, 6, 6])
      let after = try even(graph, batch)
      #expect(after != graph)
      #expect(try outputs(of: after, [batch]) == outputs(of: graph, [batch]), "seed \(seed)")
    }
  }

  /// Largest over least root mean square of the channels that the second layer takes.
  @Test func unevenChannelsBecomeEven() throws {
    for seed in 0..<10 {
      var random = Seeded(seed)
      let graph = try network(&random, spread: 4)
      let batch = random.tensor([20, 3, 6, 6], 0...1)
      func unevenness(_ graph: Graph) throws -> Float {
        let values = try Reference.run(graph, [batch])
        let pooled = values[Int(graph.nodes[1].results[0].index)].floats
        let sizes = (0..<6).map { channel in
          pooled.indices.reduce(Float(0)) { $1 / 9 % 6 == channel ? max($0, pooled[$1]) : $0 }
        }.filter { $0 > 0 }
        return (sizes.max() ?? 1) / (sizes.min() ?? 1)
      }
      let (before, after) = (try unevenness(graph), try unevenness(even(graph, batch)))
      #expect(after < max(before / 2, 12), "seed \(seed): \(before) to \(after)")
    }
  }

  @Test func whatIsEvenOrMayNotChangeStays() throws {
    var random = Seeded(7)
    let batch = random.tensor([5, 3, 6, 6])
    let plain = try network(&random, spread: 0)
    #expect(try even(plain, batch) == plain)
    // A clip at 6 is not one at 12 of numbers twice as large; what stands behind `two` may change.
    let clipped = try network(&random, spread: 4, activation: .clip(0, 6))
    #expect(try even(clipped, batch) == clipped)
    let binary = try network(&random, spread: 4, isBinary: true)
    #expect(try even(binary, batch) == binary)
    #expect(try run("equalize", on: network(&random, spread: 4)).notes.isEmpty)
  }
}
