import GraphIR
import OnnxFrontend
import ReferenceKernels
import Testing

/// What a graph of one input and one output is for `x`.
private func run(_ graph: Graph, _ x: Tensor) throws -> [Float] {
  try Diagnostics.throwIfAny(Verifier.faults(in: graph))
  return try Reference.run(graph, [x])[Int(graph.outputs[0].value.index)].floats
}

@Suite struct QuantDialectTests {
  private func quant(_ mode: String, signed: Int = 1, narrow: Int = 0, bits: Float = 3, zero: Float = 0) -> ModelSketch {
    ModelSketch(
      [
        SketchedNode(
          "Quant", ["x", "s", "z", "b"], ["y"], domain: "onnx.brevitas",
          [("signed", .int(signed)), ("narrow", .int(narrow)), ("rounding_mode", .string(mode))])
      ],
      inputs: [("x", [.fixed(6)])], initializers: [("s", .scalar(0.5)), ("z", .scalar(zero)), ("b", .scalar(bits))])
  }

  private let x = Tensor.vector([-9, -0.75, -0.25, 0.25, 0.75, 9])

  @Test func plainQuantizersBecomeCodes() throws {
    let graph = try quant("ROUND").graph()
    #expect(graph.nodes.map(\.op) == [.quantize(Quantize(to: .int8, lo: -4, hi: 3, axis: 0)), .dequantize(AxisAttribute(axis: 0))])
    #expect(try run(graph, x) == [-2, -1, 0, 0, 1, 1.5])
    #expect(try run(quant("ROUND", narrow: 1).graph(), x)[0] == -1.5)
    #expect(try run(quant("ROUND", signed: 0).graph(), x) == [0, 0, 0, 0, 1, 3.5])
  }

  @Test(arguments: [
    ("CEIL", [-2, -0.5, 0, 0.5, 1, 1.5]), ("FLOOR", [-2, -1, -0.5, 0, 0.5, 1.5]), ("UP", [-2, -1, -0.5, 0.5, 1, 1.5]),
    ("DOWN", [-2, -0.5, 0, 0, 0.5, 1.5]), ("HALF_UP", [-2, -1, -0.5, 0.5, 1, 1.5]), ("half_down", [-2, -0.5, 0, 0, 0.5, 1.5]),
  ])
  func roundingRules(mode: String, wanted: [Float]) throws {
    #expect(try run(quant(mode).graph(), x) == wanted)
  }

  @Test func zeroPointsShiftBeforeRounding() throws {
    #expect(try run(quant("ROUND", signed: 0, zero: 2).graph(), x) == [-1, -1, 0, 0, 1, 2.5])
  }

  @Test func bipolarTakesZeroForPlusOne() throws {
    let activation = ModelSketch(
      [SketchedNode("BipolarQuant", ["x", "s"], ["y"], domain: "qonnx.custom_op.general")], inputs: [("x", [.fixed(3)])],
      initializers: [("s", .scalar(0.5))])
    #expect(try run(activation.graph(), .vector([-1, 0, 2])) == [-0.5, 0.5, 0.5])
    #expect(try run(quant("ROUND", bits: 1).graph(), x) == [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5])
    let weights = ModelSketch(
      [
        SketchedNode("BipolarQuant", ["w", "s"], ["b"], domain: "finn.custom_op.general"),
        SketchedNode("Gemm", ["x", "b"], ["y"], [("transB", .int(1))]),
      ],
      inputs: [("x", [.fixed(1), .fixed(2)])],
      initializers: [("w", Tensor(.float32, [2, 2], [Float(-3), 0, 1, -1])), ("s", Tensor(.float32, [2, 1], [Float(1), 2]))])
    let graph = try weights.graph()
    #expect(graph.nodes.map(\.op.name) == ["dequantize", "dense"])
    #expect(graph.constant(graph.nodes[0].operands[0]) == Tensor(.bit, [2, 2], [Int8(-1), 1, 1, -1]))
    #expect(try run(graph, Tensor(.float32, [1, 2], [Float(1), 10])) == [9, -18])
  }

  private func thresholds(scale: Float, bias: Float, _ table: Tensor = Tensor(.float32, [1, 3], [Float(-1), 0, 2])) -> ModelSketch {
    ModelSketch(
      [
        SketchedNode(
          "MultiThreshold", ["x", "t"], ["y"], domain: "finn.custom_op.general",
          [("out_scale", .float(scale)), ("out_bias", .float(bias)), ("out_dtype", .string("INT4"))])
      ],
      inputs: [("x", [.fixed(1), .fixed(2), .fixed(2)])], initializers: [("t", table)])
  }

  /// scale · (thresholds reached, equality included) + bias.
  @Test func thresholdsCount() throws {
    let x = Tensor(.float32, [1, 2, 2], [Float(-2), -1, 1, 2])
    #expect(try run(thresholds(scale: 0.5, bias: -1).graph(), x) == [-1, -0.5, 0, 0.5])
    let perChannel = Tensor(.float32, [2, 2], [Float(-1.5), -1, 1.5, 3])
    #expect(try run(thresholds(scale: 1, bias: 0, perChannel).graph(), x) == [0, 2, 0, 1])
  }

  @Test(arguments: [(1, -2, -2...1), (0.5, 0, 0...3), (2, -3, -3...3)] as [(Float, Float, ClosedRange<Int>)])
  func thresholdsEndInCodes(scale: Float, bias: Float, codes: ClosedRange<Int>) throws {
    let nodes = try thresholds(scale: scale, bias: bias).graph().nodes
    guard case .quantize(let quantize) = nodes[nodes.count - 2].op, case .dequantize = nodes[nodes.count - 1].op else {
      Issue.record("no codes at the end")
      return
    }
    #expect(quantize.lo == codes.lowerBound && quantize.hi == codes.upperBound)
  }

  @Test func thresholdsOffAnyGridStayNumbers() throws {
    let nodes = try thresholds(scale: 1, bias: 0.3).graph().nodes
    #expect(nodes.last?.op == .binary(.add))
  }

  private func trunc(_ inputs: [(String, Tensor)], _ attributes: [(String, SketchedAttribute)]) -> ModelSketch {
    ModelSketch(
      [SketchedNode("Trunc", ["x"] + inputs.map(\.0), ["y"], domain: "qonnx.custom_op.general", attributes)],
      inputs: [("x", [.fixed(4)])], initializers: inputs)
  }

  /// Codes 7, 8, -1, -9 of 0.5 lose their two low bits.
  @Test func truncationDropsLowBits() throws {
    let x = Tensor.vector([3.5, 4, -0.5, -4.5])
    let inputs: [(String, Tensor)] = [("s", .scalar(0.5)), ("z", .scalar(0)), ("in", .scalar(8)), ("out", .scalar(6))]
    #expect(try run(trunc(inputs, []).graph(), x) == [0.5, 1, -0.5, -1.5])
    #expect(try run(trunc(inputs, [("rounding_mode", .string("ROUND"))]).graph(), x) == [1, 1, 0, -1])
  }

  @Test func truncationToAScaleOfItsOwnHoldsItsRange() throws {
    let x = Tensor.vector([3.5, 4, -0.5, -4.5])
    let inputs: [(String, Tensor)] = [
      ("s", .scalar(0.5)), ("z", .scalar(0)), ("in", .scalar(8)), ("to", .scalar(2)), ("out", .scalar(2)),
    ]
    var sketch = trunc(inputs, [("signed", .int(1)), ("narrow", .int(0)), ("rounding_mode", .string("FLOOR"))])
    sketch.opsets.append(("qonnx.custom_op.general", 2))
    // Codes 7, 8, -1, -9 over 4, held in -2...1, rounded down, times 2.
    #expect(try run(sketch.graph(), x) == [2, 2, -2, -4])
  }

  @Test func whatIsNotSaidIsRefused() throws {
    var sketch = quant("ROUND")
    sketch.nodes[0].attributes.remove(at: 1)
    #expect(try #require(throws: Diagnostic.self) { try sketch.graph() }.message == "attribute 'narrow' is missing")
    #expect(try #require(throws: Diagnostic.self) { try quant("NEAREST").graph() }.message == "attribute 'rounding_mode' is 'NEAREST'")
  }
}
