import CCPUKernels
import CPUBackend
import Testing

/// Integer layers from codes to sums, against sums written out.
struct SumsKernelTests {
  /// Codes that are often the extremes, for what might overflow.
  private func codes(_ generator: inout Generator, _ count: Int, _ isSigned: Bool) -> [Int] {
    let range = isSigned ? -128...127 : 0...255
    return (0..<count).map { _ in generator.flag() ? (generator.flag() ? range.lowerBound : range.upperBound) : generator.int(range) }
  }

  private func weights(_ generator: inout Generator, _ count: Int) -> [Int8] {
    (0..<count).map { _ in Int8(generator.flag() ? (generator.flag() ? -128 : 127) : generator.int(-128...127)) }
  }

  /// How a run ends: with sums, or with numbers of one factor or of many, and perhaps a bias.
  private struct Ending {
    let factors: [Float]?
    let bias: [Float]?

    init(_ generator: inout Generator, filters: Int) {
      let kind = generator.int(0...3)
      factors = kind == 0 ? nil : generator.floats(kind == 1 ? 1 : filters)
      bias = kind == 3 ? generator.floats(filters) : nil
    }

    func withFinish(_ body: (UnsafePointer<bitline_sums_finish>) -> Void) {
      withOptionalPointer(factors) { factors in
        withOptionalPointer(bias) { bias in
          var finish = bitline_sums_finish(factors: factors, by_filter: self.factors?.count == 1 ? 0 : 1, bias: bias)
          body(&finish)
        }
      }
    }

    /// The bits of a result.
    func result(_ sum: Int, _ filter: Int) -> UInt32 {
      guard let factors else { return UInt32(bitPattern: Int32(sum)) }
      let product = Float(sum) * factors[factors.count == 1 ? 0 : filter]
      return (bias.map { product + $0[filter] } ?? product).bitPattern
    }
  }

  @Test(arguments: InstructionLevel.all)
  func matmul(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<120 {
      var generator = Generator(seed)
      // Every sixth has more rows than are laid out together.
      let (inputs, filters) = (generator.int(1...(seed % 6 == 0 ? 90 : 200)), generator.int(1...(seed % 6 == 0 ? 20 : 150)))
      let rows = seed % 6 == 0 ? 4800 : generator.int(1...70)
      let isSigned = generator.flag()
      let isTransposed = generator.flag()
      let zero = codes(&generator, 1, isSigned)[0]
      let (x, w) = (codes(&generator, rows * inputs, isSigned), weights(&generator, inputs * filters))
      let strides = isTransposed ? (filter: 1, input: filters) : (filter: inputs, input: 1)
      let plan = Guarded<UInt8>(
        bitline_matmul_sums_i8_plan_bytes(level.isa, Int64(inputs), Int64(filters), Int64(rows)))
      bitline_matmul_sums_i8_prepare(
        level.isa, Int64(inputs), Int64(filters), Int64(rows), isSigned ? 1 : 0, w, Int64(strides.filter), Int64(strides.input), plan.base)
      let ending = Ending(&generator, filters: filters)
      let bytes = Guarded(x.map { UInt8(truncatingIfNeeded: $0) })
      var results: [[UInt32]] = []
      for threads in [1, 3] {
        let workspace = Guarded<UInt8>(bitline_sums_i8_workspace_bytes(plan.base, Int32(threads)))
        let y = Guarded<UInt32>(rows * filters)
        ending.withFinish {
          bitline_matmul_sums_i8_run(
            plan.base, Int64(rows), bytes.base, Int32(zero), $0, y.base, workspace.base, threads > 1 ? team : nil)
        }
        #expect(plan.isIntact && workspace.isIntact && y.isIntact && bytes.isIntact, "\(level), seed \(seed)")
        results.append(y.elements)
      }
      #expect(results[0] == results[1], "\(level), seed \(seed): the team changes results")
      var wrong = 0
      for row in rows > 1000 ? Array(stride(from: 0, to: rows, by: 97)) : Array(0..<rows) {
        for filter in 0..<filters {
          var sum = 0
          for k in 0..<inputs { sum += (x[row * inputs + k] - zero) * Int(w[filter * strides.filter + k * strides.input]) }
          if results[0][row * filters + filter] != ending.result(sum, filter) { wrong += 1 }
        }
      }
      #expect(wrong == 0, "\(level), seed \(seed), rows \(rows), inputs \(inputs), filters \(filters), signed \(isSigned), zero \(zero)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    let team = bitline_team_make(3)
    defer { bitline_team_end(team) }
    for seed in 0..<120 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      test.batch = generator.int(1...2)
      if seed % 2 == 0 { test.shape.filters = Int32(generator.int(1...90)) }
      let s = test.shape
      let isSigned = generator.flag()
      let zero = codes(&generator, 1, isSigned)[0]
      let (x, w) = (codes(&generator, test.inputCount, isSigned), weights(&generator, test.filters * test.inputs))
      let plan = Guarded<UInt8>(bitline_conv_sums_i8_plan_bytes(level.isa, &test.shape, isSigned ? 1 : 0))
      bitline_conv_sums_i8_prepare(level.isa, &test.shape, isSigned ? 1 : 0, w, plan.base)
      let ending = Ending(&generator, filters: test.filters)
      let (lanes, outLanes) = ((Int(s.channels) + 15) / 16 * 16, (test.filters + 15) / 16 * 16)
      let (inputs, outputs) = (Int(s.height * s.width), test.positions)
      let blocks = Guarded<UInt8>(test.batch * lanes * inputs)
      let plain = Guarded(x.map { UInt8(truncatingIfNeeded: $0) })
      for sample in 0..<test.batch {
        bitline_block_channels_u8(
          Int64(s.channels), Int64(inputs), plain.base + sample * Int(s.channels) * inputs, blocks.base + sample * lanes * inputs)
      }
      var results: [[UInt32]] = []
      for threads in [1, 3] {
        let workspace = Guarded<UInt8>(bitline_sums_i8_workspace_bytes(plan.base, Int32(threads)))
        let y = Guarded<UInt32>(test.batch * outLanes * outputs)
        ending.withFinish {
          bitline_conv_sums_i8_run(
            plan.base, Int64(test.batch), blocks.base, Int32(zero), $0, y.base, workspace.base, threads > 1 ? team : nil)
        }
        #expect(plan.isIntact && workspace.isIntact && y.isIntact && blocks.isIntact, "\(level), \(test)")
        results.append(y.elements)
      }
      #expect(results[0] == results[1], "\(level), \(test): the team changes results")
      let found = results[0]
      var wrong = 0
      test.forEachResult { result, filter, taps in
        var sum = 0
        for (k, index) in taps.enumerated() { if let index { sum += (x[index] - zero) * Int(w[filter * test.inputs + k]) } }
        let (sample, position) = (result / outputs / test.filters, result % outputs)
        if found[sample * outLanes * outputs + (filter / 16 * outputs + position) * 16 + filter % 16] != ending.result(sum, filter) {
          wrong += 1
        }
      }
      // What fills blocks up is finite, whatever it is read as.
      let fills = (0..<test.batch).flatMap { sample in
        (test.filters..<outLanes).flatMap { lane in
          (0..<outputs).map { found[sample * outLanes * outputs + (lane / 16 * outputs + $0) * 16 + lane % 16] }
        }
      }
      #expect(wrong == 0 && fills.allSatisfy { Float(bitPattern: $0).isFinite }, "\(level), \(test), signed \(isSigned), zero \(zero)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func extremes(_ level: InstructionLevel) {
    for count in 0..<200 {
      var generator = Generator(count)
      var numbers = generator.floats(count)
      var x = Guarded(numbers)
      #expect(bitline_extreme_f32(level.isa, 0, Int64(count), x.base) == numbers.max() ?? -.infinity, "\(level), \(count)")
      #expect(bitline_extreme_f32(level.isa, 1, Int64(count), x.base) == numbers.min() ?? .infinity, "\(level), \(count)")
      guard count > 0 else { continue }
      numbers[generator.int(0...count - 1)] = .nan
      x = Guarded(numbers)
      #expect(
        bitline_extreme_f32(level.isa, 0, Int64(count), x.base).isNaN && bitline_extreme_f32(level.isa, 1, Int64(count), x.base).isNaN)
    }
  }
}
