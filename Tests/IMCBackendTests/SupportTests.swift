import GraphIR
import IMCBackend
import PluginAPI
import ReferenceKernels
import TestNetworks
import Testing

/// What the array takes, and what it tells passes.
@Suite struct SupportTests {
  private let backend = IMCBackend()

  /// Support of a dense layer of 100 inputs behind codes of so many bits.
  private func support(bits: Int, tile: Int, readout: Readout = .exact, _ given: [(key: String, value: String)] = []) throws -> Support {
    var random = Seeded(1)
    var graph = Graph(name: "dense")
    let x = try Networks.codes(&graph, [Shape.free, 4, 5, 5], bits: bits, isSigned: true)
    var pool = Pool()
    (pool.kernel, pool.window.pads) = ([1, 1], [0, 0, 0, 0])
    let pooled = try graph.append1(.pool(pool), [x], origin: "pool")
    let relu = try graph.append1(.unary(.relu), [pooled], origin: "relu")
    let flat = try graph.append1(.reshape(Reshape(shape: [Shape.free, 100])), [relu], origin: "flatten")
    var a = BinaryDense()
    (a.tile, a.readout) = (tile, readout)
    graph.addOutput("y", try graph.append1(.binaryDense(a), [flat, graph.addConstant(random.bits([3, 100]))], origin: "fc"))
    return backend.support(for: graph.nodeIDs[4], in: graph, try options(backend, given))
  }

  @Test func codesAreFollowed() throws {
    #expect(try support(bits: 7, tile: 64) == .native)
    #expect(try support(bits: 8, tile: 64) == .host(because: "its codes reach 0...127, inputs only -63...63"))
    #expect(try support(bits: 7, tile: 64, [("bits", "6")]) == .host(because: "its codes reach 0...63, inputs only -31...31"))
    #expect(try support(bits: 6, tile: 64, [("bits", "6")]) == .native)
  }

  @Test func tilesMustFit() throws {
    #expect(try support(bits: 7, tile: 65) == .host(because: "its tile of 65 inputs is more than 64 columns"))
    #expect(try support(bits: 7, tile: 0) == .host(because: "it is not tiled: 100 inputs are more than 64 columns"))
  }

  @Test func convertersAreFinite() throws {
    #expect(try support(bits: 7, tile: 50, readout: .adc(bits: 7, lsb: 50)) == .native)
    #expect(
      try support(bits: 7, tile: 50, readout: .adc(bits: 8, lsb: 50)) == .host(because: "it is read with 8 bits, the converter has 7"))
    #expect(try support(bits: 7, tile: 50, readout: .adc(bits: 8, lsb: 50), [("readout", "exact")]) == .native)
    #expect(
      try support(bits: 6, tile: 50, readout: .adc(bits: 7, lsb: 50), [("bits", "6")])
        == .host(because: "it is read with 7 bits, the converter has 6"))
  }

  @Test func computedWeightsStayOnTheHost() throws {
    var graph = Graph(name: "computed")
    let x = try Networks.codes(&graph, [Shape.free, 8], bits: 7, isSigned: false)
    let w = graph.addInput("w", TensorType(.bit, [2, 8]))
    graph.addOutput("y", try graph.append1(.binaryDense(BinaryDense()), [x, w], origin: "fc"))
    let options = try options(backend)
    #expect(
      backend.support(for: graph.nodeIDs[1], in: graph, options) == .host(because: "its weights are computed; the array stores constants"))
    #expect(backend.support(for: graph.nodeIDs[0], in: graph, options) == .host(because: "the array only evaluates binary layers"))
  }

  @Test func target() throws {
    let chip = Target(
      name: "conv-ram-isscc2018", columns: 64, localArrays: 16, rows: 16, largestCode: 63, converter: .init(bits: 7, fullScale: 1))
    #expect(try backend.target(options(backend)) == chip)
    var narrow = chip
    (narrow.largestCode, narrow.codes) = (31, -31...31)
    narrow.converter?.bits = 6
    narrow.converter?.top = 31
    #expect(try backend.target(options(backend, [("bits", "6")])) == narrow)
    var exact = chip
    exact.converter = nil
    #expect(try backend.target(options(backend, [("readout", "exact")])) == exact)
    #expect(try backend.target(options(backend, [("hardware", "ideal")]))?.converter == nil)
    var all = chip
    all.converter?.meanInputs = 64
    #expect(try backend.target(options(backend, [("mean-over", "columns")])) == all)
    let comparators = try #require(try backend.target(options(backend, [("hardware", "valavi-65nm")])))
    #expect(comparators.converter == .init(bits: 1, fullScale: 1, hasReferences: true) && comparators.weightBits == 1)
    let eleven = try #require(try backend.target(options(backend, [("hardware", "xnor-sram")])))
    #expect(eleven.converter == .init(bits: 4, top: 5, fullScale: 1))
    let several = try #require(try backend.target(options(backend, [("hardware", "jia-65nm")])))
    #expect(several.weightBits == 8 && several.largestCode == 255)
  }

  /// A chip of comparators: signs of tiles are added up, and what is only compared is decided, to the reference's bytes.
  @Test func comparators() throws {
    var graph = Graph(name: "signs")
    var random = Seeded(7)
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 40]))
    let one = graph.addConstant(.scalar(1))
    let signs = Quantize(to: .int8, lo: -1, hi: 1)
    func layer(_ codes: ValueID, _ filters: Int, tile: Int, _ readout: Readout, _ name: String) throws -> ValueID {
      var a = BinaryDense()
      (a.tile, a.readout) = (tile, readout)
      let bits = graph.addConstant(random.bits([filters, graph.type(of: codes).shape[1]]))
      let sums = try graph.append1(.binaryDense(a), [codes, bits], origin: name)
      let m = graph.addConstant(.vector((0..<filters).map { $0 % 3 == 0 ? -0.5 : 0.25 }))
      return try graph.append1(.rescale(Rescale()), [sums, m, graph.addConstant(random.floats([filters]))], origin: name)
    }
    let hidden = try layer(graph.append1(.quantize(signs), [x, one], origin: "codes"), 50, tile: 40, .exact, "decided")
    let isPositive = try graph.append1(.binary(.greaterOrEqual), [hidden, graph.addConstant(.scalar(0))], origin: "sign")
    let chosen = try graph.append1(.select, [isPositive, one, graph.addConstant(.scalar(-1))], origin: "sign")
    graph.addOutput(
      "y", try layer(graph.append1(.quantize(signs), [chosen, one], origin: "codes2"), 9, tile: 17, .adc(bits: 1, lsb: 3.5), "added"))
    func options(_ given: [(key: String, value: String)]) throws -> Options { try TestNetworks.options(backend, given) }
    let executable = try backend.compile(graph, options([("hardware", "valavi-65nm")]))
    let inputs = random.floats([30, 40])
    let expected = try Reference.run(graph, [inputs])
    let result = try executable.run([inputs], taps: graph.nodes.flatMap(\.results), threads: 2)
    for (value, tensor) in zip(graph.nodes.flatMap(\.results), result.taps) { #expect(tensor == expected[Int(value.index)], "\(value)") }
    // Comparators with offsets decide otherwise, the same way however samples are split.
    let noisy = try backend.compile(graph, options([("hardware", "valavi-65nm"), ("offset", "20"), ("noise", "0.01")]))
    let decided = try noisy.run([inputs], taps: [graph.nodes[5].results[0]], threads: 2)
    #expect(graph.type(of: graph.nodes[5].results[0]).element == .int8)
    #expect(try noisy.run([inputs], taps: [], threads: 1).outputs == decided.outputs && decided.outputs != result.outputs)
    #expect(decided.taps[0].integers.map { Set($0) } == [-1, 1] && decided.taps[0] != result.taps[5])
    let notes = try #require(executable.costs).notes
    #expect(notes.contains("decided by comparators with a reference of each filter's own: decided"))
    #expect(!notes.contains { $0.hasPrefix("read exactly") })
    let (_, uses) = try #require(executable as? any ConvertingExecutable).runCounting([inputs], threads: 1)
    // Three tiles, below, -1, 0, +1 and above.
    #expect(uses.map(\.tile) == [0, 1, 2] && uses.allSatisfy { $0.conversions == 270 && $0.counts[1] + $0.counts[3] == 270 })
  }

  /// Energy of conversions by the codes that they gave: 0.21 pJ for the lowest, 0.0185 pJ more for each further one.
  @Test func energyByCode() throws {
    var graph = Graph(name: "energies")
    var random = Seeded(8)
    let codes = try Networks.codes(&graph, [Shape.free, 30], bits: 5, isSigned: false)
    var a = BinaryDense()
    (a.tile, a.readout) = (30, .adc(bits: 4, lsb: 11))
    let bits = random.bits([5, 30])
    graph.addOutput("y", try graph.append1(.binaryDense(a), [codes, graph.addConstant(bits)], origin: "fc"))
    let given = [("hardware", "dong-7nm")]
    let inputs = random.floats([12, 30])
    func uses(_ given: [(key: String, value: String)]) throws -> [ConverterUse] {
      try #require(try backend.compile(graph, options(backend, given)) as? any ConvertingExecutable).runCounting([inputs], threads: 1).uses
    }
    let read = try Reference.run(graph, [inputs])[Int(graph.outputs[0].value.index)].elements(Int32.self)
    let expected = read.reduce(0.0) { (sum: Double, code: Int32) -> Double in sum + 0.21 + 0.0185 * Double(code + 7) }
    let own = try #require(try uses(given)[0].picojoules)
    #expect(abs(own - expected) < 1e-9)
    // A sheet without it says nothing.
    #expect(try uses([("hardware", "cap-ram")])[0].picojoules == nil)
  }

  @Test func wrongOptions() throws {
    func message(_ given: [(key: String, value: String)]) -> String {
      do {
        _ = try backend.target(options(backend, given))
        return ""
      } catch { return "\(error)" }
    }
    #expect(message([("bits", "5")]) == "'conv-ram-isscc2018' has no mode of 5 bits (it has 7 and 6)")
    #expect(message([("hardware", "nowhere")]).hasPrefix("no hardware file 'nowhere'"))
    #expect(message([("hardware", "processor-65nm-int8")]).contains("describes a processor, not a macro"))
  }
}
