import CCPUKernels
import CPUBackend
import Testing

/// Int8 layers from codes to codes, against the reference written out: sums in f64 of numbers rounded to f32, in order.
struct Int8KernelTests {
  private func lanes(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  private func blocked(_ x: Guarded<UInt8>, _ samples: Int, _ channels: Int, _ positions: Int) -> Guarded<UInt8> {
    let result = Guarded<UInt8>(samples * lanes(channels) * positions)
    for sample in 0..<samples {
      bitline_block_channels_u8(
        Int64(channels), Int64(positions), x.base + sample * channels * positions, result.base + sample * lanes(channels) * positions)
    }
    return result
  }

  /// A layer's numbers, and what the reference makes of them.
  private struct Layer {
    let from: bitline_coding
    let to: bitline_coding
    let (lo, hi): (Int32, Int32)
    let weights: [Int8]
    let scales: [Float]
    let bias: [Double]?
    let factors: [Float]?

    /// With `ties`, all scales are powers of two, so that many a sum lies in the middle between two codes.
    init(_ generator: inout Generator, filters: Int, inputs: Int, ties: Bool) {
      func coding(_ scale: Float) -> bitline_coding {
        let isSigned = generator.flag()
        let zero = generator.flag() ? 0 : generator.int(isSigned ? -128...127 : 0...255)
        return bitline_coding(scale: scale, zero: Int32(zero), is_signed: isSigned ? 1 : 0)
      }
      from = coding(ties ? 0.25 : generator.floats(1, 0.001...0.1)[0])
      let spread = Float(inputs).squareRoot() * 60 * 70
      scales = (0..<filters).map { _ in ties ? 0.5 : generator.floats(1, 0.0001...0.01)[0] }
      let wanted = from.scale * scales[0] * spread / 100
      to = coding(ties ? Float(sign: .plus, exponent: wanted.exponent, significand: 1) : wanted)
      let bounds = generator.flag() ? 0...(generator.int(1...255)) : 0...255
      let least = to.is_signed != 0 ? -128 : 0
      (lo, hi) = (Int32(bounds.lowerBound + least), Int32(bounds.upperBound + least))
      let most = generator.flag() ? 127 : 128
      weights = (0..<filters * inputs).map { _ in Int8(generator.flag() ? generator.int(-most...127) : generator.int(-40...40)) }
      bias = generator.flag() ? nil : generator.floats(filters, -to.scale * 60...to.scale * 60).map { Double($0) }
      factors = generator.flag() ? nil : ties ? [Float](repeating: 0.5, count: filters) : generator.floats(filters, 0.7...1.4)
    }

    func with<R>(_ body: (inout bitline_int8_layer) -> R) -> R {
      weights.withUnsafeBufferPointer { weights in
        scales.withUnsafeBufferPointer { scales in
          withOptionalPointer(bias) { bias in
            withOptionalPointer(factors) { factors in
              var layer = bitline_int8_layer(
                from: from, to: to, lo: lo, hi: hi, weights: weights.baseAddress, scales: scales.baseAddress, bias: bias, factors: factors)
              return body(&layer)
            }
          }
        }
      }
    }

    /// A code as it lies in a byte; nil stands for padding.
    func code(_ filter: Int, _ inputs: [UInt8?]) -> UInt8 {
      var sum = 0.0
      for (k, byte) in inputs.enumerated() {
        guard let byte else { continue }
        let code = from.is_signed != 0 ? Int(Int8(bitPattern: byte)) : Int(byte)
        let x = (Float(code) - Float(from.zero)) * from.scale
        sum += Double(x) * Double(Float(weights[filter * inputs.count + k]) * scales[filter])
      }
      let y = Float(sum + (bias?[filter] ?? 0)) * (factors?[filter] ?? 1)
      let code = Int((y / to.scale).rounded(.toNearestOrEven)) + Int(to.zero)
      return UInt8(truncatingIfNeeded: min(max(code, Int(lo)), Int(hi)))
    }
  }

  /// Codes near the ends often, for what might overflow.
  private func codes(_ generator: inout Generator, _ count: Int) -> Guarded<UInt8> {
    let bytes = generator.bytes(count)
    return Guarded(bytes.map { $0 < 64 ? ($0 & 1 == 0 ? 0 : 255) : $0 })
  }

  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    var ways = Set<String>()
    for seed in 0..<200 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      if seed % 2 == 0 {
        let (height, width, pad) = (Int32(generator.int(3...13)), Int32(generator.int(3...21)), Int32(generator.int(0...1)))
        test.shape = bitline_conv_shape(
          channels: Int32(generator.int(1...50)), height: height, width: width, filters: Int32(generator.int(1...90)), groups: 1,
          kernel_height: 3, kernel_width: 3, stride_height: 1, stride_width: 1, dilation_height: 1, dilation_width: 1, pad_top: pad,
          pad_left: pad, out_height: height + 2 * pad - 2, out_width: width + 2 * pad - 2)
        test.batch = generator.int(1...3)
      }
      let s = test.shape
      let plain: Int32 = s.channels < 16 && seed % 4 != 0 ? 1 : 0
      let layer = Layer(&generator, filters: test.filters, inputs: test.inputs, ties: seed % 3 == 0)
      let x = codes(&generator, test.inputCount)
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let source = plain != 0 ? x : blocked(x, test.batch, Int(s.channels), inputs)
      let batch = Int64(test.batch)
      var results: [[UInt8]] = []
      for direct: Int32 in [0, 1] {
        let plan = layer.with { layer in
          let plan = Guarded<UInt8>(bitline_conv_i8_plan_bytes(level.isa, &test.shape, &layer, plain, batch, direct))
          bitline_conv_i8_prepare(level.isa, &test.shape, &layer, plain, batch, direct, plan.base)
          return plan
        }
        ways.insert("\(bitline_conv_i8_winograd_tile(plan.base)), plain \(plain)")
        for threads in [1, 3] {
          let workspace = Guarded<UInt8>(bitline_conv_i8_workspace_bytes(plan.base, batch, Int32(threads)))
          let y = Guarded<UInt8>(test.batch * lanes(test.filters) * outputs)
          bitline_conv_i8_run(plan.base, batch, source.base, y.base, workspace.base, threads > 1 ? team : nil)
          #expect(plan.isIntact && workspace.isIntact && y.isIntact && source.isIntact, "\(level), \(test)")
          results.append(y.elements)
        }
      }
      #expect(results.allSatisfy { $0 == results[0] }, "\(level), \(test): ways or threads change results")
      var wrong = 0
      test.forEachResult { result, filter, taps in
        let (sample, position) = (result / outputs / test.filters, result % outputs)
        let place = (sample * lanes(test.filters) * outputs) + (filter / 16 * outputs + position) * 16 + filter % 16
        if results[0][place] != layer.code(filter, taps.map { $0.map { x.base[$0] } }) { wrong += 1 }
      }
      #expect(wrong == 0, "\(level), \(test), from \(layer.from) to \(layer.to)")
    }
    #expect(ways == ["0, plain 0", "0, plain 1", "4, plain 0"], "\(level)")
  }

  @Test(arguments: InstructionLevel.all)
  func depthwise(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<100 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      let channels = generator.int(2...50)
      (test.shape.channels, test.shape.filters, test.shape.groups) = (Int32(channels), Int32(channels), Int32(channels))
      let s = test.shape
      let layer = Layer(&generator, filters: channels, inputs: test.inputs, ties: seed % 3 == 0)
      let x = codes(&generator, test.inputCount)
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let source = blocked(x, test.batch, channels, inputs)
      let plan = Guarded<UInt8>(bitline_depthwise_i8_plan_bytes(level.isa, &test.shape))
      layer.with { bitline_depthwise_i8_prepare(level.isa, &test.shape, &$0, plan.base) }
      var results: [[UInt8]] = []
      for threads in [1, 3] {
        let workspace = Guarded<UInt8>(bitline_depthwise_i8_workspace_bytes(plan.base, Int32(threads)))
        let y = Guarded<UInt8>(test.batch * lanes(channels) * outputs)
        bitline_depthwise_i8_run(plan.base, Int64(test.batch), source.base, y.base, workspace.base, threads > 1 ? team : nil)
        #expect(plan.isIntact && workspace.isIntact && y.isIntact && source.isIntact, "\(level), \(test)")
        results.append(y.elements)
      }
      #expect(results[0] == results[1], "\(level), \(test): the team changes results")
      var wrong = 0
      test.forEachResult { result, filter, taps in
        let (sample, position) = (result / outputs / channels, result % outputs)
        let place = (sample * lanes(channels) * outputs) + (filter / 16 * outputs + position) * 16 + filter % 16
        if results[0][place] != layer.code(filter, taps.map { $0.map { x.base[$0] } }) { wrong += 1 }
      }
      #expect(wrong == 0, "\(level), \(test), from \(layer.from) to \(layer.to)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func dense(_ level: InstructionLevel) {
    for seed in 0..<100 {
      var generator = Generator(seed)
      let (batch, inputs, filters) = (generator.int(1...9), generator.int(1...300), generator.int(1...150))
      let layer = Layer(&generator, filters: filters, inputs: inputs, ties: seed % 3 == 0)
      let x = codes(&generator, batch * inputs)
      let plan = Guarded<UInt8>(bitline_dense_i8_plan_bytes(level.isa, Int64(inputs), Int64(filters)))
      layer.with { bitline_dense_i8_prepare(level.isa, Int64(inputs), Int64(filters), &$0, plan.base) }
      let workspace = Guarded<UInt8>(bitline_dense_i8_workspace_bytes(plan.base, Int64(batch)))
      let y = Guarded<UInt8>(batch * filters)
      bitline_dense_i8_run(plan.base, Int64(batch), x.base, y.base, workspace.base)
      #expect(plan.isIntact && workspace.isIntact && y.isIntact && x.isIntact, "\(level), seed \(seed)")
      let wanted = (0..<batch * filters).map { place in
        layer.code(place % filters, (0..<inputs).map { x.base[place / filters * inputs + $0] })
      }
      #expect(y.elements == wanted, "\(level), seed \(seed): \(batch) x \(inputs) to \(filters)")
    }
  }

  /// Sums and means of every pair of codes' numbers, with scales that make ties and others.
  @Test(arguments: InstructionLevel.all)
  func sumsAndMeans(_ level: InstructionLevel) {
    for seed in 0..<40 {
      var generator = Generator(seed)
      func coding(_ scale: Float) -> bitline_coding {
        let isSigned = generator.flag()
        return bitline_coding(
          scale: seed % 2 == 0 ? 0.5 : scale, zero: Int32(generator.int(isSigned ? -128...127 : 0...255)), is_signed: isSigned ? 1 : 0)
      }
      let (a, b, to) = (coding(0.013), coding(0.029), coding(0.037))
      let least = to.is_signed != 0 ? -128 : 0
      let (lo, hi) = (Int32(least + generator.int(0...9)), Int32(least + 255 - generator.int(0...9)))
      func number(_ byte: UInt8, _ c: bitline_coding) -> Float {
        (Float(c.is_signed != 0 ? Int(Int8(bitPattern: byte)) : Int(byte)) - Float(c.zero)) * c.scale
      }
      func code(_ x: Float) -> UInt8 {
        let code = Int((x / to.scale).rounded(.toNearestOrEven)) + Int(to.zero)
        return UInt8(truncatingIfNeeded: min(max(code, Int(lo)), Int(hi)))
      }
      let count = 65536 - generator.int(0...40)
      let x = Guarded((0..<count).map { UInt8(truncatingIfNeeded: $0) })
      let y = Guarded((0..<count).map { UInt8(truncatingIfNeeded: $0 >> 8) })
      let sums = Guarded<UInt8>(count)
      var plan = bitline_add_codes_plan(a: a, b: b, to: to, lo: lo, hi: hi)
      bitline_add_codes(level.isa, &plan, Int64(count), x.base, y.base, sums.base, nil)
      #expect(
        sums.isIntact && sums.elements == (0..<count).map { code(number(x.base[$0], a) + number(y.base[$0], b)) }, "\(level), seed \(seed)")

      let (blocks, positions) = (3, generator.int(1...50))
      let planes = codes(&generator, blocks * positions * 16)
      let means = Guarded<UInt8>(blocks * 16)
      var mean = bitline_mean_codes_plan(from: a, to: to, lo: lo, hi: hi)
      bitline_mean_codes_blocked(level.isa, &mean, Int64(blocks), Int64(positions), planes.base, means.base)
      let wanted = (0..<blocks * 16).map { lane in
        let numbers = (0..<positions).map { Double(number(planes.base[(lane / 16 * positions + $0) * 16 + lane % 16], a)) }
        return code(Float(numbers.reduce(0, +) / Double(positions)))
      }
      #expect(means.isIntact && means.elements == wanted, "\(level), seed \(seed): means of \(positions)")
    }
  }
}

/// Calls `body` with the address of the elements, or with nil.
func withOptionalPointer<Element, R>(_ elements: [Element]?, _ body: (UnsafePointer<Element>?) -> R) -> R {
  guard let elements else { return body(nil) }
  return elements.withUnsafeBufferPointer { body($0.baseAddress) }
}
