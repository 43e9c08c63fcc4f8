import CCPUKernels
import CPUBackend
import Testing

/// Layers of bits against the numeric contract written out.
struct BitsKernelTests {
  private func words(_ channels: Int) -> Int { (channels + 63) / 64 }

  private func lanes(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  /// `[channels][positions]` of -1 and +1 of each sample as bits.
  private func bits(_ signs: [Int8], _ samples: Int, _ channels: Int, _ positions: Int) -> Guarded<UInt64> {
    var result = [UInt64](repeating: 0, count: samples * positions * words(channels))
    for (index, sign) in signs.enumerated() where sign > 0 {
      let (sample, channel, position) = (index / positions / channels, index / positions % channels, index % positions)
      result[(sample * positions + position) * words(channels) + channel / 64] |= 1 << (channel % 64)
    }
    return Guarded(result)
  }

  private func window(_ generator: inout Generator, _ seed: Int) -> WindowCase {
    var test = WindowCase(&generator, seed: seed, grouped: false)
    test.shape.channels = Int32([generator.int(1...40), 64, generator.int(65...140), 128][seed % 4])
    test.shape.filters = Int32([generator.int(1...40), 64, generator.int(65...90), 48][seed / 4 % 4])
    test.batch = generator.int(1...2)
    return test
  }

  /// Bits and finished results, every remainder of rows and words, with and without a team.
  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<64 {
      var generator = Generator(seed)
      var test = window(&generator, seed)
      let s = test.shape
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let signs = generator.signs(test.inputCount)
      let weights = generator.signs(test.filters * test.inputs)
      let most = test.inputs
      // Thresholds that divide sums, and those that none or all reach.
      let least = (0..<test.filters).map { _ in
        Int32(generator.flag() ? generator.int(-most / 8...most / 8) : [-most, most, most + 1, 1 - most][generator.int(0...3)])
      }
      let turns = generator.signs(test.filters)
      let (m, c) = (generator.floats(test.filters, -1...1), generator.floats(test.filters))
      var finish = bitline_finish(
        activation: [noActivation, relu][seed % 2], quantizes: generator.flag() ? 1 : 0, scale: 0.3, lo: -20, hi: 63)
      let batch = Int64(test.batch)
      let x = bits(signs, test.batch, Int(s.channels), inputs)
      for toBits in [true, false] {
        let plan = Guarded<UInt8>(bitline_conv_bits_plan_bytes(level.isa, &test.shape, toBits ? 1 : 0))
        if toBits {
          bitline_conv_bits_prepare(level.isa, &test.shape, weights, least, turns, plan.base)
        } else {
          bitline_conv_bits_prepare_finish(level.isa, &test.shape, weights, m, c, &finish, plan.base)
        }
        let size = finish.quantizes != 0 ? 1 : 4
        let bytes = test.batch * outputs * (toBits ? words(test.filters) * 8 : lanes(test.filters) * size)
        var results: [[UInt8]] = []
        for threads in [1, 3] {
          let workspace = Guarded<UInt8>(bitline_conv_bits_workspace_bytes(plan.base, Int32(threads)))
          let y = Guarded<UInt8>(bytes)
          bitline_conv_bits_run(plan.base, batch, x.base, y.base, workspace.base, threads > 1 ? team : nil)
          #expect(plan.isIntact && workspace.isIntact && y.isIntact && x.isIntact, "\(level), \(test), to bits: \(toBits)")
          results.append(y.elements)
        }
        #expect(results[0] == results[1], "\(level), \(test): the team changes results")
        let found = Guarded(results[0])
        var wrong = 0
        var expected = [Int8](repeating: 0, count: test.outputCount)
        test.forEachResult { result, filter, taps in
          var sum = 0
          for (k, index) in taps.enumerated() { if let index { sum += Int(signs[index]) * Int(weights[filter * test.inputs + k]) } }
          if toBits {
            expected[result] = Int(turns[filter]) * sum >= Int(least[filter]) ? 1 : -1
            return
          }
          let product = Float(sum) * m[filter]
          let wanted = activate(finish.activation, product + c[filter])
          let (sample, position) = (result / outputs / test.filters, result % outputs)
          let place = (sample * lanes(test.filters) * outputs) + (filter / 16 * outputs + position) * 16 + filter % 16
          if size == 1 {
            let code = max(-20, min(63, Int((wanted / 0.3).rounded(.toNearestOrEven))))
            if found.base[place] != UInt8(truncatingIfNeeded: code) { wrong += 1 }
          } else if UnsafeRawPointer(found.base + 4 * place).loadUnaligned(as: Float.self).bitPattern != wanted.bitPattern {
            wrong += 1
          }
        }
        if toBits {
          // Bits beyond the filters are 0.
          let wanted = bits(expected, test.batch, test.filters, outputs).elements
          wrong = zip(wanted.indices, wanted).count { $1 != UnsafeRawPointer(found.base + 8 * $0).load(as: UInt64.self) }
        }
        #expect(wrong == 0, "\(level), \(test), to bits: \(toBits)")
      }
    }
  }

  /// Numbers at, beside and beyond thresholds, of channels whose codes rise and fall; and those that are no bit.
  @Test(arguments: InstructionLevel.all, [1, 15, 16, 33, 64, 100])
  func packing(_ level: InstructionLevel, _ channels: Int) {
    var generator = Generator(channels)
    let positions = 7
    for hasThird in [false, true] {
      let to = (0..<channels).map { $0 % 5 == 0 ? [-Float.infinity, .infinity][$0 / 5 % 2] : Float.random(in: -1...1, using: &generator) }
      let from = to.enumerated().map { hasThird && $0 % 3 == 0 && $1.isFinite ? $1 - 0.125 : $1 }
      let rises = (0..<channels).map { _ in generator.flag() }
      let rest = [Float](repeating: .infinity, count: lanes(channels) - channels)
      var flips = [UInt16](repeating: 0, count: lanes(channels) / 16)
      for channel in 0..<channels where !rises[channel] { flips[channel / 16] |= 1 << (channel % 16) }
      var numbers = (0..<channels * positions).map { index -> Float in
        let number = Float.random(in: -1.5...1.5, using: &generator)
        let (from, to) = (from[index / positions], to[index / positions])
        if index % 4 == 0 && to.isFinite { return index % 8 == 0 ? to : from.nextDown }
        return number >= from && number < to ? to : number
      }
      func packed(_ numbers: [Float]) -> (bits: Guarded<UInt64>, fault: Bool) {
        let blocked = Guarded<Float>(lanes(channels) * positions)
        bitline_block_channels_f32(level.isa, Int64(channels), Int64(positions), numbers, blocked.base)
        let y = Guarded<UInt64>(words(channels) * positions)
        let fault = bitline_pack_bits_f32(level.isa, Int64(channels), Int64(positions), from + rest, to + rest, flips, blocked.base, y.base)
        return (y, fault != 0)
      }
      let expected = numbers.enumerated().map { index, number in
        Int8((number >= to[index / positions]) == rises[index / positions] ? 1 : -1)
      }
      let found = packed(numbers)
      #expect(!found.fault && found.bits.isIntact, "\(level), \(channels) channels")
      #expect(found.bits.elements == bits(expected, 1, channels, positions).elements, "\(level), \(channels) channels")
      let back = Guarded<Int8>(channels * positions)
      bitline_unpack_bits(Int64(channels), Int64(positions), found.bits.base, back.base)
      #expect(back.isIntact && back.elements == expected, "\(channels) channels")
      for fault in [Float.nan, .infinity, -.infinity] {
        let place = generator.int(0...numbers.count - 1)
        let number = numbers[place]
        numbers[place] = fault
        #expect(packed(numbers).fault, "\(level), \(fault) at \(place) of \(channels) channels")
        numbers[place] = number
      }
      if let channel = from.indices.first(where: { from[$0] < to[$0] }) {
        numbers[channel * positions] = from[channel]
        #expect(packed(numbers).fault, "\(level), a third value of \(channels) channels")
      }
    }
  }

  @Test func pooling() {
    for seed in 0..<80 {
      var generator = Generator(seed)
      var test = window(&generator, seed)
      let s = test.shape
      // Every window has some element.
      test.shape.pad_top = min(s.pad_top, s.kernel_height - 1)
      test.shape.pad_left = min(s.pad_left, s.kernel_width - 1)
      test.shape.dilation_height = 1
      test.shape.dilation_width = 1
      test.shape.out_height = (s.height + test.shape.pad_top - s.kernel_height) / s.stride_height + 1
      test.shape.out_width = (s.width + test.shape.pad_left - s.kernel_width) / s.stride_width + 1
      test.shape.filters = s.channels
      let (inputs, channels) = (Int(s.height * s.width), Int(s.channels))
      let signs = generator.signs(test.inputCount)
      let isMinimum = (0..<channels).map { _ in generator.int(0...3) == 0 }
      var flips = [UInt64](repeating: 0, count: words(channels))
      for channel in 0..<channels where isMinimum[channel] { flips[channel / 64] |= 1 << (channel % 64) }
      let x = bits(signs, test.batch, channels, inputs)
      let y = Guarded<UInt64>(test.batch * test.positions * words(channels))
      bitline_pool_max_bits(&test.shape, Int64(test.batch), flips, x.base, y.base)
      var wanted: [Int8] = []
      test.shape.groups = s.channels
      test.forEachResult { _, channel, taps in
        let found = taps.compactMap { $0.map { signs[$0] } }
        wanted.append((isMinimum[channel] ? found.min() : found.max()) ?? 0)
      }
      #expect(y.isIntact && x.isIntact && y.elements == bits(wanted, test.batch, channels, test.positions).elements, "\(test)")
    }
  }
}
