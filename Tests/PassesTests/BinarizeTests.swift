import CBinarizeKernels
import GraphIR
import PluginAPI
import ReferenceKernels
import Testing

/// Binarization by calibration data, on layers small enough to try all bits.
@Suite struct BinarizeTests {
  private let inputs = 6

  private func layer(seed: Int, inputs: Int? = nil, filters: Int = 3) throws -> (graph: Graph, weights: Tensor, data: Tensor) {
    let inputs = inputs ?? self.inputs
    var random = Seeded(seed)
    let weights = random.tensor([filters, inputs])
    var graph = Graph(name: "g")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, inputs]))
    let w = graph.addConstant(weights)
    let b = graph.addConstant(random.tensor([filters]))
    graph.addOutput("y", try graph.append1(.dense(Dense()), [x, w, b], origin: "layer"))
    return (graph, weights, random.tensor([200, inputs], 0...1))
  }

  /// A bias in codes, as quantizers write it, is the bias that layers are fitted with.
  @Test func aBiasInCodesIsABias() throws {
    var random = Seeded(3)
    let (weights, data) = (random.tensor([3, inputs]), random.tensor([200, inputs], 0...1))
    func graph(inCodes: Bool) throws -> Graph {
      var graph = Graph(name: "g")
      let x = graph.addInput("x", TensorType(.float32, [Shape.free, inputs]))
      var b = graph.addConstant(.vector([2, -3, 0.5]))
      if inCodes {
        b = try graph.append1(
          .dequantize(AxisAttribute()), [graph.addConstant(.integers(.int32, [3], [4, -6, 1])), graph.addConstant(.scalar(0.5))],
          origin: "b")
      }
      graph.addOutput("y", try graph.append1(.dense(Dense()), [x, graph.addConstant(weights), b], origin: "layer"))
      return graph
    }
    let results = try [false, true].map { try binarized(graph(inCodes: $0), data, "bases=1") }
    #expect(try outputs(of: results[0], [data]) == outputs(of: results[1], [data]))
  }

  private func binarized(_ graph: Graph, _ data: Tensor, _ options: String) throws -> Graph {
    try run("binarize{first=binarize,last=binarize,range=max,\(options)}", on: graph, calibration: [[data]]).graph
  }

  private func squaredErrors(_ a: Tensor, _ b: Tensor) -> [Double] {
    let width = a.shape[1]
    var sums = [Double](repeating: 0, count: width)
    for (index, (x, y)) in zip(a.floats, b.floats).enumerated() { sums[index % width] += Double((x - y) * (x - y)) }
    return sums
  }

  /// The codes that the layer is given, as numbers.
  private func codes(_ graph: Graph, _ data: Tensor) throws -> [[Double]] {
    let values = try Reference.run(graph, [data])
    let dense = try #require(graph.nodes.first { if case .dense = $0.op { true } else { false } })
    let numbers = values[Int(dense.operands[0].index)].floats.map(Double.init)
    return stride(from: 0, to: numbers.count, by: inputs).map { Array(numbers[$0..<$0 + inputs]) }
  }

  /// The least squared error of all 2^6 choices of bits, each with its best scale and bias.
  private func least(_ rows: [[Double]], _ wanted: [Double]) -> Double {
    (0..<1 << inputs).map { choice in
      let sums = rows.map { row in row.indices.reduce(0) { $0 + (choice >> $1 & 1 == 1 ? row[$1] : -row[$1]) } }
      let (meanS, meanY) = (sums.reduce(0, +) / Double(sums.count), wanted.reduce(0, +) / Double(sums.count))
      let sy = zip(sums, wanted).reduce(0) { $0 + ($1.0 - meanS) * ($1.1 - meanY) }
      let ss = sums.reduce(0) { $0 + ($1 - meanS) * ($1 - meanS) }
      return wanted.reduce(0) { $0 + ($1 - meanY) * ($1 - meanY) } - (ss > 0 ? sy * sy / ss : 0)
    }.min() ?? 0
  }

  @Test(arguments: 0..<20) func descentFindsTheBestBits(_ seed: Int) throws {
    let (graph, _, data) = try layer(seed: seed)
    let result = try binarized(graph, data, "method=descent,ridge=1e-9")
    let wanted = try outputs(of: graph, [data])[0]
    let errors = squaredErrors(wanted, try outputs(of: result, [data])[0])
    let rows = try codes(result, data)
    for filter in errors.indices {
      let column = stride(from: filter, to: wanted.count, by: errors.count).map { Double(wanted.floats[$0]) }
      // Outputs are f32 and the matrix is; both round in the seventh digit.
      #expect(errors[filter] <= least(rows, column) * 1.0001 + 1e-6, "seed \(seed), filter \(filter)")
    }
  }

  @Test func methodsAreOrderedAsTheyShould() throws {
    for seed in 0..<10 {
      let (graph, _, data) = try layer(seed: seed, filters: 8)
      let wanted = try outputs(of: graph, [data])[0]
      func error(_ options: String) throws -> Double {
        try squaredErrors(wanted, outputs(of: binarized(graph, data, options), [data])[0]).reduce(0, +)
      }
      let (sign, lsq, descent) = (try error("method=sign"), try error("method=lsq,ridge=1e-9"), try error("method=descent,ridge=1e-9"))
      #expect(lsq <= sign * 1.0001 && descent <= lsq * 1.0001, "seed \(seed): \(sign) \(lsq) \(descent)")
      let bases = try (1...4).map { try error("method=descent,ridge=1e-9,bases=\($0)") }
      for (fewer, more) in zip(bases, bases.dropFirst()) { #expect(more <= fewer * 1.0001, "seed \(seed): \(bases)") }
      // No rounding is worth more than unbound weights, and compensation is no worse than twice what descent leaves.
      #expect(try error("method=gptq").isFinite)
    }
  }

  @Test func theSameDataGivesTheSameBits() throws {
    let (graph, _, data) = try layer(seed: 3, filters: 8)
    for method in ["lsq", "gptq", "descent", "alternating"] {
      let once = try binarized(graph, data, "method=\(method),bases=2")
      #expect(try once == binarized(graph, data, "method=\(method),bases=2"))
      let halves = [[data.slice(batch: 0..<100)], [data.slice(batch: 100..<200)]]
      let split = try run("binarize{first=binarize,last=binarize,range=max,method=\(method),bases=2}", on: graph, calibration: halves).graph
      #expect(split.constants(of: .bit) == once.constants(of: .bit), "\(method)")
    }
  }

  @Test func basesAreSaidByLayer() throws {
    let (graph, _, data) = try layer(seed: 1)
    #expect(try binarized(graph, data, "bases=0").constants(of: .bit).isEmpty)
    #expect(try binarized(graph, data, "bases=3").constants(of: .bit).count == 3)
    #expect(throws: Diagnostic.self) { try binarized(graph, data, "bases=1:2") }
    #expect(throws: Diagnostic.self) { try binarized(graph, data, "bases=5") }
    #expect(throws: Diagnostic.self) { try run("binarize{method=descent}", on: graph) }
  }

  /// Codes that a network makes itself stay, whatever the method; with too few bits for those that data shows, coarser ones are made of them.
  @Test func codesOfTheNetworksOwnAreKept() throws {
    for (isTwoValued, zero) in [(true, 0), (false, 0), (true, 3)] {
      let (plain, weights, data) = try layer(seed: 7)
      var graph = Graph(name: "g")
      let x = graph.addInput("x", plain.type(of: plain.inputs[0]))
      let scale = graph.addConstant(.scalar(1 / 50))
      let zeros = zero == 0 ? [] : [graph.addConstant(Tensor(.uint8, [], [UInt8(zero)]))]
      let q = try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 255)), [x, scale] + zeros, origin: "q")
      let numbers = try graph.append1(.dequantize(AxisAttribute()), [q, scale] + zeros, origin: "d")
      let signs = weights.floats.map { $0 < 0 ? -0.5 : 0.5 as Float }
      let w = graph.addConstant(isTwoValued ? Tensor(.float32, weights.shape, signs) : weights)
      graph.addOutput("y", try graph.append1(.dense(Dense()), [numbers, w], origin: "layer"))

      func steps(_ options: String) throws -> [Float] {
        let built = try binarized(graph, data, options)
        return built.nodes.compactMap { if case .quantize = $0.op { built.constant($0.operands[1])?.floats[0] } else { nil } }
      }
      #expect(try steps("bits=6") == (isTwoValued || zero == 0 ? [1 / 50] : [1 / 50, 1 / 63]))
      // Data goes up to 1, which is code 50.
      if zero == 0 {
        let coarse = try steps("bits=4")
        #expect(coarse.count == 2 && coarse[0] == 1 / 50 && abs(coarse[1] * 15 - 1) < 0.01, "\(coarse)")
      }
    }
  }

  /// Row by row, every sum in eight lanes that are added in one order, and what is left behind them.
  @Test func factorsAreThoseOfTheirRows() {
    for n in [1, 2, 7, 8, 9, 16, 23, 61, 104] {
      var random = Seeded(n)
      var matrix = [Double](repeating: 0, count: n * n)
      for i in 0..<n {
        for (j, entry) in random.tensor([i + 1], -1...1).floats.enumerated() {
          matrix[i * n + j] = Double(entry) + (i == j ? Double(n) : 0)
        }
      }
      var wanted = matrix
      func dot(_ i: Int, _ j: Int, _ count: Int) -> Double {
        var (sums, rest) = ([Double](repeating: 0, count: 8), 0.0)
        for k in 0..<count {
          let product = wanted[i * n + k] * wanted[j * n + k]
          if k < count / 8 * 8 { sums[k % 8] += product } else { rest += product }
        }
        return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + rest
      }
      for i in 0..<n {
        for j in 0..<i { wanted[i * n + j] = (wanted[i * n + j] - dot(i, j, j)) / wanted[j * n + j] }
        wanted[i * n + i] = (wanted[i * n + i] - dot(i, i, i)).squareRoot()
      }
      #expect(bitline_cholesky(&matrix, Int64(n)) == 0 && matrix == wanted, "\(n) rows")
      matrix[n * n - 1] = -1
      #expect(bitline_cholesky(&matrix, Int64(n)) == -1)
    }
  }

  @Test func layersOfTooManyInputsAreTakenByTheirWeights() throws {
    let (graph, _, data) = try layer(seed: 5, inputs: 33_000, filters: 2)
    let few = data.slice(batch: 0..<4)
    let options = "binarize{first=binarize,last=binarize,range=max,method="
    let descent = try run("\(options)descent}", on: graph, calibration: [[few]])
    #expect(descent.notes.contains { $0.contains("33000 inputs are too many to fit to calibration data") }, "\(descent.notes)")
    let alternating = try run("\(options)alternating}", on: graph, calibration: [[few]])
    #expect(descent.graph.constants(of: .bit) == alternating.graph.constants(of: .bit))
  }

  @Test func aLastLayerOfTooManyInputsStaysAsItIs() throws {
    var random = Seeded(6)
    var graph = Graph(name: "g")
    var value = graph.addInput("x", TensorType(.float32, [Shape.free, inputs]))
    for (filters, inputs) in [(8200, inputs), (2, 8200)] {
      let weights = graph.addConstant(random.tensor([filters, inputs]))
      value = try graph.append1(.dense(Dense()), [value, weights], origin: "layer \(inputs)")
    }
    graph.addOutput("y", value)
    let outcome = try run("binarize{first=binarize,range=max}", on: graph, calibration: [[random.tensor([20, inputs], 0...1)]])
    #expect(outcome.notes.contains { $0.hasPrefix("layer 8200: not fitted") }, "\(outcome.notes)")
    #expect(outcome.graph.constants(of: .float32).contains { $0.shape == [2, 8200] })
  }

  @Test func rangesEndWhereTheirMethodSays() throws {
    let (graph, _, _) = try layer(seed: 1)
    // Many small numbers and one outlier, in two bits: the step to the outlier is wider than all others.
    let data = Tensor(.float32, [200, 6], (0..<1200).map { $0 == 0 ? 4 : Float($0 % 100) / 100 })
    func scale(_ range: String, _ other: Tensor? = nil) throws -> Float {
      let graph = try run("binarize{first=binarize,last=binarize,bits=2,range=\(range)}", on: graph, calibration: [[other ?? data]]).graph
      let quantize = try #require(graph.nodes.first { if case .quantize = $0.op { true } else { false } })
      return try #require(graph.constant(quantize.operands[1])).floats[0]
    }
    #expect(try scale("max") == 4 / 3)
    for range in ["error", "percentile,percentile=99"] { #expect(try scale(range) * 3 < 2, "\(range)") }
    #expect(try scale("kl") <= 4 / 3)
    // Half of all numbers in one bin near 0: what is clipped into that bin alone tells nothing apart from itself.
    let twofold = Tensor(.float32, [200, 6], (0..<1200).map { $0 % 2 == 0 ? 0.004 : $0 % 12 == 1 ? 0.9 : 1 as Float })
    let end = try 3 * scale("kl", twofold)
    #expect(end >= 1 / 16, "\(end)")
  }
}

extension Graph {
  /// The constants of one element type, in order.
  fileprivate func constants(of element: DataType) -> [Tensor] { valueIDs.compactMap { constant($0) }.filter { $0.element == element } }
}
