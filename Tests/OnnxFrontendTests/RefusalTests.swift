import GraphIR
import OnnxFrontend
import PluginAPI
import Testing

private let x: [(String, [Extent])] = [("x", [.fixed(2)])]

/// What importing a model is refused with.
private func refusals(_ sketch: ModelSketch) throws -> [Diagnostic] {
  do {
    _ = try sketch.imported()
  } catch let fault as Diagnostic {
    return [fault]
  } catch let faults as Diagnostics {
    return faults.all
  }
  Issue.record("the model was not refused")
  return []
}

private func refusal(_ nodes: SketchedNode..., initializers: [(String, Tensor)] = [], opset: Int = 17) throws -> Diagnostic {
  let faults = try refusals(ModelSketch(nodes, inputs: x, initializers: initializers, opset: opset))
  #expect(faults.count == 1)
  return try #require(faults.first)
}

@Suite struct RefusalTests {
  @Test func everythingUnsupportedIsReportedAtOnce() throws {
    let nodes = [
      SketchedNode("Bernoulli", ["x"], ["a"], name: "rnn1"), SketchedNode("Bernoulli", ["a"], ["b"], name: "rnn2"),
      SketchedNode("Multinomial", ["b"], ["c"]), SketchedNode("Special", ["c"], ["y"], domain: "com.acme"),
    ]
    let faults = try refusals(ModelSketch(nodes, inputs: x))
    #expect(faults.allSatisfy { $0.kind == .unsupported && $0.file == "sketch" })
    #expect(
      faults.map(\.message) == [
        "operator Bernoulli is not supported: 2 nodes 'rnn1', 'rnn2'", "operator Multinomial is not supported: node 'Multinomial_2'",
        "operator com.acme.Special is not supported: node 'Special_3'",
      ])
  }

  @Test func unknownAttributesAreErrors() throws {
    let unknown = try refusal(SketchedNode("Relu", ["x"], ["y"], name: "act", [("slope", .float(1))]))
    #expect(unknown.description == "sketch: node 'act': Relu has no attribute 'slope' (it has none)")
    let tooNew = try refusal(
      SketchedNode("QuantizeLinear", ["x", "s"], ["y"], [("axis", .int(0))]), initializers: [("s", .scalar(1))], opset: 10)
    #expect(tooNew.message == "QuantizeLinear has no attribute 'axis'")
    #expect(
      try refusal(SketchedNode("LeakyRelu", ["x"], ["y"], [("alpha", .int(1))])).message
        == "LeakyRelu takes float for attribute 'alpha', not type 2")
    let twice = try refusal(SketchedNode("LeakyRelu", ["x"], ["y"], [("alpha", .float(1)), ("alpha", .float(2))]))
    #expect(twice.message == "attribute 'alpha' is given twice")
  }

  /// Attention learned of windows in opset 25: there it is not supported, before there is no such attribute.
  @Test func attentionWithinAWindow() throws {
    func sketch(_ size: Int, opset: Int) -> ModelSketch {
      let node = SketchedNode("Attention", ["q", "q", "q"], ["y"], name: "look", [("left_window_size", .int(size))])
      return ModelSketch([node], inputs: [("q", [.fixed(1), .fixed(1), .fixed(2), .fixed(4)])], opset: opset)
    }
    #expect(try refusals(sketch(1, opset: 25)).map(\.kind) == [.unsupported])
    #expect(try refusals(sketch(1, opset: 24)).map(\.kind) == [.badInput])
    _ = try sketch(-1, opset: 25).graph()
  }

  @Test func attributesMustBeWhatTheySay() throws {
    func node(_ build: (inout WireWriter) -> Void) -> [UInt8] {
      proto { node in
        node.string(Field.Node.input, "x")
        node.string(Field.Node.output, "y")
        node.string(Field.Node.opType, "LeakyRelu")
        node.message(Field.Node.attribute) { attribute in
          attribute.string(Field.Attribute.name, "alpha")
          build(&attribute)
        }
      }
    }
    var sketch = ModelSketch([], inputs: x)
    sketch.rawNodes = [node { $0.float(Field.Attribute.f, 1) }]
    #expect(try refusals(sketch).first?.message == "attribute 'alpha' has no type")
    sketch.rawNodes = [
      node {
        $0.float(Field.Attribute.f, 1)
        $0.int(Field.Attribute.type, 2)
      }
    ]
    #expect(try refusals(sketch).first?.message == "attribute 'alpha' says type 2 but holds a value of type 1")
  }

  @Test func versionsOutsideTheTableAreRefused() throws {
    let old = try refusal(SketchedNode("Selu", ["x"], ["y"], name: "c"), opset: 5)
    #expect(old.kind == .unsupported && old.message == "operator Selu is not supported in opset 5: node 'c'")
    #expect(try refusal(SketchedNode("Relu", ["x"], ["y"]), opset: 999).message == "opset 999 is newer than 27, the newest that is known")
    var sketch = ModelSketch([SketchedNode("Relu", ["x"], ["y"])], inputs: x)
    sketch.opsets = [("", 17), ("ai.onnx", 16)]
    #expect(try refusals(sketch).first?.message == "opset_import gives the default domain twice")
    sketch.opsets = []
    #expect(try refusals(sketch).first?.message == "opset_import does not name the default domain")
    sketch.opsets = [("", 17)]
    sketch.irVersion = 2
    #expect(try refusals(sketch).first?.message == "IR version 2 is not supported")
  }

  @Test func theGraphMustHoldTogether() throws {
    let cycle = try refusal(
      SketchedNode("Add", ["x", "b"], ["a"], name: "one"), SketchedNode("Neg", ["a"], ["b"], name: "two"), SketchedNode("Neg", ["a"], ["y"])
    )
    #expect(cycle.message == "needs its own result: 'one' <- 'two'")
    #expect(try refusal(SketchedNode("Neg", ["nothing"], ["y"])).message == "value 'nothing' is not defined")
    #expect(try refusal(SketchedNode("Neg", ["x"], ["y"]), SketchedNode("Abs", ["x"], ["y"])).message == "value 'y' is defined twice")
    #expect(try refusal(SketchedNode("Neg", ["x"], ["z"])).message == "output 'y' is not computed")
    #expect(try refusal(SketchedNode("Neg", ["x", "x"], ["y"])).message == "Neg takes 1 inputs, not 2")
    let doubled = try refusal(SketchedNode("Neg", ["x"], ["y"]), initializers: [("w", .scalar(1)), ("w", .scalar(2))])
    #expect(doubled.message == "initializer 'w' is there twice or has no name")
  }

  @Test func longChainsAreWalkedWithoutRecursion() throws {
    let count = 20_000
    var nodes = (0..<count).map { SketchedNode("Neg", [$0 == 0 ? "x" : "v\($0)"], [$0 == count - 1 ? "y" : "v\($0 + 1)"]) }
    nodes.reverse()
    #expect(try ModelSketch(nodes, inputs: x).graph().nodes.count == count)
  }

  @Test func shapesMustFit() throws {
    let conv = ModelSketch(
      [SketchedNode("Conv", ["x", "w"], ["y"], name: "c", [("kernel_shape", .ints([5]))])],
      inputs: [("x", [.fixed(1), .fixed(1), .fixed(4)])],
      initializers: [("w", Tensor(zeros: .float32, [1, 1, 3]))])
    #expect(try refusals(conv).first?.description == "sketch: node 'c' (Conv): attribute 'kernel_shape' is [5], but the weights have [3]")
    let huge = Tensor(.int64, [2], [Int64.max, Int64.max])
    for op in ["ConstantOfShape", "Reshape", "Expand", "Tile"] {
      let operands = op == "ConstantOfShape" ? ["s"] : ["x", "s"]
      let input: [(String, [Extent])] = [("x", [.fixed(1), .fixed(1)])]
      let faults = try refusals(ModelSketch([SketchedNode(op, operands, ["y"])], inputs: input, initializers: [("s", huge)]))
      #expect(faults.first?.kind == .badInput, "\(op)")
    }
    let slice = [Int64.min, .max].flatMap { start in [Int64.min, -1, .max].map { (start, $0) } }
    for (start, step) in slice {
      let sketch = ModelSketch(
        [SketchedNode("Slice", ["x", "s", "e", "a", "t"], ["y"])], inputs: x,
        initializers: [
          ("s", Tensor(.int64, [1], [start])), ("e", Tensor(.int64, [1], [~start])), ("a", Tensor(.int64, [1], [Int64(0)])),
          ("t", Tensor(.int64, [1], [step])),
        ])
      #expect(throws: Never.self) { try sketch.graph() }
    }
    let pads = ModelSketch([SketchedNode("Pad", ["x", "p"], ["y"])], inputs: x, initializers: [("p", huge)])
    #expect(try refusals(pads).first?.kind == .badInput)
  }

  @Test func hostileInputShapes() throws {
    let overflow = ModelSketch([SketchedNode("Neg", ["x"], ["y"])], inputs: [("x", Array(repeating: .fixed(1 << 30), count: 4))])
    #expect(try refusals(overflow).first?.message.contains("more than any memory holds") == true)
    let deep = ModelSketch([SketchedNode("Neg", ["x"], ["y"])], inputs: [("x", Array(repeating: .fixed(1), count: 1000))])
    #expect(try refusals(deep).first?.message == "a value of rank 1000; 64 is the highest")
    let negative = ModelSketch([SketchedNode("Neg", ["x"], ["y"])], inputs: [("x", [.fixed(1), .fixed(-5)])])
    #expect(try refusals(negative).first?.message == "dimension 1 is -5")
  }

  @Test func functionsMayNotRecur() throws {
    var sketch = ModelSketch([SketchedNode("F", ["x"], ["y"], domain: "local")], inputs: x)
    sketch.opsets.append(("local", 1))
    sketch.functions = [
      ModelSketch.function("F", domain: "local", inputs: ["a"], outputs: ["b"], [SketchedNode("F", ["a"], ["b"], domain: "local")])
    ]
    #expect(try refusals(sketch).first?.message == "functions call each other more than 32 deep")
    sketch.functions = (0..<24).map { level in
      let calls = (0..<10).map {
        SketchedNode(level == 23 ? "Neg" : "F\(level + 1)", ["a"], ["t\($0)"], domain: level == 23 ? "" : "local")
      }
      return ModelSketch.function("F\(level)", domain: "local", inputs: ["a"], outputs: ["t0"], calls)
    }
    sketch.nodes = [SketchedNode("F0", ["x"], ["y"], domain: "local")]
    #expect(try refusals(sketch).contains { $0.message == "the model has more than 10000 calls" })
  }

  @Test func faultsNameTheFile() {
    let fault = #expect(throws: Diagnostic.self) { try OnnxFrontend().importModel(ImportRequest(path: "/nonexistent/m.onnx")) }
    #expect(fault?.description == "/nonexistent/m.onnx: cannot open: No such file or directory")
  }
}
