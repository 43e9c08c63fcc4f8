import CCPUKernels
import CPUBackend
import GraphIR
import PluginAPI
import ReferenceKernels
import Testing

/// Whole graphs on the backend, node by node against reference kernels that are given the very same operands.
struct BackendTests {
  private func compile(_ graph: Graph, _ given: [(key: String, value: String)] = []) throws -> any Executable {
    let backend = CPUBackend()
    return try backend.compile(graph, Options(given, for: backend.name, specs: backend.options))
  }

  private func input(_ graph: Graph, batch: Int, seed: Int = 9) -> [Tensor] {
    var generator = Generator(seed)
    return graph.inputs.map { Networks.tensor(&generator, graph.type(of: $0).shape.bound(batch: batch)) }
  }

  /// Every value of the graph, from one run with all of them tapped.
  private func expectEveryNode(_ graph: Graph, batch: Int, _ options: [(key: String, value: String)] = [], threads: Int = 2) throws {
    let values = try compile(graph, options).run(input(graph, batch: batch), taps: graph.valueIDs, threads: threads).taps
    for node in graph.nodes {
      let operands = node.operands.map { values[Int($0.index)] }
      let tolerance = node.op.tolerance(for: operands.map(\.type))
      for (id, wanted) in zip(node.results, try Reference.evaluate(node.op, operands)) {
        let violation = tolerance.firstViolation(reference: wanted, candidate: values[Int(id.index)])
        #expect(violation == nil, "\(graph.name), batch \(batch), \(options), node \(node.origin): element \(violation ?? -1)")
      }
    }
  }

  @Test(arguments: InstructionLevel.all, [1, 2, 7, 33])
  func everyNode(_ level: InstructionLevel, _ batch: Int) throws {
    for make in [
      Networks.float, Networks.residual, Networks.lowered, Networks.codes, Networks.read, Networks.quantized, Networks.whole,
      Networks.odd,
    ] {
      try expectEveryNode(make(Shape.free, 1), batch: batch, [("isa", "\(level)")])
      try expectEveryNode(make(batch, 1), batch: batch, [("isa", "\(level)")])
    }
    try expectEveryNode(Networks.signs(batch: Shape.free), batch: batch, [("isa", "\(level)")])
  }

  @Test func neitherThreadsNorChunksChangeAByte() throws {
    let signs = { try Networks.signs(batch: $0, seed: $1) }
    for make in [
      Networks.float, Networks.residual, Networks.lowered, Networks.codes, Networks.read, Networks.quantized, Networks.whole,
      Networks.odd,
      signs,
    ] {
      let graph = try make(Shape.free, 4)
      let inputs = input(graph, batch: 13)
      let wanted = try compile(graph).run(inputs, taps: graph.valueIDs, threads: 1)
      for (chunk, threads) in [("1", 1), ("3", 2), ("13", 1), ("4", 5), ("0", 4), ("2", 100)] {
        let result = try compile(graph, [("chunk", chunk)]).run(inputs, taps: graph.valueIDs, threads: threads)
        #expect(result.outputs == wanted.outputs && result.taps == wanted.taps, "\(graph.name), chunk \(chunk), threads \(threads)")
      }
    }
  }

  @Test(arguments: ["residual", "float", "codes"])
  func tapsDoNotChangeOutputs(_ name: String) throws {
    let graph = try ["residual": Networks.residual, "float": Networks.float, "codes": Networks.codes][name]!(Shape.free, 3)
    let executable = try compile(graph)
    let inputs = input(graph, batch: 5)
    let all = try executable.run(inputs, taps: graph.valueIDs, threads: 1)
    let none = try executable.run(inputs, taps: [], threads: 1)
    #expect(all.outputs == none.outputs && none.taps.isEmpty)
    #expect(all.taps[0] == inputs[0])
  }

  /// Layers between codes run on codes, and give the very codes that reference kernels give by way of numbers.
  @Test(arguments: InstructionLevel.all)
  func codedLayersAreTheReference(_ level: InstructionLevel) throws {
    for (batch, seed) in [(Shape.free, 6), (3, 7), (Shape.free, 8)] {
      let graph = try Networks.quantized(batch: batch, seed: seed)
      let inputs = input(graph, batch: 3)
      let executable = try compile(graph, [("isa", "\(level)")])
      let kernels = try #require(executable.mapping).rows.map { "\($0[2])" }.joined(separator: " ")
      let transforms = level.isa == BITLINE_ISA_NEON ? [] : ["conv_i8_winograd_4x4"]
      for kernel in transforms + ["conv_i8", "depthwise_i8", "dense_i8", "add_codes", "mean_codes"] {
        #expect(kernels.contains("\(kernel)"), "\(kernel) in \(kernels)")
      }
      let results = try executable.run(inputs, taps: [], threads: 2).outputs
      // Two layers run in floating point, and what follows from them.
      let isFloat: Set = ["open", "grouped", "g", "g numbers"]
      let values = try referenceValues(graph, inputs)
      for (output, found) in zip(graph.outputs, results) where !isFloat.contains(output.name) {
        #expect(found == values[Int(output.value.index)], "\(level), batch \(batch), seed \(seed): \(output.name)")
      }
    }
  }

  /// Activations whose bounds lie apart leave one code; sums beyond 32 bits leave the codes' kernels.
  @Test func layersAtTheEdgeOfCodes() throws {
    var graph = Graph(name: "edges")
    let x = graph.addInput("x", TensorType(.float32, [2, 16, 3, 3]))
    let (one, zero) = (graph.addConstant(.scalar(1)), graph.addConstant(Tensor(.uint8, [], [30] as [UInt8])))
    func coded(_ value: ValueID, _ name: String, scale: Float = 1) throws -> ValueID {
      let scale = graph.addConstant(.scalar(scale))
      return try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 255)), [value, scale, zero], origin: name)
    }
    func number(_ codes: ValueID, _ name: String) throws -> ValueID {
      try graph.append1(.dequantize(AxisAttribute(axis: 1)), [codes, one, zero], origin: name)
    }
    func weights(_ shape: Shape, _ code: Int8) throws -> ValueID {
      let codes = graph.addConstant(Tensor(.int8, shape, [Int8](repeating: code, count: shape.dimensions.reduce(1, *))))
      return try graph.append1(.dequantize(AxisAttribute(axis: 0)), [codes, one], origin: "w")
    }
    let codes = try coded(x, "codes")
    let clips = [Clip(lo: -20, hi: -10), Clip(lo: 5, hi: 9), Clip(lo: 40, hi: 60), Clip(lo: -9, hi: 7)]
    for (index, pair) in [(0, 1), (1, 0), (1, 2), (2, 1), (3, 1)].enumerated() {
      let name = "clips \(index)"
      let conv = try graph.append1(.conv(Conv()), [number(codes, name), weights([16, 16, 1, 1], 1)], origin: name)
      let first = try graph.append1(.clip(clips[pair.0]), [conv], origin: name)
      let second = try graph.append1(.clip(clips[pair.1]), [first], origin: name)
      graph.addOutput(name, try coded(second, name))
    }
    let long = graph.addInput("long", TensorType(.float32, [1, 70_000]))
    let far = try number(coded(long, "long codes"), "long numbers")
    let dense = try graph.append1(.dense(Dense()), [far, weights([16, 70_000], 127)], origin: "dense")
    graph.addOutput("dense", try coded(dense, "dense", scale: 2e7))
    let tensors = [
      Tensor(.float32, [2, 16, 3, 3], (0..<288).map { Float($0 * 37 % 23 - 11) / 4 }),
      Tensor(.float32, [1, 70_000], [Float](repeating: 255, count: 70_000)),
    ]
    let executable = try compile(graph)
    try expectReference(executable, tensors, "edges")
    let kernels = try #require(executable.mapping).rows.map { "\($0[2])" }
    #expect(kernels.count { $0.contains("conv_i8") } == 5 && !kernels.contains { $0.contains("dense_i8") }, "\(kernels)")
  }

  /// The same of layers of whole numbers, which sum without rounding.
  @Test(arguments: InstructionLevel.all)
  func wholeLayersAreTheReference(_ level: InstructionLevel) throws {
    for (batch, seed) in [(Shape.free, 10), (2, 11)] {
      let graph = try Networks.whole(batch: batch, seed: seed)
      let inputs = input(graph, batch: 2)
      let executable = try compile(graph, [("isa", "\(level)")])
      let kernels = try #require(executable.mapping).rows.map { "\($0[2])" }
      #expect(!kernels.contains { $0.contains("reference") }, "\(kernels)")
      let values = try referenceValues(graph, inputs)
      for (output, found) in zip(graph.outputs, try executable.run(inputs, taps: [], threads: 2).outputs) {
        #expect(found == values[Int(output.value.index)], "\(level), batch \(batch), seed \(seed): \(output.name)")
      }
    }
  }

  /// Integer layers give the reference's sums, and the numbers that they stand for, when their scales and zero points are found while running.
  @Test(arguments: InstructionLevel.all)
  func integerLayersAreTheReference(_ level: InstructionLevel) throws {
    for (batch, seed) in [(1, 16), (2, 17), (5, 18)] {
      let graph = try Networks.dynamic(batch: batch, seed: seed)
      let executable = try compile(graph, [("isa", "\(level)")])
      let rows = try #require(executable.mapping).rows.map { ("\($0[1])", "\($0[2])") }
      let wanted = [("conv_sums_i8\"", 2), ("conv_sums_i8_rescale\"", 1), ("matmul_sums_i8\"", 1), ("matmul_sums_i8_rescale\"", 2)]
      for (kernel, count) in wanted { #expect(rows.count { $0.1.contains(kernel) } == count, "\(kernel) in \(rows)") }
      #expect(rows.count { $0.0.contains("conv") && $0.1.contains("reference") } == 1, "\(rows)")
      try expectReference(executable, input(graph, batch: batch), "\(level), batch \(batch), seed \(seed)")
      try expectEveryNode(graph, batch: batch, [("isa", "\(level)")])
    }
  }

  /// Tiles that are read while they are looked up give the reference's bytes.
  @Test(arguments: InstructionLevel.all)
  func layersOfTilesAreTheReference(_ level: InstructionLevel) throws {
    for (batch, seed) in [(Shape.free, 14), (2, 15)] {
      let graph = try Networks.read(batch: batch, seed: seed)
      let executable = try compile(graph, [("isa", "\(level)")])
      let kernels = try #require(executable.mapping).rows.map { "\($0[2])" }.filter { $0.contains("conv") }
      // The layer of codes of 8 bits is multiplied.
      let looked = kernels.count { $0.contains("conv_lookup") }
      #expect(looked == (level.isa == BITLINE_ISA_AVX512 ? 4 : 0) && kernels.count == 5, "\(kernels)")
      try expectReference(executable, input(graph, batch: 2), "\(level), batch \(batch), seed \(seed)")
    }
  }

  /// Layers of signs run on bits, and give the reference's bytes, however signs are written.
  @Test(arguments: InstructionLevel.all, Networks.SignForm.allCases)
  func layersOfBitsAreTheReference(_ level: InstructionLevel, _ form: Networks.SignForm) throws {
    for (batch, seed) in [(Shape.free, 12), (2, 13)] {
      let graph = try Networks.signs(batch: batch, seed: seed, form)
      let executable = try compile(graph, [("isa", "\(level)")])
      let kernels = try #require(executable.mapping).rows.map { "\($0[2])" }.joined(separator: " ")
      for kernel in [
        "pack_bits_f32", "conv_bits", "pool_max_bits", "conv_bits_rescale", "conv_bits_rescale_quantize", "dense_bits",
        "dense_bits_rescale",
      ] {
        #expect(kernels.contains("\(kernel)\""), "\(kernel) in \(kernels)")
      }
      #expect(!kernels.contains("reference"), "\(kernels)")
      var inputs = input(graph, batch: 2)
      try expectReference(executable, inputs, "\(level), \(form), batch \(batch), seed \(seed)")
      // What is no finite number is no bit.
      for fault in batch == 2 ? [Float.nan, .infinity] : [] {
        var numbers = inputs[0].floats
        numbers[numbers.count / 2] = fault
        inputs = [Tensor(.float32, inputs[0].shape, numbers)]
        try expectReference(executable, inputs, "\(level), \(form), \(fault)")
      }
    }
  }

  /// Whatever lies between sums and signs, bits are the reference's codes.
  @Test func randomStepsBetweenBits() throws {
    var layers = 0
    for seed in 0..<90 {
      let graph = try Networks.randomSigns(seed: seed)
      let executable = try compile(graph)
      layers += try #require(executable.mapping).rows.count { "\($0[2])".contains("conv_bits\"") }
      try expectReference(executable, input(graph, batch: 2, seed: seed), graph.name)
    }
    #expect(layers > 60)
  }

  /// A zero has a sign of 0: the run finds it and starts anew without bits, and so does one where zeros are no rarity, which never had any.
  @Test(arguments: InstructionLevel.all)
  func signsOfZero(_ level: InstructionLevel) throws {
    for zeros in 0...2 {
      var random = Generator(zeros)
      var graph = Graph(name: "zeros")
      let x = graph.addInput("x", TensorType(.float32, [Shape.free, 32, 5, 6]))
      let one = graph.addConstant(.scalar(1))
      let positive = zeros == 2 ? try graph.append1(.unary(.relu), [x], origin: "relu") : x
      let sign = try graph.append1(.unary(.sign), [positive], origin: "sign")
      let codes = try graph.append1(.quantize(Quantize(to: .int8, lo: -1, hi: 1)), [sign, one], origin: "codes")
      let weights = graph.addConstant(Networks.bits(&random, [16, 32, 3, 3]))
      let sums = try graph.append1(.binaryConv(BinaryConv(window: Window(pads: [1, 1, 1, 1]))), [codes, weights], origin: "sums")
      let (m, c) = (graph.addConstant(.vector(random.floats(16))), graph.addConstant(.vector(random.floats(16))))
      graph.addOutput("y", try graph.append1(.rescale(Rescale()), [sums, m, c], origin: "y"))
      let executable = try compile(graph, [("isa", "\(level)")])
      #expect(try #require(executable.mapping).rows.contains { "\($0[2])".contains("pack_bits") } == (zeros < 2))
      var numbers = input(graph, batch: 4)[0].floats
      if zeros == 1 { numbers[1234] = 0 }
      try expectReference(executable, [Tensor(.float32, [4, 32, 5, 6], numbers)], "\(level), \(zeros)")
    }
  }

  private func expectReference(_ executable: any Executable, _ inputs: [Tensor], _ comment: String) throws {
    let graph = executable.graph
    let results = try executable.run(inputs, taps: [], threads: 2).outputs
    let values = try referenceValues(graph, inputs)
    for (output, found) in zip(graph.outputs, results) {
      #expect(found == values[Int(output.value.index)], "\(comment): \(output.name)")
    }
    // With every value tapped.
    let taps = try executable.run(inputs, taps: graph.valueIDs, threads: 1)
    #expect(taps.outputs == results, "\(comment)")
  }

  /// All values by reference kernels alone.
  private func referenceValues(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor?] {
    var values = [Tensor?](repeating: nil, count: graph.values.count)
    for (input, tensor) in zip(graph.inputs, inputs) { values[Int(input.index)] = tensor }
    for id in graph.valueIDs { if let tensor = graph.constant(id) { values[Int(id.index)] = tensor } }
    for node in graph.nodes {
      let results = try Reference.evaluate(node.op, node.operands.map { try #require(values[Int($0.index)]) })
      for (result, tensor) in zip(node.results, results) { values[Int(result.index)] = tensor }
    }
    return values
  }

  /// Memory that runs leave behind must not reach later ones.
  @Test func runsOfDifferentBatches() throws {
    let graph = try Networks.lowered(batch: Shape.free)
    let executable = try compile(graph)
    for batch in [9, 1, 40, 0, 2] {
      let inputs = input(graph, batch: batch)
      let again = try compile(graph).run(inputs, taps: [], threads: 1)
      #expect(try executable.run(inputs, taps: [], threads: 2).outputs == again.outputs, "batch \(batch)")
      #expect(again.outputs[0].shape == [batch, 10])
    }
  }

  /// A softmax over the batch keeps it whole.
  @Test func graphsThatMixSamplesRunWhole() throws {
    var graph = Graph(name: "mixing")
    let x = graph.addInput("x", TensorType(.float32, [6, 5]))
    let a = try graph.append1(.unary(.relu), [x], origin: "a")
    let b = try graph.append1(.softmax(AxisAttribute(axis: 0)), [a], origin: "b")
    let c = try graph.append1(.transpose(Transpose(order: [1, 0])), [b], origin: "c")
    graph.addOutput("c", c)
    try expectEveryNode(graph, batch: 6, [("chunk", "2")], threads: 3)
  }

  /// Windows on one to three axes, with unequal padding, rounded up or not, counting padding or not.
  @Test(arguments: InstructionLevel.all)
  func poolingOfEveryKind(_ level: InstructionLevel) throws {
    for axes in 1...3 {
      for choice in 0..<8 {
        var graph = Graph(name: "pool of \(axes) axes, choice \(choice)")
        let x = graph.addInput("x", TensorType(.float32, Shape([Shape.free, 3] + [9, 11, 6].prefix(axes))))
        var pool = Pool()
        pool.kind = choice & 1 == 0 ? .average : .max
        pool.countPadding = choice & 2 == 0
        pool.roundUp = choice & 4 == 0
        pool.kernel = Array([3, 2, 3].prefix(axes))
        pool.window = Window(
          strides: Array([2, 2, 1].prefix(axes)), pads: Array([1, 0, 2].prefix(axes)) + Array([2, 1, 1].prefix(axes)))
        graph.addOutput("y", try graph.append1(.pool(pool), [x], origin: "pool"))
        if pool.roundUp {
          // Windows larger than what they see.
          let small = graph.addInput("small", TensorType(.float32, Shape([Shape.free, 3] + [2, 1, 3].prefix(axes))))
          pool.window.pads = []
          graph.addOutput("of small", try graph.append1(.pool(pool), [small], origin: "pool of small"))
        }
        try expectEveryNode(graph, batch: 3, [("isa", "\(level)")])
      }
    }
  }

  /// Per-axis parameters, zero points, readouts too wide for kernels, means, and convolutions of three axes.
  @Test(arguments: InstructionLevel.all)
  func seldomNeeded(_ level: InstructionLevel) throws {
    var random = Generator(5)
    var graph = Graph(name: "seldom")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 4, 5, 6]))
    let scales = graph.addConstant(.vector([0.1, 0.02, 0.5, 0.25]))
    let zeros = graph.addConstant(Tensor(.uint8, [4], [3, 0, 128, 255] as [UInt8]))
    let zero = graph.addConstant(Tensor(.uint8, [], [7] as [UInt8]))
    let axis = AxisAttribute(axis: 1)
    let q = try graph.append1(.quantize(Quantize(to: .uint8, lo: 1, hi: 250)), [x, scales, zeros], origin: "q")
    let r = try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 255)), [x, scales, zero], origin: "r")
    let wide = try graph.append1(.quantize(Quantize(to: .int16, lo: -999, hi: 999)), [x, scales], origin: "wide")
    for (name, codes) in [("q", q), ("r", r)] {
      graph.addOutput(name, try graph.append1(.dequantize(axis), [codes, scales, zeros], origin: "back \(name)"))
    }
    graph.addOutput("wide", try graph.append1(.dequantize(axis), [wide, scales], origin: "back wide"))
    var conv = BinaryConv()
    conv.tile = 5
    conv.readout = .adc(bits: 24, lsb: 0.001)
    let weights = graph.addConstant(Networks.bits(&random, [6, 4, 3, 3]))
    graph.addOutput("fine", try graph.append1(.binaryConv(conv), [q, weights], origin: "fine"))
    var mean = Reduce()
    mean.kind = .mean
    mean.axes = [3, 2]
    graph.addOutput("mean", try graph.append1(.reduce(mean), [x], origin: "mean"))
    let block = try graph.append1(.reshape(Reshape(shape: [Shape.free, 2, 2, 5, 6])), [x], origin: "block")
    let deep = graph.addConstant(Networks.tensor(&random, [3, 2, 2, 2, 2]))
    graph.addOutput("deep", try graph.append1(.conv(Conv()), [block, deep], origin: "deep"))
    try expectEveryNode(graph, batch: 5, [("isa", "\(level)")])
  }

  @Test func constantOutputs() throws {
    var graph = Graph(name: "constant")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 2]))
    let seven = graph.addConstant(.vector([3, 4]))
    let sum = try graph.append1(.binary(.add), [seven, seven], origin: "sum")
    graph.addOutput("sum", sum)
    graph.addOutput("x", x)
    let result = try compile(graph).run([Tensor(.float32, [1, 2], [1, 2] as [Float])], taps: [seven], threads: 1)
    #expect(result.outputs[0] == .vector([6, 8]) && result.taps[0] == .vector([3, 4]) && result.outputs[1].floats == [1, 2])
  }

  @Test func inputsThatDoNotFitAreRefused() throws {
    let graph = try Networks.float(batch: Shape.free)
    let executable = try compile(graph)
    #expect(throws: Diagnostic.self) { try executable.run([], taps: [], threads: 1) }
    #expect(throws: Diagnostic.self) { try executable.run([Tensor(zeros: .float32, [2, 3, 14, 13])], taps: [], threads: 1) }
    #expect(throws: Diagnostic.self) { try executable.run([Tensor(zeros: .int32, [2, 3, 14, 14])], taps: [], threads: 1) }
  }

  @Test func foreignOpsAreRefused() throws {
    var graph = Graph(name: "foreign")
    let x = graph.addInput("x", TensorType(.float32, [2]))
    var custom = Custom()
    custom.name = "theirs"
    custom.resultShape = [2]
    graph.addOutput("y", try graph.append1(.custom(custom), [x], origin: "there"))
    #expect(throws: Diagnostic.self) { try compile(graph) }
  }
}

struct MemoryPlanTests {
  @Test func valuesAliveTogetherDoNotOverlap() {
    for seed in 0..<50 {
      var generator = Generator(seed)
      let requests = (0..<generator.int(1...40)).map { _ in
        let first = generator.int(-1...20)
        return MemoryPlan.Request(bytes: generator.int(0...1000), first: first, last: first + generator.int(0...8))
      }
      let plan = MemoryPlan(requests)
      for (a, x) in requests.enumerated() {
        #expect(plan.offsets[a] % MemoryPlan.alignment == 0 && plan.offsets[a] + x.bytes <= plan.bytes, "seed \(seed)")
        for (b, y) in requests.enumerated() where a < b && x.first <= y.last && y.first <= x.last {
          let apart = plan.offsets[a] + x.bytes <= plan.offsets[b] || plan.offsets[b] + y.bytes <= plan.offsets[a]
          #expect(apart || x.bytes == 0 || y.bytes == 0, "seed \(seed): \(a) and \(b)")
        }
      }
      #expect(plan.bytes <= plan.unsharedBytes)
    }
  }

  @Test func aChainTakesItsTwoLargestNeighbours() {
    let sizes = [640, 1280, 320, 1280, 640]
    let plan = MemoryPlan(sizes.enumerated().map { MemoryPlan.Request(bytes: $1, first: $0 - 1, last: $0) })
    #expect(plan.bytes == 1920)
  }
}

struct InstructionLevelTests {
  @Test func levelsByName() throws {
    #expect(InstructionLevel.all.first?.description == "portable")
    for level in InstructionLevel.all { #expect(try InstructionLevel(named: level.description) == level) }
    #expect(throws: Diagnostic.self) { try InstructionLevel(named: "sse9") }
  }
}
