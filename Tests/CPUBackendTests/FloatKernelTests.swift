import CCPUKernels
import CPUBackend
import Testing

/// f32 convolution and dense layers against sums in f64. The bound is relative to Σ|w·x| + |bias|.
struct FloatKernelTests {
  /// Sums of at most 1280 products here. Each step rounds once, by 2^-24 of a partial sum; errors of random sign stay far below.
  static let bound = 1e-5

  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    for seed in 0..<160 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: true)
      let x = Guarded(generator.floats(test.inputCount))
      let weights = generator.floats(test.filters * test.inputs)
      let bias: [Float]? = generator.flag() ? generator.floats(test.filters) : nil
      let activation = [noActivation, relu, clip(-0.25, 0.5)][seed % 3]
      let plan = Guarded<UInt8>(bitline_conv_f32_plan_bytes(level.isa, &test.shape))
      if let bias {
        bitline_conv_f32_prepare(level.isa, &test.shape, weights, bias, activation, plan.base)
      } else {
        bitline_conv_f32_prepare(level.isa, &test.shape, weights, nil, activation, plan.base)
      }
      let workspace = Guarded<UInt8>(bitline_conv_f32_workspace_bytes(plan.base, Int64(test.batch)))
      let y = Guarded<Float>(test.outputCount)
      bitline_conv_f32_run(plan.base, Int64(test.batch), x.base, y.base, workspace.base)
      #expect(x.isIntact && plan.isIntact && workspace.isIntact && y.isIntact, "\(level), \(test)")
      let (given, results) = (x.elements, y.elements)
      var worst = 0.0
      test.forEachResult { result, filter, inputs in
        var sum = Double(bias?[filter] ?? 0)
        var magnitude = abs(sum)
        for (k, index) in inputs.enumerated() {
          guard let index else { continue }
          let product = Double(given[index]) * Double(weights[filter * test.inputs + k])
          sum += product
          magnitude += abs(product)
        }
        let wanted = activation.kind == BITLINE_ACTIVATION_NONE ? sum : Double(activate(activation, Float(sum)))
        worst = max(worst, abs(Double(results[result]) - wanted) / max(magnitude, 1e-30))
      }
      #expect(worst <= FloatKernelTests.bound, "\(level), \(test)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func dense(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<120 {
      var generator = Generator(seed)
      // At times few filters of many inputs.
      let isLong = seed % 10 == 3
      let (batch, inputs) = (generator.int(1...20), isLong ? generator.int(1000...1100) : generator.int(1...(seed % 5 == 0 ? 900 : 60)))
      let filters = generator.int(1...(isLong ? 18 : 70))
      let isTransposed = generator.flag()
      let x = Guarded(generator.floats(batch * inputs))
      let weights = generator.floats(filters * inputs)
      let bias = generator.floats(filters)
      let activation = [noActivation, relu, clip(-0.5, 1)][seed % 3]
      let (filterStride, inputStride) = isTransposed ? (1, filters) : (inputs, 1)
      let plan = Guarded<UInt8>(bitline_dense_f32_plan_bytes(level.isa, Int64(inputs), Int64(filters)))
      bitline_dense_f32_prepare(
        level.isa, Int64(inputs), Int64(filters), weights, Int64(filterStride), Int64(inputStride), bias, activation, plan.base)
      let y = Guarded<Float>(batch * filters)
      bitline_dense_f32_run(plan.base, Int64(batch), x.base, y.base, generator.flag() ? team : nil)
      #expect(plan.isIntact && y.isIntact, "\(level), seed \(seed)")
      let (given, results) = (x.elements, y.elements)
      for sample in 0..<batch {
        for filter in 0..<filters {
          var sum = Double(bias[filter])
          var magnitude = abs(sum)
          for k in 0..<inputs {
            let product = Double(given[sample * inputs + k]) * Double(weights[filter * filterStride + k * inputStride])
            sum += product
            magnitude += abs(product)
          }
          let wanted = activation.kind == BITLINE_ACTIVATION_NONE ? sum : Double(activate(activation, Float(sum)))
          let error = abs(Double(results[sample * filters + filter]) - wanted)
          #expect(error <= FloatKernelTests.bound * magnitude, "\(level), seed \(seed), sample \(sample), filter \(filter)")
        }
      }
    }
  }

  /// Sums in f64, in order, are the reference's bytes at every level: no bound.
  @Test(arguments: InstructionLevel.all)
  func orderedConv(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<80 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: true)
      let x = Guarded(generator.floats(test.inputCount))
      let weights = generator.floats(test.filters * test.inputs)
      let bias = generator.floats(test.filters)
      let activation = [noActivation, relu, clip(-0.25, 0.5)][seed % 3]
      let plan = Guarded<UInt8>(bitline_conv_f32_f64_plan_bytes(level.isa, &test.shape))
      bitline_conv_f32_f64_prepare(level.isa, &test.shape, weights, bias, activation, plan.base)
      let workspace = Guarded<UInt8>(bitline_conv_f32_f64_workspace_bytes(plan.base, Int64(test.batch), 3))
      let y = Guarded<Float>(test.outputCount)
      bitline_conv_f32_f64_run(plan.base, Int64(test.batch), x.base, y.base, workspace.base, generator.flag() ? team : nil)
      #expect(x.isIntact && plan.isIntact && workspace.isIntact && y.isIntact, "\(level), \(test)")
      let (given, results) = (x.elements, y.elements)
      test.forEachResult { result, filter, inputs in
        var sum = 0.0
        for (k, index) in inputs.enumerated() {
          sum += (index.map { Double(given[$0]) } ?? 0) * Double(weights[filter * test.inputs + k])
        }
        let wanted = activate(activation, Float(sum + Double(bias[filter])))
        #expect(results[result].bitPattern == wanted.bitPattern, "\(level), \(test), result \(result)")
      }
    }
  }

  @Test(arguments: InstructionLevel.all)
  func orderedDense(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<60 {
      var generator = Generator(seed)
      let (batch, inputs, filters) = (generator.int(1...20), generator.int(1...300), generator.int(1...70))
      let x = Guarded(generator.floats(batch * inputs))
      let weights = generator.floats(filters * inputs)
      let bias = generator.floats(filters)
      let activation = [noActivation, relu, clip(-0.5, 1)][seed % 3]
      let (filterStride, inputStride) = generator.flag() ? (1, filters) : (inputs, 1)
      let plan = Guarded<UInt8>(bitline_dense_f32_f64_plan_bytes(level.isa, Int64(inputs), Int64(filters)))
      bitline_dense_f32_f64_prepare(
        level.isa, Int64(inputs), Int64(filters), weights, Int64(filterStride), Int64(inputStride), bias, activation, plan.base)
      let y = Guarded<Float>(batch * filters)
      bitline_dense_f32_f64_run(plan.base, Int64(batch), x.base, y.base, generator.flag() ? team : nil)
      #expect(x.isIntact && plan.isIntact && y.isIntact, "\(level), seed \(seed)")
      let (given, results) = (x.elements, y.elements)
      for sample in 0..<batch {
        for filter in 0..<filters {
          var sum = 0.0
          for k in 0..<inputs {
            sum += Double(given[sample * inputs + k]) * Double(weights[filter * filterStride + k * inputStride])
          }
          let wanted = activate(activation, Float(sum + Double(bias[filter])))
          #expect(results[sample * filters + filter].bitPattern == wanted.bitPattern, "\(level), seed \(seed)")
        }
      }
    }
  }

  /// Results of a sample do not depend on what else is in the batch.
  @Test(arguments: InstructionLevel.all)
  func samplesDoNotDependOnTheBatch(_ level: InstructionLevel) {
    for seed in 0..<20 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: true)
      test.batch = 13
      let x = Guarded(generator.floats(test.inputCount))
      let plan = Guarded<UInt8>(bitline_conv_f32_plan_bytes(level.isa, &test.shape))
      bitline_conv_f32_prepare(level.isa, &test.shape, generator.floats(test.filters * test.inputs), nil, noActivation, plan.base)
      let workspace = Guarded<UInt8>(bitline_conv_f32_workspace_bytes(plan.base, Int64(test.batch)))
      let (whole, single) = (Guarded<Float>(test.outputCount), Guarded<Float>(test.outputCount))
      bitline_conv_f32_run(plan.base, Int64(test.batch), x.base, whole.base, workspace.base)
      for sample in 0..<test.batch {
        let (from, to) = (test.inputCount / test.batch * sample, test.outputCount / test.batch * sample)
        bitline_conv_f32_run(plan.base, 1, x.base + from, single.base + to, workspace.base)
      }
      #expect(sameBits(whole.elements, single.elements), "\(level), \(test)")
    }
  }
}
