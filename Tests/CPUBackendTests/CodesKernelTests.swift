import CCPUKernels
import CPUBackend
import Testing

/// Convolutions of codes in blocks of channels, from codes to finished results, against the numeric contract written out.
struct CodesKernelTests {
  private func lanes(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  private func blocked(_ x: Guarded<UInt8>, _ samples: Int, _ channels: Int, _ positions: Int) -> Guarded<UInt8> {
    let result = Guarded<UInt8>(samples * lanes(channels) * positions)
    for sample in 0..<samples {
      bitline_block_channels_u8(
        Int64(channels), Int64(positions), x.base + sample * channels * positions, result.base + sample * lanes(channels) * positions)
    }
    return result
  }

  @Test(arguments: [1, 5, 16, 17, 40], [7, 16, 39])
  func layout(_ channels: Int, _ positions: Int) {
    var generator = Generator(channels)
    let x = Guarded(generator.bytes(2 * channels * positions))
    let inBlocks = blocked(x, 2, channels, positions)
    let back = Guarded<UInt8>(x.count)
    let misplaced = (0..<inBlocks.count).count { place in
      let (sample, block) = (place / (lanes(channels) * positions), place / 16 / positions % (lanes(channels) / 16))
      let (channel, position) = (block * 16 + place % 16, place / 16 % positions)
      return inBlocks.base[place] != (channel < channels ? x.base[(sample * channels + channel) * positions + position] : 0)
    }
    for sample in 0..<2 {
      bitline_unblock_channels_u8(
        Int64(channels), Int64(positions), inBlocks.base + sample * lanes(channels) * positions,
        back.base + sample * channels * positions)
    }
    #expect(inBlocks.isIntact && back.isIntact && misplaced == 0 && back.elements == x.elements)
  }

  /// Every byte, by both ways, for codes that fit the transforms barely and codes that do not.
  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    var tiles = Set<Int32>()
    for seed in 0..<150 {
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
      let range = [0...63, -31...32, 0...255, -128...127, -63...0, 0...1][generator.int(0...5)]
      let (lo, hi) = (Int32(range.lowerBound), Int32(range.upperBound))
      // The extremes often, for what might overflow.
      let codes = (0..<test.inputCount).map { _ in
        generator.flag() ? (generator.flag() ? range.lowerBound : range.upperBound) : generator.int(range)
      }
      let weights = generator.signs(test.filters * test.inputs)
      let m = generator.floats(test.filters, 0.5...2).map { $0 / Float(test.inputs) / 8 }
      let c = generator.floats(test.filters)
      var finish = bitline_finish(
        activation: [noActivation, relu, clip(-0.5, 4)][seed % 3], quantizes: generator.flag() ? 1 : 0, scale: 0.063, lo: -20, hi: 63)
      let batch = Int64(test.batch)
      let plan = Guarded<UInt8>(bitline_conv_codes_plan_bytes(level.isa, &test.shape, lo, hi, batch))
      bitline_conv_codes_prepare(level.isa, &test.shape, lo, hi, batch, weights, m, c, &finish, plan.base)
      tiles.insert(Int32(bitline_conv_codes_winograd_tile(plan.base)))
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let x = blocked(Guarded(codes.map { UInt8(truncatingIfNeeded: $0) }), test.batch, Int(s.channels), inputs)
      let size = finish.quantizes != 0 ? 1 : 4
      var results: [[UInt8]] = []
      for threads in [1, 3] {
        let workspace = Guarded<UInt8>(bitline_conv_codes_workspace_bytes(plan.base, batch, Int32(threads)))
        let y = Guarded<UInt8>(test.batch * lanes(test.filters) * outputs * size)
        bitline_conv_codes_run(plan.base, batch, x.base, y.base, workspace.base, threads > 1 ? team : nil)
        #expect(plan.isIntact && workspace.isIntact && y.isIntact && x.isIntact, "\(level), \(test), codes \(range)")
        results.append(y.elements)
      }
      #expect(results[0] == results[1], "\(level), \(test): the team changes results")
      let found = Guarded(results[0])
      var wrong = 0
      test.forEachResult { result, filter, taps in
        var sum = 0
        for (k, index) in taps.enumerated() { if let index { sum += codes[index] * Int(weights[filter * test.inputs + k]) } }
        let product = Float(sum) * m[filter]
        let wanted = activate(finish.activation, product + c[filter])
        let (sample, position) = (result / outputs / test.filters, result % outputs)
        let place = (sample * lanes(test.filters) * outputs) + (filter / 16 * outputs + position) * 16 + filter % 16
        if finish.quantizes != 0 {
          let code = max(-20, min(63, Int((wanted / 0.063).rounded(.toNearestOrEven))))
          if found.base[place] != UInt8(truncatingIfNeeded: code) { wrong += 1 }
        } else if UnsafeRawPointer(found.base + 4 * place).loadUnaligned(as: Float.self).bitPattern != wanted.bitPattern {
          wrong += 1
        }
      }
      #expect(wrong == 0, "\(level), \(test), codes \(range), \(finish)")
    }
    #expect(tiles == [0, 2], "\(level)")
  }

  /// Steps 2 to 4 of the contract for one result.
  private func sum(_ codes: [Int], _ weights: ArraySlice<Int8>, _ readout: bitline_readout, _ order: [Int32]?) -> Int {
    let tile = readout.tile == 0 || readout.bits == 0 ? codes.count : Int(readout.tile)
    return stride(from: 0, to: codes.count, by: tile).reduce(0) { total, first in
      let part = (first..<min(first + tile, codes.count)).reduce(0) { part, place in
        let k = order.map { Int($0[place]) } ?? place
        return part + codes[k] * Int(weights[weights.startIndex + k])
      }
      if readout.bits == 0 { return total + part }
      if readout.bits == 1 { return total + (part < 0 ? -1 : 1) }
      let limit = Float(readout.top)
      return total + Int(max(-limit, min(limit, (Float(part) / readout.lsb).rounded(.toNearestOrEven))))
    }
  }

  /// Sums looked up: every cut into chunks and tables, every way to read, codes of both signs.
  @Test(arguments: InstructionLevel.all)
  func lookup(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    var taken = 0
    for seed in 0..<160 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      if seed % 2 == 0 { test.shape.channels = Int32(generator.int(10...40)) }
      test.shape.filters = Int32(generator.int(1...70))
      test.batch = generator.int(1...3)
      let s = test.shape
      let (outputs, filters) = (Int(s.out_height * s.out_width), test.filters)
      let range = [0...63, -31...32, 0...63, -63...0, 0...1, 0...64][generator.int(0...5)]
      let (lo, hi) = (Int32(range.lowerBound), Int32(range.upperBound))
      let tile = [0, 64, generator.int(1...300), generator.int(1...64), 50, 128][generator.int(0...5)]
      var readout = bitline_readout(
        tile: Int32(tile), bits: Int32([0, 1, 7, 7, generator.int(2...9), 22][generator.int(0...5)]), top: 0, lsb: 1,
        signed_codes: range.lowerBound < 0 ? 1 : 0)
      // Whole and half steps make ties.
      readout.lsb = [1, 64, 50, 2.5, 0.37, Float.random(in: 0.5...30, using: &generator)][generator.int(0...5)]
      readout.top = max(1, (1 << max(0, readout.bits - 1)) - 1)
      if seed % 5 == 0 { readout.top = Int32(generator.int(1...Int(readout.top))) }
      let takes = bitline_conv_lookup_takes(level.isa, &test.shape, &readout, lo, hi) != 0
      #expect(takes == (level.isa == BITLINE_ISA_AVX512 && range.upperBound < 64), "\(level), \(range)")
      guard takes else { continue }
      taken += 1
      let codes = (0..<test.inputCount).map { _ in
        generator.flag() ? (generator.flag() ? range.lowerBound : range.upperBound) : generator.int(range)
      }
      let order: [Int32]? = generator.flag() ? Array(0..<Int32(test.inputs)).shuffled(using: &generator) : nil
      let weights = generator.signs(filters * test.inputs)
      let (m, c) = (generator.floats(filters, 0.001...0.02), generator.floats(filters))
      var finish = bitline_finish(
        activation: [noActivation, relu, clip(-0.5, 4)][seed % 3], quantizes: generator.flag() ? 1 : 0, scale: 0.063, lo: -20, hi: 63)
      let plan = withOptionalPointer(order) { order in
        let plan = Guarded<UInt8>(bitline_conv_lookup_plan_bytes(level.isa, &test.shape, &readout, lo, order))
        bitline_conv_lookup_prepare(level.isa, &test.shape, &readout, lo, hi, weights, order, m, c, &finish, plan.base)
        return plan
      }
      let x = blocked(
        Guarded(codes.map { UInt8(truncatingIfNeeded: $0) }), test.batch, Int(s.channels), Int(s.height * s.width))
      let size = finish.quantizes != 0 ? 1 : 4
      var results: [[UInt8]] = []
      for threads in [1, 3] {
        let workspace = Guarded<UInt8>(bitline_conv_lookup_workspace_bytes(plan.base, Int32(threads)))
        let y = Guarded<UInt8>(test.batch * lanes(filters) * outputs * size)
        bitline_conv_lookup_run(plan.base, Int64(test.batch), x.base, y.base, workspace.base, threads > 1 ? team : nil)
        #expect(plan.isIntact && workspace.isIntact && y.isIntact && x.isIntact, "\(level), \(test), codes \(range)")
        results.append(y.elements)
      }
      #expect(results[0] == results[1], "\(level), \(test): the team changes results")
      let found = Guarded(results[0])
      var wrong = 0
      test.forEachResult { result, filter, taps in
        let row = weights[filter * test.inputs..<(filter + 1) * test.inputs]
        let product = Float(sum(taps.map { $0.map { codes[$0] } ?? 0 }, row, readout, order)) * m[filter]
        let wanted = activate(finish.activation, product + c[filter])
        let (sample, position) = (result / outputs / filters, result % outputs)
        let place = (sample * lanes(filters) * outputs) + (filter / 16 * outputs + position) * 16 + filter % 16
        if finish.quantizes != 0 {
          let code = max(-20, min(63, Int((wanted / 0.063).rounded(.toNearestOrEven))))
          if found.base[place] != UInt8(truncatingIfNeeded: code) { wrong += 1 }
        } else if UnsafeRawPointer(found.base + 4 * place).loadUnaligned(as: Float.self).bitPattern != wanted.bitPattern {
          wrong += 1
        }
      }
      #expect(wrong == 0, "\(level), \(test), codes \(range), \(readout), order \(order != nil), \(finish)")
    }
    #expect(level.isa != BITLINE_ISA_AVX512 || taken > 100)
  }

  @Test(arguments: InstructionLevel.all)
  func pooling(_ level: InstructionLevel) {
    for seed in 0..<60 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      let s = test.shape
      let isSigned = generator.flag()
      let x = Guarded(generator.bytes(test.inputCount))
      let (inputs, outputs) = (Int(s.height * s.width), Int(s.out_height * s.out_width))
      let (planes, blocks) = (test.batch * Int(s.channels), Int64(test.batch * lanes(Int(s.channels)) / 16))
      let source = blocked(x, test.batch, Int(s.channels), inputs)
      let y = Guarded<UInt8>(Int(blocks) * 16 * outputs)
      let wanted = Guarded<UInt8>(planes * outputs)
      bitline_pool_max_blocked_u8(level.isa, &test.shape, isSigned ? 1 : 0, blocks, source.base, y.base)
      bitline_pool_max(level.isa, isSigned ? BITLINE_ELEMENT_I8 : BITLINE_ELEMENT_U8, &test.shape, Int64(planes), x.base, wanted.base)
      let again = blocked(wanted, test.batch, Int(s.channels), outputs)
      // Lanes beyond the channels hold anything.
      let matches = (0..<y.count).allSatisfy { place in
        place / 16 / outputs % (lanes(Int(s.channels)) / 16) * 16 + place % 16 >= Int(s.channels) || y.base[place] == again.base[place]
      }
      #expect(y.isIntact && matches, "\(level), \(test)")
    }
  }
}
