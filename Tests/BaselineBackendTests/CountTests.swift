import BaselineBackend
import GraphIR
import Hardware
import PluginAPI
import TestNetworks
import Testing

/// What the machine counts as it runs, against closed forms; what that costs, by hand.
@Suite struct CountTests {
  private func costs(_ graph: Graph, _ given: [(key: String, value: String)]) throws -> CostReport {
    let backend = BaselineBackend()
    return try #require(try backend.compile(graph, options(backend, given)).costs)
  }

  private func count(_ name: String, _ layer: CostReport.Layer) -> Int? { layer.counts.first { $0.name == name }?.value }

  /// A value of one sample lies where it lies, whatever the batch.
  @Test func aBoundBatchLiesInTheSameMemory() throws {
    func energy(batch: Int) throws -> [Double?] {
      var graph = Graph(name: "relu")
      let x = graph.addInput("x", TensorType(.float32, [batch, 4096]))
      graph.addOutput("y", try graph.append1(.unary(.relu), [x], origin: "relu"))
      return try costs(graph, []).layers[0].energy.map(\.picojoules)
    }
    #expect(try energy(batch: 8) == energy(batch: Shape.free) && energy(batch: 1) == energy(batch: Shape.free))
  }

  @Test func macsOfLeNet() throws {
    let costs = try costs(Networks.textbookLeNet(), [])
    #expect(costs.macs == 784 * 6 * 25 + 100 * 16 * 150 + 120 * 400 + 84 * 120)
    #expect(costs.layers.allSatisfy { $0.place == .processor })
  }

  @Test(arguments: Reuses.all) func loadsAndStores(_ reuse: String) throws {
    let costs = try costs(Networks.textbookLeNet(), [("reuse", reuse)])
    for (name, outputs, inputs, held) in [
      ("C1", 784 * 6, 25, 1024 + 150), ("C3", 1600, 150, 6 * 196 + 2400), ("F5", 120, 400, 400 + 48_000),
    ] {
      let layer = try #require(costs.layers.first { $0.origin == name })
      let products = outputs * inputs
      let (loads, stores): (Int, Int)
      switch reuse {
      case "none": (loads, stores) = (3 * products, products)
      case "register": (loads, stores) = (2 * products, outputs)
      default: (loads, stores) = (held, outputs)
      }
      #expect(count("multiply-accumulates", layer) == products, "\(name)")
      #expect(count("loads", layer) == loads, "\(name)")
      #expect(count("stores", layer) == stores, "\(name)")
    }
    let pool = try #require(costs.layers.first { $0.origin == "S2" })
    #expect(pool.counts.map(\.value) == [196 * 6 * 4, 196 * 6, 0, 196 * 6 * 4])
    let rescale = try #require(costs.layers.first { $0.origin == "C1/scale" })
    let parameters = reuse == "none" ? 2 * 784 * 6 : 2 * 6
    #expect(rescale.counts.map(\.value) == [784 * 6 + parameters, 784 * 6, 0, 3 * 784 * 6])
  }

  @Test func readoutIsCounted() throws {
    var random = Seeded(1)
    var graph = Graph(name: "read")
    let x = try Networks.codes(&graph, [Shape.free, 100], bits: 6, isSigned: true)
    var a = BinaryDense()
    (a.tile, a.readout) = (32, .adc(bits: 7, lsb: 10))
    graph.addOutput("y", try graph.append1(.binaryDense(a), [x, graph.addConstant(random.bits([8, 100]))], origin: "fc"))
    let layer = try costs(graph, []).layers[1]
    // Four tiles of each output: four conversions, three additions.
    #expect(count("other operations", layer) == 8 * (4 + 3))
  }

  /// A layer of 10 outputs and 64 inputs with weights of one byte: 640 products. Weights (640 B) and codes lie in 2 KB, the fit of both.
  @Test(arguments: ["int8", "bit"]) func energyByHand(_ weights: String) throws {
    var random = Seeded(1)
    var graph = Graph(name: "small")
    let x = try Networks.codes(&graph, [Shape.free, 64], bits: 6, isSigned: false)
    graph.addOutput("y", try graph.append1(.binaryDense(BinaryDense()), [x, graph.addConstant(random.bits([10, 64]))], origin: "fc"))
    let layer = try costs(graph, [("weights", weights)]).layers[1]
    let bits = weights == "int8" ? 8.0 : 1.0
    let expected: [String: Double] = [
      "arithmetic": 640 * (weights == "int8" ? 0.6023 + 0.3012 : 0.1506),
      "registers": 640 * (weights == "int8" ? 32 : 16) * 0.0271,
      "fetching inputs": 640 * 8 / 64 * 3.6,
      "fetching weights": 640 * bits / 64 * 3.6,
      "storing results": 10 * 32 / 64 * 10.5,
    ]
    #expect(Set(layer.energy.map(\.component)) == Set(expected.keys))
    for part in layer.energy { #expect(abs((part.picojoules ?? 0) - (expected[part.component] ?? 0)) < 1e-6, "\(part.component)") }
    // One lane: each product, load and store takes its own 4 ns.
    #expect(layer.cycles == 640 * 3 + 10)
    #expect(layer.nanoseconds == 4 * Double(640 * 3 + 10))
  }

  /// Eight lanes: a 64-bit word feeds eight products.
  @Test func lanes() throws {
    var random = Seeded(1)
    var graph = Graph(name: "small")
    let x = try Networks.codes(&graph, [Shape.free, 64], bits: 6, isSigned: false)
    graph.addOutput("y", try graph.append1(.binaryDense(BinaryDense()), [x, graph.addConstant(random.bits([10, 64]))], origin: "fc"))
    let layer = try costs(graph, [("hardware", "processor-65nm-int8x8")]).layers[1]
    // 32-bit results go two to a word.
    #expect(layer.cycles == 80 + 80 + 80 + 5)
  }

  /// One array cycle of C3 (50 inputs, 16 outputs, 800 products), weights in 8 KB: between ideal reuse and none lie chip.md's 83 to 97 %.
  @Test func sanityBand() throws {
    let machine = try HardwareFile.loadProcessor("processor-65nm-int8")
    let arithmetic = 800 * ((machine.operations.int8Multiply.number ?? 0) + (machine.operations.int32Add.number ?? 0))
    #expect(abs(arithmetic - 722) < 2)
    let fetched = 100 * (machine.memory(holding: 8192).read.number ?? 0)
    #expect(abs(1 - 56.94 / arithmetic - 0.92) < 0.005)
    #expect(1 - 56.94 / (arithmetic + fetched) > 0.96)
  }

  @Test func settingsArePrinted() throws {
    let notes = try costs(Networks.textbookLeNet(), [("reuse", "full"), ("weights", "bit")]).notes
    let full = "each input and weight of a layer is loaded once for a sample"
    #expect(notes[0] == "reuse=full, weights=bit: \(full); a weight of ±1 is a bit and takes an adder only")
    #expect(notes.contains { $0.hasPrefix("weights lie in sram-") })
  }

  /// A bound batch is divided out: costs are for one sample.
  @Test func boundBatch() throws {
    func layer(batch: Int) throws -> CostReport.Layer {
      var random = Seeded(1)
      var graph = Graph(name: "bound")
      let x = try Networks.codes(&graph, [batch, 64], bits: 6, isSigned: false)
      graph.addOutput("y", try graph.append1(.binaryDense(BinaryDense()), [x, graph.addConstant(random.bits([10, 64]))], origin: "fc"))
      return try costs(graph, []).layers[1]
    }
    #expect(try layer(batch: 4) == layer(batch: Shape.free))
  }
}
