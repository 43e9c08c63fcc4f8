import GraphIR
import OnnxFrontend
import PluginAPI
import ReferenceKernels
import Testing

/// The ops of a graph, in running order.
private func ops(_ graph: Graph) -> [String] { graph.nodes.map(\.op.name) }

/// What the first output is for these inputs.
private func run(_ graph: Graph, _ inputs: Tensor...) throws -> Tensor {
  try Diagnostics.throwIfAny(Verifier.faults(in: graph))
  return try Reference.run(graph, inputs)[Int(graph.outputs[0].value.index)]
}

@Suite struct ImportTests {
  @Test func aConvolutionalNetwork() throws {
    let sketch = ModelSketch(
      [
        SketchedNode(
          "Conv", ["x", "w", "b"], ["c"], name: "/conv", [("auto_pad", .string("SAME_UPPER")), ("kernel_shape", .ints([3, 3]))]),
        SketchedNode("BatchNormalization", ["c", "gamma", "beta", "mean", "var"], ["n"], name: "/bn", [("epsilon", .float(0))]),
        SketchedNode("Relu", ["n"], ["r"]),
        SketchedNode("MaxPool", ["r"], ["p"], name: "/pool", [("kernel_shape", .ints([2, 2])), ("strides", .ints([2, 2]))]),
        SketchedNode("Flatten", ["p"], ["f"], name: "/flatten"),
        SketchedNode("Gemm", ["f", "fc", "fb"], ["y"], name: "/fc", [("transB", .int(1))]),
      ],
      inputs: [("x", [.named("N"), .fixed(1), .fixed(4), .fixed(4)])],
      initializers: [
        ("w", Tensor(zeros: .float32, [2, 1, 3, 3])), ("b", .vector([0, 0])), ("gamma", .vector([1, 2])), ("beta", .vector([3, 4])),
        ("mean", .vector([5, 6])), ("var", .vector([4, 16])), ("fc", Tensor(zeros: .float32, [3, 8])), ("fb", .vector([1, 2, 3])),
      ])
    let graph = try sketch.graph()
    #expect(ops(graph) == ["conv", "mul", "add", "relu", "pool", "reshape", "dense"])
    #expect(graph.nodes.map(\.origin) == ["/conv", "/bn", "/bn", "Relu_2", "/pool", "/flatten", "/fc"])
    #expect(graph.type(of: graph.outputs[0].value) == TensorType(.float32, [Shape.free, 3]))
    #expect(graph[graph.nodes[2].results[0]].name == "n")
    let constants = try graph.nodes[1...2].map { try #require(graph.constant($0.operands[1])) }
    #expect(constants[0] == Tensor(.float32, [2, 1, 1], [Float(0.5), 0.5]))
    #expect(constants[1] == Tensor(.float32, [2, 1, 1], [Float(0.5), 1]))
    #expect(try run(graph.bound(batch: 2), Tensor(zeros: .float32, [2, 1, 4, 4])).floats == [1, 2, 3, 1, 2, 3])
  }

  @Test func quantizedWeightsStayVisible() throws {
    let sketch = ModelSketch(
      [
        SketchedNode("QuantizeLinear", ["x", "s", "z"], ["q"]),
        SketchedNode("DequantizeLinear", ["q", "s", "z"], ["d"]),
        SketchedNode("DequantizeLinear", ["w", "ws"], ["dw"], [("axis", .int(0))]),
        SketchedNode("Gemm", ["d", "dw"], ["y"], [("transB", .int(1))]),
      ],
      inputs: [("x", [.unsaid, .fixed(2)])],
      initializers: [
        ("s", .scalar(0.5)), ("z", Tensor(.uint8, [], [UInt8(1)])), ("w", Tensor(.int8, [2, 2], [Int8(1), -1, 2, 3])),
        ("ws", .vector([0.5, 2])),
      ])
    let graph = try sketch.graph()
    #expect(ops(graph) == ["quantize", "dequantize", "dequantize", "dense"])
    #expect(graph.nodes[0].op == .quantize(Quantize(to: .uint8, lo: 0, hi: 255)))
    #expect(try run(graph.bound(batch: 1), Tensor(.float32, [1, 2], [Float(1), 2])).floats == [-0.5, 16])
  }

  @Test func smallIntegersKeepTheirRange() throws {
    let int4 = proto { tensor in
      tensor.int(Field.Tensor.dataType, 22)
      tensor.string(Field.Tensor.name, "z")
      tensor.data(Field.Tensor.rawData, [0])
    }
    var sketch = ModelSketch(
      [SketchedNode("QuantizeLinear", ["x", "s", "z"], ["y"])], inputs: [("x", [.fixed(2)])], initializers: [("s", .scalar(1))], opset: 21)
    sketch.rawInitializers = [int4]
    #expect(try run(sketch.graph(), .vector([100, -100])).integers == [7, -8])
  }

  @Test func shapesAreComputedAtImport() throws {
    let sketch = ModelSketch(
      [
        SketchedNode("Shape", ["x"], ["s"]), SketchedNode("Gather", ["s", "zero"], ["n"]),
        SketchedNode("Unsqueeze", ["n", "axes"], ["n1"]), SketchedNode("Concat", ["n1", "rest"], ["target"], [("axis", .int(0))]),
        SketchedNode("Reshape", ["x", "target"], ["y"]),
      ],
      inputs: [("x", [.named("batch"), .fixed(2), .fixed(3)])],
      initializers: [
        ("zero", Tensor(.int64, [], [Int64(0)])), ("axes", Tensor(.int64, [1], [Int64(0)])), ("rest", Tensor(.int64, [1], [Int64(-1)])),
      ])
    let free = try sketch.graph()
    #expect(free.nodes.map(\.op) == [.reshape(Reshape(shape: [Shape.free, 6]))])
    #expect(try sketch.imported(batch: 4).graph.nodes.map(\.op) == [.reshape(Reshape(shape: [4, 6]))])
  }

  /// Extents beside the free batch are numbers to compute with, as attention divides by the root of one.
  @Test func extentsBesideTheFreeBatchAreConstants() throws {
    func sketch(_ axis: Int64) -> ModelSketch {
      ModelSketch(
        [
          SketchedNode("Shape", ["x"], ["s"]), SketchedNode("Gather", ["s", "axis"], ["n"]),
          SketchedNode("Cast", ["n"], ["f"], [("to", .int(1))]), SketchedNode("Sqrt", ["f"], ["r"]),
          SketchedNode("Div", ["x", "r"], ["y"]),
        ],
        inputs: [("x", [.named("batch"), .fixed(2), .fixed(4)])], initializers: [("axis", Tensor(.int64, [], [axis]))])
    }
    let graph = try sketch(2).graph()
    #expect(graph.nodes.map(\.op) == [.binary(.div)] && graph.constant(graph.nodes[0].operands[1])?.floats == [2])
    let fault = try #require(throws: Diagnostic.self) { try sketch(0).graph() }
    #expect(fault.kind == .unsupported && fault.hint == "bind it with --batch")
  }

  @Test func whatTheFreeBatchCannotBeUsedForIsSaid() throws {
    let size = ModelSketch(
      [
        SketchedNode("Size", ["x"], ["n"]), SketchedNode("Cast", ["n"], ["f"], [("to", .int(1))]), SketchedNode("Mul", ["x", "f"], ["y"]),
      ],
      inputs: [("x", [.named("N"), .fixed(2)])])
    let fault = try #require(throws: Diagnostic.self) { try size.graph() }
    #expect(fault.kind == .unsupported && fault.hint == "bind it with --batch" && fault.place == "node 'Cast_1'")
    #expect(try run(size.imported(batch: 2).graph, Tensor(.float32, [2, 2], [Float(1), 2, 3, 4])).floats == [4, 8, 12, 16])
  }

  @Test func dimensionsAreBoundByName() throws {
    let sketch = ModelSketch([SketchedNode("Relu", ["x"], ["y"])], inputs: [("x", [.named("N"), .named("length")])])
    let free = try #require(throws: Diagnostic.self) { try sketch.graph() }
    #expect(free.description == "sketch: input 'x': dimension 1 'length' is free; only the batch may be (bind it with --dim length=…)")
    let bound = try sketch.imported(dimensions: ["length": 7]).graph
    #expect(bound.type(of: bound.inputs[0]).shape == [Shape.free, 7])
    let unknown = try #require(throws: Diagnostic.self) { try sketch.imported(dimensions: ["length": 7, "width": 2]) }
    #expect(unknown.hint == "it has N, length")
    let fixed = ModelSketch([SketchedNode("Relu", ["x"], ["y"])], inputs: [("x", [.fixed(1), .fixed(2)])])
    #expect(try #require(throws: Diagnostic.self) { try fixed.imported(batch: 8) }.kind == .usage)
    let two = ModelSketch([SketchedNode("Add", ["a", "b"], ["y"])], inputs: [("a", [.named("N")]), ("b", [.named("M")])])
    #expect(try #require(throws: Diagnostic.self) { try two.graph() }.message == "'M' is free, and so is 'N' of another input")
  }

  @Test func oldOpsetsKeepTheirMeaning() throws {
    let x = Tensor(.float32, [1, 2, 2], [Float(0), 0, 0, 0])
    func softmax(_ opset: Int) throws -> [Float] {
      try run(
        ModelSketch([SketchedNode("Softmax", ["x"], ["y"])], inputs: [("x", [.fixed(1), .fixed(2), .fixed(2)])], opset: opset).graph(), x
      ).floats
    }
    #expect(try softmax(12) == [0.25, 0.25, 0.25, 0.25])
    #expect(try softmax(13) == [0.5, 0.5, 0.5, 0.5])
    let clip = ModelSketch([SketchedNode("Clip", ["x"], ["y"], [("max", .float(1))])], inputs: [("x", [.fixed(2)])], opset: 10)
    #expect(try run(clip.graph(), .vector([-5, 5])).floats == [-5, 1])
    let aligned = ModelSketch(
      [SketchedNode("Add", ["x", "b"], ["y"], [("broadcast", .int(1)), ("axis", .int(0))])], inputs: [("x", [.fixed(2), .fixed(2)])],
      initializers: [("b", .vector([10, 20]))], opset: 6)
    #expect(try run(aligned.graph(), Tensor(.float32, [2, 2], [Float(1), 2, 3, 4])).floats == [11, 12, 23, 24])
  }

  @Test func initializersAmongTheInputsAreNone() throws {
    var sketch = ModelSketch(
      [SketchedNode("Add", ["x", "b"], ["y"])], inputs: [("x", [.fixed(1)]), ("b", [.fixed(1)])], initializers: [("b", .vector([1]))])
    sketch.irVersion = 3
    #expect(try sketch.graph().inputs.count == 1)
    sketch.irVersion = 4
    let model = try sketch.imported()
    #expect(model.graph.inputs.count == 1 && model.notes == ["1 inputs that have an initializer are taken as constants"])
  }

  @Test func nodesAreSorted() throws {
    let sketch = ModelSketch(
      [
        SketchedNode("Neg", ["b"], ["y"]), SketchedNode("Exp", ["a"], ["b"]), SketchedNode("Abs", ["x"], ["a"]),
        SketchedNode("Log", ["x"], ["unused"]),
      ],
      inputs: [("x", [.fixed(1)])])
    let model = try sketch.imported()
    #expect(ops(model.graph) == ["abs", "exp", "neg"])
    #expect(model.notes == ["1 nodes compute nothing that the model hands out"])
  }

  @Test func functionsAreReplacedByTheirBodies() throws {
    var sketch = ModelSketch(
      [SketchedNode("Leaky", ["x"], ["y"], name: "call", domain: "local", [("slope", .float(0.5))])], inputs: [("x", [.fixed(2)])])
    sketch.opsets.append(("local", 1))
    sketch.functions = [
      ModelSketch.function(
        "Leaky", domain: "local", inputs: ["a"], outputs: ["b"], attributes: ["slope"],
        [
          SketchedNode("LeakyRelu", ["a"], ["t"], [("alpha", .reference("slope", type: 1))]),
          SketchedNode("Neg", ["t"], ["b"], name: "turn"),
        ])
    ]
    let graph = try sketch.graph()
    #expect(graph.nodes.last?.origin == "call/turn")
    #expect(try run(graph, .vector([-2, 4])).floats == [1, -4])
  }
}
