import GraphIR
import IMCBackend
import PluginAPI
import ReferenceKernels
import TestNetworks
import Testing

/// Inputs that come bit by bit, layers that the array does not take, and weights that are written anew.
@Suite struct BitSerialTests {
  private let backend = IMCBackend()

  /// `quantize -> binary_dense -> rescale`, codes of 0 to `top`.
  private func dense(filters: Int, inputs: Int, top: Int, readout: Readout, weights: Tensor? = nil) throws -> Graph {
    var random = Seeded(8)
    var graph = Graph(name: "dense")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, inputs]))
    let codes = try graph.append1(
      .quantize(Quantize(to: .uint8, lo: 0, hi: top)), [x, graph.addConstant(.scalar(1))], origin: "quantize")
    var a = BinaryDense()
    (a.tile, a.readout) = (min(64, inputs), readout)
    let bits = graph.addConstant(weights ?? random.bits([filters, inputs]))
    let sums = try graph.append1(.binaryDense(a), [codes, bits], origin: "fc")
    let m = graph.addConstant(.vector((0..<filters).map { 0.3 + Float($0) / 7 }))
    graph.addOutput("y", try graph.append1(.rescale(Rescale()), [sums, m, graph.addConstant(random.floats([filters]))], origin: "scale"))
    return graph
  }

  private func run(_ graph: Graph, _ x: Tensor, _ given: [(key: String, value: String)], taps: [ValueID] = []) throws -> Tensor {
    try backend.compile(graph, options(backend, given)).run([x], taps: taps, threads: 1).outputs[0]
  }

  private func bits(_ shape: Shape) -> Tensor {
    var random = Seeded(5)
    return Tensor(.float32, shape, (0..<(shape.elementCount ?? 0)).map { _ in Float(random.int(0...1)) })
  }

  /// A bit drives a column fully, whether it is the only one of its code or the lowest of two.
  @Test(arguments: [Readout.exact, .adc(bits: 7, lsb: 20)]) func oneBitIsDrivenFully(_ readout: Readout) throws {
    let x = bits([4, 50])
    let given = [("inputs", "bit-serial")]
    let single = try run(dense(filters: 20, inputs: 50, top: 1, readout: readout), x, given)
    #expect(try single == run(dense(filters: 20, inputs: 50, top: 3, readout: readout), x, given))
    #expect(Set(single.floats).count > 20)
  }

  /// What is put out does not depend on who looks at the sums.
  @Test(arguments: [[("inputs", "bit-serial")], [("inputs", "bit-serial"), ("errors", "on")], [("errors", "on")]])
  func looksChangeNothing(_ given: [(String, String)]) throws {
    let graph = try dense(filters: 20, inputs: 100, top: 63, readout: .adc(bits: 7, lsb: 33))
    var random = Seeded(2)
    let x = Tensor(.float32, [5, 100], (0..<500).map { _ in Float(random.int(0...63)) })
    let given = given.map { (key: $0.0, value: $0.1) }
    #expect(try run(graph, x, given) == run(graph, x, given, taps: graph.nodes.flatMap(\.results)))
  }

  @Test func theSheetSaysHowInputsCome() throws {
    func isSerial(_ given: [(key: String, value: String)]) throws -> Bool? { try backend.target(options(backend, given))?.isBitSerial }
    #expect(try isSerial([]) == false)
    #expect(try isSerial([("inputs", "bit-serial")]) == true)
    #expect(try isSerial([("hardware", "jia-65nm")]) == true)
    #expect(try isSerial([("hardware", "jia-65nm"), ("inputs", "parallel")]) == false)
  }

  /// A binary layer whose codes the array does not take runs on the host, and errors strike the others alone.
  @Test func errorsBesideALayerOnTheHost() throws {
    let graph = try dense(filters: 20, inputs: 50, top: 200, readout: .exact)
    var random = Seeded(2)
    let x = Tensor(.float32, [5, 50], (0..<250).map { _ in Float(random.int(0...200)) })
    guard case .host = try backend.support(for: graph.nodeIDs[1], in: graph, options(backend)) else {
      Issue.record("the array takes codes of 200")
      return
    }
    let wanted = try Reference.run(graph, [x])[Int(graph.outputs[0].value.index)]
    #expect(try run(graph, x, [("errors", "on")]) == wanted)
    #expect(try run(graph, x, [("inputs", "bit-serial")]) == wanted)
  }

  /// Weights of a host's layer in codes are nodes of constants alone.
  @Test func errorsBesideComputedConstants() throws {
    var graph = try dense(filters: 20, inputs: 50, top: 63, readout: .exact)
    let codes = graph.addConstant(.integers(.int8, [3, 20], (0..<60).map { $0 - 30 }))
    let weights = try graph.append1(.dequantize(AxisAttribute()), [codes, graph.addConstant(.scalar(0.25))], origin: "w")
    let y = try graph.append1(.dense(Dense()), [graph.outputs[0].value, weights], origin: "last")
    graph.addOutput("z", y)
    let x = Tensor(.float32, [2, 50], (0..<100).map { Float($0 % 64) })
    let executable = try backend.compile(graph, options(backend, [("mismatch", "0.01")]))
    let outputs = try executable.run([x], taps: [], threads: 1).outputs
    let wanted = try Reference.evaluate(
      .dense(Dense()),
      [
        outputs[0],
        Reference.evaluate(
          .dequantize(AxisAttribute()), [.integers(.int8, [3, 20], (0..<60).map { $0 - 30 }), .scalar(0.25)])[0],
      ])[0]
    #expect(zip(outputs[1].floats, wanted.floats).allSatisfy { abs($0 - $1) <= 1e-3 * max(1, abs($1)) })
  }

  /// 33 row slots on 16 rows: what a cell holds is written anew, with another error each time, and with the same error in each run.
  @Test func eachWriteErrsAnew() throws {
    let ones = Tensor(.bit, [528, 8], [Int8](repeating: 1, count: 528 * 8))
    let graph = try dense(filters: 528, inputs: 8, top: 1, readout: .exact, weights: ones)
    let x = Tensor(.float32, [1, 8], [Float](repeating: 1, count: 8))
    let addends = try #require(graph.constant(graph.nodes[2].operands[2])).floats
    func sums(_ given: [(key: String, value: String)]) throws -> [Float] {
      let result = try run(graph, x, given).floats
      return (0..<528).map { filter -> Float in
        let factor: Float = 0.3 + Float(filter) / 7
        let sum: Float = (result[filter] - addends[filter]) / factor
        return (sum * 1e4).rounded()
      }
    }
    let written = try sums([("write", "0.3")])
    #expect(Set(written).count > 500)
    #expect(try sums([("write", "0.3")]) == written)
    // The cells themselves are the same whatever is written into them.
    #expect(try Set(sums([("mismatch", "0.3")])).count <= 256)
  }
}
