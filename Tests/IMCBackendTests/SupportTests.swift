import GraphIR
import IMCBackend
import PluginAPI
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
    narrow.largestCode = 31
    narrow.converter?.bits = 6
    #expect(try backend.target(options(backend, [("bits", "6")])) == narrow)
    var exact = chip
    exact.converter = nil
    #expect(try backend.target(options(backend, [("readout", "exact")])) == exact)
    #expect(try backend.target(options(backend, [("hardware", "ideal")]))?.converter == nil)
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
