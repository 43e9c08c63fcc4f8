import CCPUKernels
import CPUBackend
import GraphIR
import PluginAPI
import ReferenceKernels
import Testing

/// Layers on numbers rounded to bf16, with sums in f32.
struct BF16KernelTests {
  /// The nearest number of eight significant bits, halves to even.
  private func rounded(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
  }

  /// What rounding both factors of every product costs at most, in parts of the sum of their magnitudes: of eight significant bits half a unit in
  /// the last is at most 2^-8 of a number.
  private let roundingBound = 2 * 0x1p-8 + 0x1p-16
  /// What summing so many products in f32 costs at most, in parts of the same.
  private func summingBound(_ terms: Int) -> Double { Double(terms + 2) * 0x1p-24 }

  /// Checks results against sums in f64, of rounded numbers within what f32 loses, and of the given ones within what rounding loses besides.
  private func check(
    _ result: Float, bias: Float, addend: Float, _ activation: bitline_activation, _ factors: [(x: Float, w: Float)], _ comment: String
  ) {
    var (sum, exact, magnitude) = (Double(bias) + Double(addend), Double(bias) + Double(addend), Double(abs(bias) + abs(addend)))
    for (x, w) in factors {
      sum += Double(rounded(x)) * Double(rounded(w))
      exact += Double(x) * Double(w)
      magnitude += abs(Double(x) * Double(w))
    }
    func activated(_ x: Double) -> Double {
      switch activation.kind {
      case BITLINE_ACTIVATION_RELU: max(x, 0)
      case BITLINE_ACTIVATION_CLIP: min(max(x, Double(activation.lo)), Double(activation.hi))
      default: x
      }
    }
    let summing = summingBound(factors.count) * magnitude * (1 + roundingBound)
    #expect(abs(Double(result) - activated(sum)) <= summing, "\(comment), rounded")
    #expect(abs(Double(result) - activated(exact)) <= summing + roundingBound * magnitude, "\(comment)")
  }

  private func lanes(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  /// `[samples][channels][positions]` in blocks, or from there.
  private func blocked(_ x: [Float], _ samples: Int, _ channels: Int, _ positions: Int) -> [Float] {
    var result = [Float](repeating: 0, count: samples * lanes(channels) * positions)
    forEachPlace(samples, channels, positions) { plain, inBlocks in result[inBlocks] = x[plain] }
    return result
  }

  private func plain(_ x: [Float], _ samples: Int, _ channels: Int, _ positions: Int) -> [Float] {
    var result = [Float](repeating: 0, count: samples * channels * positions)
    forEachPlace(samples, channels, positions) { plain, inBlocks in result[plain] = x[inBlocks] }
    return result
  }

  private func forEachPlace(_ samples: Int, _ channels: Int, _ positions: Int, _ body: (_ plain: Int, _ inBlocks: Int) -> Void) {
    for sample in 0..<samples {
      for channel in 0..<channels {
        for position in 0..<positions {
          let inBlocks = ((sample * lanes(channels) / 16 + channel / 16) * positions + position) * 16 + channel % 16
          body((sample * channels + channel) * positions + position, inBlocks)
        }
      }
    }
  }

  /// Every block remainder, windows with strides and holes, plain inputs of few channels, addends and teams; all levels give the same bytes.
  @Test func conv() {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<100 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      if seed % 2 == 0 {
        test.shape.channels = Int32(generator.int(1...50))
        test.shape.filters = Int32(generator.int(1...70))
      }
      test.batch = min(test.batch, 2)
      let s = test.shape
      let isPlain = seed % 4 == 1 && s.kernel_width > 1 && s.stride_width <= 2 && s.dilation_width == 1
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let x = generator.floats(test.inputCount)
      let weights = generator.floats(test.filters * test.inputs)
      let bias = generator.floats(test.filters)
      let addend = generator.flag() ? generator.floats(test.outputCount) : nil
      let activation = [noActivation, relu, clip(-0.25, 0.5)][seed % 3]
      let source = Guarded(isPlain ? x : blocked(x, test.batch, Int(s.channels), inputs))
      let added = addend.map { Guarded(blocked($0, test.batch, test.filters, outputs)) }
      var results: [[Float]] = []
      for level in InstructionLevel.all {
        let plan = Guarded<UInt8>(bitline_conv_blocked_bf16_plan_bytes(level.isa, &test.shape, isPlain ? 1 : 0))
        bitline_conv_blocked_bf16_prepare(level.isa, &test.shape, isPlain ? 1 : 0, weights, bias, activation, plan.base)
        for threads in [1, 3] {
          let workspace = Guarded<UInt8>(bitline_conv_blocked_bf16_workspace_bytes(plan.base))
          let y = Guarded<Float>(test.batch * lanes(test.filters) * outputs)
          bitline_conv_blocked_bf16_run(
            plan.base, Int64(test.batch), source.base, added?.base, y.base, workspace.base, threads > 1 ? team : nil)
          #expect(plan.isIntact && workspace.isIntact && y.isIntact && source.isIntact, "\(level), \(test)")
          results.append(plain(y.elements, test.batch, test.filters, outputs))
        }
        #expect(sameBits(results[results.count - 1], results[0]) && sameBits(results[results.count - 2], results[0]), "\(level), \(test)")
      }
      test.forEachResult { result, filter, inputs in
        let factors = inputs.enumerated().compactMap { k, index in index.map { (x[$0], weights[filter * test.inputs + k]) } }
        check(results[0][result], bias: bias[filter], addend: addend?[result] ?? 0, activation, factors, "\(test), result \(result)")
      }
    }
  }

  @Test func dense() {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<60 {
      var generator = Generator(seed)
      let (batch, inputs, filters) = (generator.int(1...30), generator.int(1...(seed % 5 == 0 ? 700 : 60)), generator.int(1...70))
      let x = Guarded(generator.floats(batch * inputs))
      let weights = generator.floats(filters * inputs)
      let bias = seed % 7 == 0 ? nil : generator.floats(filters)
      let activation = [noActivation, relu, clip(-0.5, 1)][seed % 3]
      let (filterStride, inputStride) = generator.flag() ? (1, filters) : (inputs, 1)
      var results: [[Float]] = []
      for level in InstructionLevel.all {
        let plan = Guarded<UInt8>(bitline_dense_bf16_plan_bytes(level.isa, Int64(inputs), Int64(filters)))
        bitline_dense_bf16_prepare(
          level.isa, Int64(inputs), Int64(filters), weights, Int64(filterStride), Int64(inputStride), bias, activation, plan.base)
        let workspace = Guarded<UInt8>(bitline_dense_bf16_workspace_bytes(plan.base, Int64(batch)))
        let y = Guarded<Float>(batch * filters)
        bitline_dense_bf16_run(plan.base, Int64(batch), x.base, y.base, workspace.base, generator.flag() ? team : nil)
        #expect(x.isIntact && plan.isIntact && workspace.isIntact && y.isIntact, "\(level), seed \(seed)")
        results.append(y.elements)
        #expect(sameBits(y.elements, results[0]), "\(level), seed \(seed)")
      }
      let given = x.elements
      for sample in 0..<batch {
        for filter in 0..<filters {
          let factors = (0..<inputs).map { (given[sample * inputs + $0], weights[filter * filterStride + $0 * inputStride]) }
          check(
            results[0][sample * filters + filter], bias: bias?[filter] ?? 0, addend: 0, activation, factors,
            "seed \(seed), sample \(sample), filter \(filter)")
        }
      }
    }
  }

  /// What is no number stays none, and what is beyond the greatest bf16 becomes infinite.
  @Test(arguments: InstructionLevel.all)
  func numbersAtTheEnds(_ level: InstructionLevel) {
    let ones = [Float](repeating: 1, count: 16)
    let cases: [(Float, Float)] = [
      (.nan, .nan), (-.infinity, -.infinity), (.greatestFiniteMagnitude, .infinity), (1 + 0x1p-8, 1), (1 + 0x3p-8, 1 + 0x1p-6),
    ]
    for (x, wanted) in cases {
      let plan = Guarded<UInt8>(bitline_dense_bf16_plan_bytes(level.isa, 1, 16))
      bitline_dense_bf16_prepare(level.isa, 1, 16, ones, 1, 1, nil, noActivation, plan.base)
      let workspace = Guarded<UInt8>(bitline_dense_bf16_workspace_bytes(plan.base, 1))
      let y = Guarded<Float>(16)
      bitline_dense_bf16_run(plan.base, 1, [x], y.base, workspace.base, nil)
      #expect(y.elements.allSatisfy { $0 == wanted || ($0.isNaN && wanted.isNaN) }, "\(level), \(x)")
    }
  }

  private func compile(_ graph: Graph, _ given: [(key: String, value: String)]) throws -> any Executable {
    let backend = CPUBackend()
    return try backend.compile(graph, Options(given, for: backend.name, specs: backend.options))
  }

  /// A first layer, one whose sums have an addend, and a dense one.
  private func network() throws -> Graph {
    var random = Generator(8)
    var graph = Graph(name: "rounded")
    let x = graph.addInput("x", TensorType(.float32, [2, 3, 15, 17]))
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(Networks.tensor(&random, shape)) }
    let halving = Window(strides: [2, 2], pads: [1, 1, 1, 1])
    let a = try graph.append1(
      .conv(Conv(window: halving, activation: .relu)), [x, constant([32, 3, 3, 3]), constant([32])], origin: "a")
    let b = try graph.append1(.conv(Conv()), [a, constant([32, 32, 1, 1]), constant([32])], origin: "b")
    let c = try graph.append1(.binary(.add), [b, a], origin: "c")
    let flat = try graph.append1(.reshape(Reshape(shape: [2, 32 * 8 * 9])), [c], origin: "flat")
    graph.addOutput("y", try graph.append1(.dense(Dense()), [flat, constant([20, 32 * 8 * 9]), constant([20])], origin: "y"))
    return graph
  }

  /// Layers take bf16 where the option says so, and every level computes the same.
  @Test func networks() throws {
    let graph = try network()
    var generator = Generator(3)
    let inputs = graph.inputs.map { Networks.tensor(&generator, graph.type(of: $0).shape) }
    let wanted = try compile(graph, []).run(inputs, taps: [], threads: 1).outputs
    var results: [[Tensor]] = []
    for level in InstructionLevel.all {
      let executable = try compile(graph, [("precision", "bf16"), ("isa", "\(level)")])
      results.append(try executable.run(inputs, taps: [], threads: 2).outputs)
      let ending = bitline_bf16_is_native(level.isa) != 0 ? "" : "_emulated"
      let kernels = (executable.mapping?.rows ?? []).map { "\($0[2])" }
      for kernel in ["conv_blocked_bf16\(ending)", "conv_blocked_bf16\(ending)_add", "dense_bf16\(ending)"] {
        #expect(kernels.contains { $0.contains(kernel) }, "\(level): \(kernels)")
      }
    }
    #expect(results.allSatisfy { $0 == results[0] && $0 != wanted })
  }

  @Test func sumsInDoublePrecisionExcludeIt() throws {
    let graph = try network()
    #expect(throws: Diagnostic.self) { try compile(graph, [("precision", "bf16"), ("sums", "f64")]) }
  }
}
