import GraphIR
import IMCBackend
import PluginAPI
import ReferenceKernels
import TestNetworks
import Testing

/// Weights of several bits: bit slices side by side in local arrays.
@Suite struct SliceTests {
  /// Layers of `slices` bit slices each over the same codes: a convolution, then a dense layer, both rescaled.
  private func network(
    slices: Int, filters: Int, lo: Int, hi: Int, seed: Int, batch: Int = Shape.free, columns: Int = 64, readout: Readout = .exact
  ) throws -> Graph {
    var random = Seeded(seed)
    var graph = Graph(name: "slices")
    var x = graph.addInput("x", TensorType(.float32, [batch, 3, 6, 5]))
    func quantize(_ value: ValueID, _ scale: Float) throws -> ValueID {
      let a = Quantize(to: lo < 0 ? .int8 : .uint8, lo: lo, hi: hi)
      return try graph.append1(.quantize(a), [value, graph.addConstant(.scalar(scale))], origin: "codes")
    }
    func layer(_ codes: ValueID, _ weights: Shape, _ name: String) throws -> ValueID {
      var operands: [ValueID] = []
      let inputs = weights.dimensions.dropFirst().reduce(1, *)
      let order = graph.addConstant(.integers(.int32, [inputs], (0..<inputs).shuffled(using: &random)))
      for slice in 0..<slices {
        let bits = graph.addConstant(random.bits(weights))
        let op: Op
        if weights.rank == 4 {
          var a = BinaryConv(window: Window(strides: [1, 2], pads: [1, 0, 1, 1]))
          (a.tile, a.readout) = (min(columns, (inputs + 1) / 2), readout)
          op = .binaryConv(a)
        } else {
          var a = BinaryDense()
          (a.tile, a.readout) = (min(columns, inputs), readout)
          op = .binaryDense(a)
        }
        operands.append(try graph.append1(op, [codes, bits, order], origin: name))
        operands.append(graph.addConstant(.vector([Float](repeating: 0.01 * Float(1 << slice), count: weights[0]))))
      }
      operands.append(graph.addConstant(random.floats([weights[0]])))
      return try graph.append1(.rescale(Rescale(activation: .relu)), operands, origin: name)
    }
    x = try layer(quantize(x, 1 / Float(hi)), [filters, 3, 3, 3], "conv")
    let extents = graph.type(of: x).shape.dimensions.dropFirst(2).reduce(1, *)
    let flat = try graph.append1(.reshape(Reshape(shape: Shape([batch, filters * extents]))), [quantize(x, 0.05)], origin: "flat")
    graph.addOutput("y", try layer(flat, [filters + 3, filters * extents], "dense"))
    return graph
  }

  private func expectEqual(_ graph: Graph, _ given: [(key: String, value: String)], seed: Int) throws {
    var random = Seeded(seed)
    let backend = IMCBackend()
    let options = try options(backend, given)
    let x = random.floats(graph.type(of: graph.inputs[0]).shape.bound(batch: 3))
    let expected = try Reference.run(graph, [x])
    let computed = graph.nodes.flatMap(\.results)
    for id in graph.nodeIDs where graph[id].op.isBinary { #expect(backend.support(for: id, in: graph, options) == .native, "seed \(seed)") }
    let executable = try backend.compile(graph, options)
    for threads in 1...2 {
      let result = try executable.run([x], taps: computed, threads: threads)
      for (value, tensor) in zip(computed, result.taps) {
        #expect(tensor == expected[Int(value.index)], "\(given), seed \(seed), \(value)")
      }
      #expect(result.outputs == graph.outputs.map { expected[Int($0.value.index)] })
    }
    #expect(try executable.run([x], taps: [], threads: 1).outputs == graph.outputs.map { expected[Int($0.value.index)] })
    #expect(try backend.scheduleFaults(of: graph, options) == [])
  }

  /// Ideal readout: the contract's bytes, by the planned kernels and, with a fixed batch, on the stored cells.
  @Test(arguments: 0..<12) func equalsTheReference(_ seed: Int) throws {
    let (slices, filters) = (2 + seed % 5, [1, 7, 16, 20, 33][seed % 5])
    let macros = [("macros", "\([1, 4, 40, 200][seed % 4])")]
    let graph = try network(slices: slices, filters: filters, lo: 0, hi: 15, seed: seed)
    try expectEqual(graph, [("hardware", "dong-7nm"), ("readout", "exact")] + macros, seed: seed)
    try expectEqual(graph, [("hardware", "jia-65nm"), ("readout", "exact")] + macros, seed: seed)
    try expectEqual(graph, [("hardware", "colonnade")] + macros, seed: seed)
    // Signed codes, bit by bit.
    let signed = try network(slices: slices, filters: filters, lo: -127, hi: 127, seed: seed)
    try expectEqual(signed, [("hardware", "jia-65nm"), ("readout", "exact")] + macros, seed: seed)
    try expectEqual(signed, [("hardware", "colonnade")] + macros, seed: seed)
    let bound = try network(slices: slices, filters: filters, lo: 0, hi: 15, seed: seed, batch: 3)
    try expectEqual(bound, [("hardware", "dong-7nm"), ("readout", "exact")] + macros, seed: seed)
    try expectEqual(bound, [("hardware", "colonnade")] + macros, seed: seed)
    // A converter behind each slice, in the graph.
    let read = try network(slices: slices, filters: filters, lo: 0, hi: 15, seed: seed, readout: .adc(bits: 4, lsb: 23))
    try expectEqual(read, [("hardware", "dong-7nm")] + macros, seed: seed)
  }

  /// By hand: 5 slices of 7 filters are 35 vectors of weights, three groups of 16 local arrays; the dense layer's 50 take four.
  @Test func sideBySide() throws {
    let backend = IMCBackend()
    let graph = try network(slices: 5, filters: 7, lo: 0, hi: 15, seed: 1)
    let executable = try backend.compile(
      graph, options(backend, [("hardware", "dong-7nm"), ("macros", "14"), ("duplicate", "false"), ("order", "layers")]))
    let lines = try #require(executable.listing).split(separator: "\n").map(String.init)
    #expect(
      lines.filter { $0.contains(": conv inputs 0..<14") } == [
        "  p0: conv inputs 0..<14 slice 0 filters 0..<7, slice 1 filters 0..<7, slice 2 filters 0..<2 -> macro 0 row 0 columns 0..<14",
        "  p2: conv inputs 0..<14 slice 2 filters 2..<7, slice 3 filters 0..<7, slice 4 filters 0..<4 -> macro 2 row 0 columns 0..<14",
        "  p4: conv inputs 0..<14 slice 4 filters 4..<7 -> macro 4 row 0 columns 0..<14",
      ])
    let mapping = try #require(executable.mapping)
    #expect(mapping.notes.contains("bit slices side by side in local arrays: conv 5, dense 5"))
    // 12 positions; 2 tiles of 3 groups on 6 macros at once: a cycle each.
    let costs = try #require(executable.costs)
    let conv = costs.layers.filter { $0.origin == "conv" && $0.place == .array }
    #expect(conv.map(\.cycles) == [12, 0, 0, 0, 0])
    #expect(conv.map(\.macs) == [12 * 7 * 27, 0, 0, 0, 0])
    func counts(_ name: String) -> [Int] { conv.map { layer in layer.counts.first { $0.name == name }?.value ?? -1 } }
    #expect(counts("evaluations") == [12 * 6, 0, 0, 0, 0])
    #expect(counts("input conversions") == [12 * 27 * 3, 0, 0, 0, 0])
    #expect(counts("outputs read") == [Int](repeating: 12 * 2 * 7, count: 5))
    // Two tiles are one addition; every further slice is added to what is there.
    #expect(counts("partial sums added") == [12 * 7, 12 * 14, 12 * 14, 12 * 14, 12 * 14])
    // A chip of two-valued weights has a layer for each base.
    let binary = try backend.compile(graph, options(backend, [("macros", "60"), ("duplicate", "false"), ("order", "layers")]))
    #expect(
      try #require(binary.costs).layers.filter { $0.origin == "conv" && $0.place == .array }.allSatisfy { $0.cycles > 0 && $0.macs > 0 })
  }

  /// Every cell has the error of its place: slice by slice, against the equations.
  @Test func cellsHaveTheirPlaces() throws {
    let (slices, filters, inputs, macros) = (3, 7, 20, 5)
    var random = Seeded(4)
    var graph = Graph(name: "slices")
    let codes = try Networks.codes(&graph, [Shape.free, inputs], bits: 5, isSigned: false)
    var operands: [ValueID] = []
    var weights: [[Int8]] = []
    for slice in 0..<slices {
      let bits = random.bits([filters, inputs])
      weights.append(bits.elements(Int8.self))
      operands.append(try graph.append1(.binaryDense(BinaryDense()), [codes, graph.addConstant(bits)], origin: "layer"))
      operands.append(graph.addConstant(.vector([Float](repeating: Float(1 << slice), count: filters))))
    }
    operands.append(graph.addConstant(.vector([Float](repeating: 0, count: filters))))
    graph.addOutput("y", try graph.append1(.rescale(Rescale()), operands, origin: "layer"))
    let backend = IMCBackend()
    let x = random.floats([4, inputs])
    let given = [
      ("hardware", "dong-7nm"), ("readout", "exact"), ("mismatch", "0.05"), ("seed", "3"), ("chip", "6"), ("macros", "\(macros)"),
    ]
    let got = try backend.compile(graph, options(backend, given)).run([x], taps: [], threads: 1).outputs[0].floats
    for sample in 0..<4 {
      for filter in 0..<filters {
        var (sum, size) = (0.0, 0.0)
        for slice in 0..<slices {
          let vector = slice * filters + filter
          // One row slot a macro, rows in turn over macros; 64 columns are 16 blocks of numbers.
          let (slot, array) = (vector / 16 % macros, vector % 16)
          for k in 0..<inputs {
            let code = Double(min(max((x.floats[sample * inputs + k] / Float(Float(1) / 15)).rounded(.toNearestOrEven), 0), 15))
            let z = ScalarDraws.normal(
              place: slot * 16 + k / 4, element: k % 4 * 16 + array, purpose: 1, chip: 6, time: 0, seed: 3)
            let product = Double(weights[slice][filter * inputs + k]) * (1 + 0.05 * z) * code * Double(1 << slice)
            (sum, size) = (sum + product, size + abs(product))
          }
        }
        #expect(abs(Double(got[sample * filters + filter]) - sum) <= 1e-5 * max(size, 1), "sample \(sample), filter \(filter)")
      }
    }
  }
}

extension Op {
  fileprivate var isBinary: Bool {
    switch self {
    case .binaryConv, .binaryDense: true
    default: false
    }
  }
}
