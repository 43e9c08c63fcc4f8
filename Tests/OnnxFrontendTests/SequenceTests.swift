import GraphIR
import OnnxFrontend
import PluginAPI
import ReferenceKernels
import Testing

/// Sequences are lists at import, loops of known length are written out, losses are gathers.
@Suite struct SequenceTests {
  private func run(_ sketch: ModelSketch, _ inputs: Tensor...) throws -> Tensor {
    let graph = try sketch.graph()
    return try Reference.run(graph, inputs)[Int(graph.outputs[0].value.index)]
  }

  private func position(_ value: Int) -> Tensor { .integers(.int64, [], [value]) }

  @Test func partsAreTakenByPosition() throws {
    let sketch = ModelSketch(
      [
        SketchedNode("SplitToSequence", ["x", "size"], ["s"], [("axis", .int(0))]),
        SketchedNode("SequenceErase", ["s", "first"], ["t"]),
        SketchedNode("SequenceInsert", ["t", "x", "last"], ["u"]),
        SketchedNode("SequenceAt", ["u", "last"], ["y"]),
      ],
      inputs: [("x", [.fixed(5)])], initializers: [("size", position(2)), ("first", position(0)), ("last", position(-1))])
    // Parts are [0, 1], [2, 3], [4]; the first is erased, x goes before the last.
    #expect(try run(sketch, .vector([0, 1, 2, 3, 4])).floats == [4])
  }

  @Test func partsAreJoined() throws {
    let sketch = ModelSketch(
      [
        SketchedNode("SplitToSequence", ["x"], ["s"], [("axis", .int(1)), ("keepdims", .int(0))]),
        SketchedNode("ConcatFromSequence", ["s"], ["y"], [("axis", .int(0)), ("new_axis", .int(1))]),
      ], inputs: [("x", [.fixed(2), .fixed(3)])])
    let y = try run(sketch, Tensor.vector([1, 2, 3, 4, 5, 6]).reshaped([2, 3]))
    #expect(y.shape == [3, 2] && y.floats == [1, 4, 2, 5, 3, 6])
  }

  @Test func theirLengthIsAConstant() throws {
    let nodes = [SketchedNode("SequenceConstruct", ["x", "x"], ["s"]), SketchedNode("SequenceLength", ["s"], ["y"])]
    #expect(try run(ModelSketch(nodes, inputs: [("x", [.fixed(1)])]), .vector([1])).integers == [2])
  }

  @Test(arguments: [
    ("SequenceAt", "position 3.0 is outside a sequence of 2"), ("Add", "operand 's' is a sequence"),
    ("Identity", "operand 's' is a sequence"),
  ])
  func wrongUsesAreRefused(op: String, message: String) throws {
    let sketch = ModelSketch(
      [SketchedNode("SequenceConstruct", ["x", "x"], ["s"]), SketchedNode(op, op == "Identity" ? ["s"] : ["s", "p"], ["y"])],
      inputs: [("x", [.fixed(1)])], initializers: [("p", position(3))])
    let fault = #expect(throws: Diagnostic.self) { try sketch.graph() }
    #expect(fault?.message == message)
  }

  @Test func aSequenceIsNoOutput() throws {
    let sketch = ModelSketch([SketchedNode("SequenceConstruct", ["x"], ["y"])], inputs: [("x", [.fixed(1)])])
    let fault = #expect(throws: Diagnostic.self) { try sketch.graph() }
    #expect(fault?.kind == .unsupported && fault?.message == "output 'y' is a sequence")
  }

  /// -(w₁·x₁ + w₂·x₂) / (w₁ + w₂): the third label is ignored.
  @Test func likelihoodLossIsAWeightedMean() throws {
    let sketch = ModelSketch(
      [SketchedNode("NegativeLogLikelihoodLoss", ["x", "labels", "w"], ["y"], [("ignore_index", .int(-1))])],
      inputs: [("x", [.fixed(3), .fixed(2)])],
      initializers: [("labels", .integers(.int64, [3], [0, 1, -1])), ("w", .vector([1, 3]))])
    #expect(try run(sketch, Tensor.vector([-1, -2, -3, -5, -7, -11]).reshaped([3, 2])).floats == [(1 * 1 + 3 * 5) / 4])
  }

  /// An If that hands out a sequence is a whole model, which is not supported; it used to be called broken.
  @Test func aSequenceIsNoOutputOfABody() throws {
    let body = proto { graph in
      graph.message(Field.Graph.node, SketchedNode("SequenceConstruct", ["x"], ["s"]).write)
      graph.string(Field.Graph.name, "body")
      graph.message(Field.Graph.output) { $0.string(1, "s") }
    }
    var sketch = ModelSketch(
      [SketchedNode("SequenceLength", ["t"], ["y"])], inputs: [("x", [.fixed(1)])], initializers: [("c", .integers(.bool, [], [1]))])
    sketch.rawNodes = [
      proto { node in
        SketchedNode("If", ["c"], ["t"]).write(&node)
        for name in ["then_branch", "else_branch"] {
          node.message(Field.Node.attribute) { attribute in
            attribute.string(Field.Attribute.name, name)
            attribute.data(Field.Attribute.g, body)
            attribute.int(Field.Attribute.type, 5)
          }
        }
      }
    ]
    let fault = #expect(throws: Diagnostic.self) { try sketch.graph() }
    #expect(fault?.kind == .unsupported && fault?.message == "the body's output 'If_1/then_branch/s' is a sequence")
  }
}
