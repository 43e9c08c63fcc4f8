import GraphIR
import PluginAPI
import Testing

/// Weights of several bits as sums of bits with powers of two.
@Suite struct SliceWeightsTests {
  /// A dense layer of u8 codes and integer weights, with a scale and a zero point for each filter.
  private func network(_ weights: Tensor, scales: [Float], zeros: [Int]? = nil) throws -> Graph {
    var graph = Graph(name: "sliced")
    let q = graph.addInput("q", TensorType(.uint8, [Shape.free, weights.shape[1]]))
    let x = try graph.append1(.dequantize(AxisAttribute()), [q, graph.addConstant(.scalar(0.25))], origin: "codes")
    var operands = [graph.addConstant(weights), graph.addConstant(.vector(scales))]
    if let zeros { operands.append(graph.addConstant(.integers(weights.element, [zeros.count], zeros))) }
    let w = try graph.append1(.dequantize(AxisAttribute(axis: 0)), operands, origin: "weights")
    let bias = graph.addConstant(.vector(scales.map { $0 * 3 }))
    graph.addOutput("y", try graph.append1(.dense(Dense(activation: .relu)), [x, w, bias], origin: "dense"))
    return graph
  }

  private func codes(_ random: inout Seeded, _ samples: Int, _ inputs: Int) -> Tensor {
    Tensor(.uint8, [samples, inputs], (0..<samples * inputs).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  /// The bit slices of a graph's one layer: bits and what they are worth.
  private func slices(_ graph: Graph) -> [(bits: [Int8], worths: [Float])] {
    graph.nodes.compactMap { node in
      guard case .dequantize = node.op, let bits = graph.constant(node.operands[0]), bits.element == .bit,
        let scale = graph.constant(node.operands[1])
      else { return nil }
      return (bits.elements(Int8.self), scale.floats)
    }
  }

  /// One weight: the sum of its bits' worths.
  private func weight(_ slices: [(bits: [Int8], worths: [Float])], _ place: Int, filter: Int) -> Float {
    slices.reduce(0) { $0 + Float($1.bits[place]) * $1.worths[filter] }
  }

  /// Every whole number that so many bits hold, of both signs: the slices add up to it, and its negative has the opposite bits.
  @Test(arguments: [(1, 2), (2, 3), (4, 4), (7, 5), (8, 5), (9, 6), (127, 9), (128, 9)]) func allNumbers(_ largest: Int, _ count: Int)
    throws
  {
    let numbers = (-largest...largest).map { $0 }
    // Two of each, at an even and an odd place.
    let row = numbers.flatMap { [$0, $0] }.map { Int8(clamping: $0) }
    let graph = try network(Tensor(.int8, [1, row.count], row), scales: [0.5])
    let sliced = try run("slice-weights{bits=8}", on: graph).graph
    let parts = slices(sliced)
    #expect(parts.count == (largest == 128 ? 9 : count))
    for place in row.indices {
      #expect(weight(parts, place, filter: 0) == Float(row[place]) * 0.5)
      // The places mirrored at the middle hold the negatives; where nothing decides, even and odd places choose otherwise.
      let mirror = row.count - 1 - place
      let isOpposite = parts.allSatisfy { $0.bits[mirror] == -$0.bits[place] }
      #expect(isOpposite || Int(row[mirror]) != -Int(row[place]), "\(row[place])")
    }
  }

  @Test func oddNumbersTakeNoHalves() throws {
    let graph = try network(Tensor(.int8, [2, 4], [1, -3, 5, 7, -7, 3, -1, 1] as [Int8]), scales: [1, 2])
    let parts = try slices(run("slice-weights{bits=4}", on: graph).graph)
    #expect(parts.map(\.worths) == [[1, 2], [2, 4], [4, 8]])
    #expect((0..<8).map { weight(parts, $0, filter: $0 / 4) } == [1, -3, 5, 7, -14, 6, -2, 2])
  }

  /// With scales of powers of two every way to compute it is exact, so that the sums must be those of the integer layer.
  @Test(arguments: 0..<10) func sumsAreTheLayers(_ seed: Int) throws {
    var random = Seeded(seed)
    let (filters, inputs, bits) = (1 + seed, 30 + 11 * seed, 2 + seed % 7)
    let isUnsigned = seed % 3 == 1
    let most = 1 << (bits - 1)
    let zeros = seed % 2 == 1 ? (0..<filters).map { _ in isUnsigned ? most : 0 } : nil
    let range = isUnsigned && zeros == nil ? 0...most : isUnsigned ? 0...2 * most - 1 : -most...most - 1
    let numbers = (0..<filters * inputs).map { _ in Int.random(in: range, using: &random) }
    let weights = Tensor.integers(isUnsigned ? .uint8 : .int8, [filters, inputs], numbers)
    let graph = try network(weights, scales: (0..<filters).map { $0 % 2 == 0 ? 0.5 : 0.125 }, zeros: zeros)
    var several = chip
    several.weightBits = bits
    let lowered = try run("slice-weights, lower-binary, tile{columns=16}", on: graph, target: several).graph
    #expect(lowered.nodes.count { if case .binaryDense = $0.op { true } else { false } } <= bits + 1)
    #expect(!lowered.nodes.contains { if case .dense = $0.op { true } else { false } })
    let inputs2 = [codes(&random, 5, inputs)]
    #expect(try outputs(of: graph, inputs2) == outputs(of: lowered, inputs2))
  }

  /// The integer operators' form: products in f64, a bias, one rounding to f32. Sums here are whole and small, so that nothing is rounded.
  @Test(arguments: [true, false], [0, 7]) func integerOperators(_ isConv: Bool, _ zero: Int) throws {
    var random = Seeded(isConv ? 1 : 2)
    var graph = Graph(name: "integers")
    let shape: Shape = isConv ? [Shape.free, 2, 5, 5] : [Shape.free, 40]
    let q = graph.addInput("q", TensorType(.uint8, shape))
    var toDouble = Cast()
    toDouble.to = .float64
    var x = try graph.append1(.cast(toDouble), [q], origin: "codes")
    if zero != 0 { x = try graph.append1(.binary(.sub), [x, graph.addConstant(Tensor(.float64, [], [Double(zero)]))], origin: "codes") }
    func whole(_ shape: Shape, _ range: ClosedRange<Int>) -> ValueID {
      graph.addConstant(Tensor(.float64, shape, (0..<(shape.elementCount ?? 0)).map { _ in Double(Int.random(in: range, using: &random)) }))
    }
    let weights = whole(isConv ? [3, 2, 3, 3] : [3, 40], -8...7)
    let bias = whole([3], -500...500)
    let sums: ValueID
    if isConv {
      sums = try graph.append1(.conv(Conv(window: Window(pads: [1, 1, 0, 0]), activation: .none)), [x, weights, bias], origin: "conv")
    } else {
      let products = try graph.append1(.dense(Dense()), [x, weights], origin: "dense")
      sums = try graph.append1(.binary(.add), [products, bias], origin: "dense")
    }
    let numbers = try graph.append1(.cast(Cast()), [sums], origin: "sums")
    let scale = graph.addConstant(Tensor(.float32, isConv ? [3, 1, 1] : [3], [0.5, 0.25, -0.125] as [Float]))
    graph.addOutput("y", try graph.append1(.binary(.mul), [numbers, scale], origin: "scale"))
    let outcome = try run("slice-weights{bits=4}, canonicalize, lower-binary, tile", on: graph)
    #expect(outcome.graph.nodes.count { if case .rescale = $0.op { true } else { false } } == 1)
    // Five slices and their rescale, the scale folded in, and padding that is no 0: no f64 is left.
    #expect(
      outcome.graph.nodes.count == (isConv && zero != 0 ? 7 : 6)
        && outcome.graph.valueIDs.allSatisfy { outcome.graph.type(of: $0).element != .float64 })
    let codes = Tensor(
      .uint8, shape.bound(batch: 4),
      (0..<4 * shape.dimensions.dropFirst().reduce(1, *)).map { _ in random.pick([0, 3, 200, 255]) as UInt8 })
    #expect(try outputs(of: graph, [codes]) == outputs(of: outcome.graph, [codes]))
    // Weights that are not whole, and sums that something else uses, stay.
    #expect(try run("slice-weights{bits=3}", on: graph).notes.first?.hasSuffix("3 bits hold 4") == true)
  }

  @Test func floatsAreRoundedOnDemand() throws {
    var graph = Graph(name: "floats")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 3]))
    let weights = graph.addConstant(Tensor(.float32, [2, 3], [0.875, -0.375, 0.125, 0, 0, 0] as [Float]))
    graph.addOutput("y", try graph.append1(.dense(Dense()), [x, weights], origin: "dense"))
    #expect(try run("slice-weights{bits=4}", on: graph).graph == graph)
    let outcome = try run("slice-weights{bits=4, round=true}", on: graph)
    let parts = slices(outcome.graph)
    // Seven, minus three and one eighths: nothing is lost.
    #expect((0..<6).map { weight(parts, $0, filter: $0 / 3) } == [0.875, -0.375, 0.125, 0, 0, 0])
    #expect(outcome.notes == ["dense: weights up to 7 in 5 slices of bits"])
  }

  /// Three levels of weights that are mostly small: the scale is far below the largest, which is cut off.
  @Test func scalesAreOfLeastError() throws {
    var random = Seeded(1)
    let weights = (0..<640).map { _ in random.pick([-0.1, 0, 0.1]) as Float } + [1]
    var graph = Graph(name: "floats")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 641]))
    graph.addOutput("y", try graph.append1(.dense(Dense()), [x, graph.addConstant(Tensor(.float32, [1, 641], weights))], origin: "dense"))
    let parts = slices(try run("slice-weights{bits=2, round=true}", on: graph).graph)
    #expect(parts.count == 2)
    let off = (0..<640).map { weight(parts, $0, filter: 0) - weights[$0] }
    #expect(off.allSatisfy { abs($0) < 0.07 }, "\(off)")
  }

  @Test func whatDoesNotFitStays() throws {
    let graph = try network(Tensor(.int8, [1, 2], [9, -1] as [Int8]), scales: [1])
    let outcome = try run("slice-weights{bits=4}", on: graph)
    #expect(outcome.graph == graph && outcome.notes == ["dense: not sliced, its weights reach 9, 4 bits hold 8"])
    // A target of two-valued weights asks for nothing.
    #expect(try run("slice-weights", on: graph).graph == graph)
  }
}
