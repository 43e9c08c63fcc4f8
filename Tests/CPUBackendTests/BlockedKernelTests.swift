import CCPUKernels
import CPUBackend
import Testing

/// Kernels on tensors in blocks of sixteen channels.
struct BlockedKernelTests {
  private func lanes(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  /// `[samples][channels][positions]` in blocks, and back.
  private func blocked(_ level: InstructionLevel, _ x: Guarded<Float>, _ samples: Int, _ channels: Int, _ positions: Int) -> Guarded<Float>
  {
    let result = Guarded<Float>(samples * lanes(channels) * positions)
    for sample in 0..<samples {
      bitline_block_channels_f32(
        level.isa, Int64(channels), Int64(positions), x.base + sample * channels * positions,
        result.base + sample * lanes(channels) * positions)
    }
    #expect(result.isIntact)
    return result
  }

  private func plain(_ level: InstructionLevel, _ x: Guarded<Float>, _ samples: Int, _ channels: Int, _ positions: Int) -> Guarded<Float> {
    let result = Guarded<Float>(samples * channels * positions)
    for sample in 0..<samples {
      bitline_unblock_channels_f32(
        level.isa, Int64(channels), Int64(positions), x.base + sample * lanes(channels) * positions,
        result.base + sample * channels * positions)
    }
    #expect(result.isIntact)
    return result
  }

  @Test(arguments: InstructionLevel.all)
  func layout(_ level: InstructionLevel) {
    for seed in 0..<60 {
      var generator = Generator(seed)
      let (samples, channels, positions) = (generator.int(1...3), generator.int(1...50), generator.int(1...70))
      let x = Guarded(generator.floats(samples * channels * positions))
      let inBlocks = blocked(level, x, samples, channels, positions)
      var wrong = 0
      for (place, value) in inBlocks.elements.enumerated() {
        let (sample, block) = (place / (lanes(channels) * positions), place / 16 / positions % (lanes(channels) / 16))
        let (position, channel) = (place / 16 % positions, block * 16 + place % 16)
        let wanted = channel < channels ? x.base[(sample * channels + channel) * positions + position] : 0
        if value != wanted { wrong += 1 }
      }
      #expect(wrong == 0 && plain(level, inBlocks, samples, channels, positions).elements == x.elements, "\(level), seed \(seed)")
    }
  }

  /// Both ways of convolving, with every block remainder, an addend, and teams; errors in parts of the greatest magnitude, as the op states them.
  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    let teams = [2, 3].map { bitline_team_make($0) }
    defer { for team in teams { bitline_team_end(team) } }
    var tiles = Set<String>()
    for seed in 0..<240 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      var isPlain = seed % 4 == 1
      if seed % 2 == 0 {
        // What Winograd's way takes: of windows with a stride of two, each of the four phases; and ends of every extent.
        let (kernel, stride) = [(3, 1), (3, 2), (5, 1), (7, 2), (8, 2), (4, 1)][seed / 2 % 6]
        isPlain = generator.flag()
        let channels = isPlain ? generator.int(1...(16 / (stride * stride))) : generator.int(16...50)
        // Two results along an axis or both want four points there, with a window of three.
        let height = seed % 10 == 2 ? kernel + 1 : generator.int(kernel...14 * stride)
        let width = seed % 10 == 2 || seed % 10 == 4 ? kernel + 1 : generator.int(kernel...21 * stride)
        let pad = width == kernel + 1 ? 0 : generator.int(0...kernel / 2)
        func results(_ inputs: Int) -> Int32 { Int32((inputs + 2 * pad - kernel) / stride + 1) }
        test.shape = bitline_conv_shape(
          channels: Int32(channels), height: Int32(height), width: Int32(width), filters: Int32(generator.int(16...90)), groups: 1,
          kernel_height: Int32(kernel), kernel_width: Int32(kernel), stride_height: Int32(stride), stride_width: Int32(stride),
          dilation_height: 1, dilation_width: 1, pad_top: Int32(pad), pad_left: Int32(pad), out_height: results(height),
          out_width: results(width))
        test.batch = generator.int(1...3)
      }
      if seed % 20 == 1 {
        // Points in every other column of a plain tensor: its columns are not the results'.
        (test.shape.kernel_height, test.shape.kernel_width, test.shape.stride_height, test.shape.stride_width) = (1, 1, 1, 2)
        (test.shape.pad_top, test.shape.pad_left) = (0, 0)
        (test.shape.out_height, test.shape.out_width) = (test.shape.height, (test.shape.width + 1) / 2)
      }
      let isExact = seed % 10 == 0
      let s = test.shape
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let x = Guarded(generator.floats(test.inputCount))
      let weights = generator.floats(test.filters * test.inputs)
      let bias = generator.floats(test.filters)
      let addend = generator.flag() ? Guarded(generator.floats(test.outputCount)) : nil
      let activation = [noActivation, relu, clip(-0.25, 0.5)][seed % 3]
      let batch = Int64(test.batch)
      let plan = Guarded<UInt8>(
        bitline_conv_blocked_f32_plan_bytes(level.isa, &test.shape, isPlain ? 1 : 0, batch, isExact ? 1 : 0))
      bitline_conv_blocked_f32_prepare(
        level.isa, &test.shape, isPlain ? 1 : 0, batch, isExact ? 1 : 0, weights, bias, activation, plan.base)
      let (rows, columns) = (bitline_conv_blocked_f32_winograd_rows(plan.base), bitline_conv_blocked_f32_winograd_columns(plan.base))
      tiles.insert(rows == 0 ? "none" : "\(rows)x\(columns), window \(s.kernel_width) by \(s.stride_width)\(isPlain ? ", plain" : "")")
      let source = isPlain ? x : blocked(level, x, test.batch, Int(s.channels), inputs)
      let added = addend.map { blocked(level, $0, test.batch, test.filters, outputs) }
      var results: [[Float]] = []
      for team in [nil] + teams {
        let workspace = Guarded<UInt8>(bitline_conv_blocked_f32_workspace_bytes(plan.base, batch, bitline_team_threads(team)))
        let y = Guarded<Float>(test.batch * lanes(test.filters) * outputs)
        bitline_conv_blocked_f32_run(plan.base, batch, source.base, added?.base, y.base, workspace.base, team)
        #expect(plan.isIntact && workspace.isIntact && y.isIntact && source.isIntact, "\(level), \(test)")
        results.append(plain(level, y, test.batch, test.filters, outputs).elements)
      }
      #expect(results.allSatisfy { $0 == results[0] }, "\(level), \(test): the team changes results")
      let given = x.elements
      var (worst, greatest) = (0.0, 0.0)
      test.forEachResult { result, filter, inputs in
        var sum = Double(bias[filter]) + Double(addend?.base[result] ?? 0)
        for (k, index) in inputs.enumerated() {
          if let index { sum += Double(given[index]) * Double(weights[filter * test.inputs + k]) }
        }
        let wanted = activation.kind == BITLINE_ACTIVATION_NONE ? sum : Double(activate(activation, Float(sum)))
        worst = max(worst, abs(Double(results[0][result]) - wanted))
        greatest = max(greatest, abs(sum))
      }
      let allowed = Double(Float.ulpOfOne) * (4 + Double(test.inputs).squareRoot()) * greatest
      #expect(worst <= allowed, "\(level), \(test): \(worst) of \(allowed)")
    }
    let inBlocks = [
      "2x2, window 3 by 1", "2x2, window 5 by 1", "3x3, window 3 by 2", "3x3, window 4 by 1", "3x3, window 7 by 2",
      "3x3, window 8 by 2", "4x2, window 3 by 1", "4x4, window 3 by 1",
    ]
    let inPlanes = ["2x2, window 5 by 1", "3x3, window 4 by 1", "3x3, window 7 by 2", "3x3, window 8 by 2", "4x4, window 3 by 1"]
    #expect(tiles.isSuperset(of: inBlocks + inPlanes.map { "\($0), plain" } + ["none"]), "\(level): \(tiles.sorted())")
  }

  @Test(arguments: InstructionLevel.all)
  func pooling(_ level: InstructionLevel) {
    for seed in 0..<80 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      test.shape.filters = test.shape.channels
      if seed % 2 == 0 {
        // Whole windows of two or three have a way of their own.
        let (kernel, dilation) = (Int32(2 + seed / 2 % 2), test.shape.dilation_height)
        (test.shape.kernel_height, test.shape.kernel_width) = (kernel, kernel)
        (test.shape.height, test.shape.width) = (test.shape.height + kernel * dilation, test.shape.width + kernel * dilation)
        func results(_ inputs: Int32, _ pad: Int32) -> Int32 {
          (inputs + 2 * pad - (kernel - 1) * dilation - 1) / test.shape.stride_width + 1
        }
        test.shape.out_height = results(test.shape.height, test.shape.pad_top)
        test.shape.out_width = results(test.shape.width, test.shape.pad_left)
      }
      let s = test.shape
      var numbers = generator.floats(test.inputCount)
      if seed % 5 == 0 { for index in numbers.indices where generator.int(0...20) == 0 { numbers[index] = .nan } }
      // The first of equal zeros stays; infinities of both signs have no sum.
      if seed % 5 == 1 { for index in numbers.indices { numbers[index] = [0, -0.0, .infinity, -.infinity][generator.int(0...3)] } }
      let x = Guarded(numbers)
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let (planes, blocks) = (test.batch * Int(s.channels), Int64(test.batch * lanes(Int(s.channels)) / 16))
      let source = blocked(level, x, test.batch, Int(s.channels), inputs)
      let y = Guarded<Float>(Int(blocks) * 16 * outputs)
      let wanted = Guarded<Float>(planes * outputs)
      bitline_pool_max_blocked_f32(level.isa, &test.shape, blocks, source.base, y.base, nil)
      bitline_pool_max(level.isa, BITLINE_ELEMENT_F32, &test.shape, Int64(planes), x.base, wanted.base)
      #expect(y.isIntact && sameBits(plain(level, y, test.batch, Int(s.channels), outputs).elements, wanted.elements), "\(level), \(test)")
      let counts: Int32 = generator.flag() ? 1 : 0
      bitline_pool_average_blocked_f32(level.isa, &test.shape, counts, s.pad_top, s.pad_left, blocks, source.base, y.base)
      bitline_pool_average_f32(level.isa, &test.shape, counts, s.pad_top, s.pad_left, Int64(planes), x.base, wanted.base)
      #expect(y.isIntact && sameBits(plain(level, y, test.batch, Int(s.channels), outputs).elements, wanted.elements), "\(level), \(test)")
    }
  }
}
