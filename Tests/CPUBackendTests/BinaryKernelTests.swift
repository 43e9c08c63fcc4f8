import CCPUKernels
import CPUBackend
import Testing

/// Binary layers against the numeric contract, written out: every sum exact.
struct BinaryKernelTests {
  /// A random way to cut and read.
  private func readout(_ generator: inout Generator, seed: Int, inputs: Int) -> bitline_readout {
    var readout = bitline_readout(tile: 0, bits: 0, top: 0, lsb: 1, signed_codes: generator.flag() ? 1 : 0)
    if generator.flag() || seed % 4 == 0 { readout.tile = Int32(generator.int(1...min(inputs, seed % 4 == 0 ? 64 : 20))) }
    if generator.int(0...2) > 0 {
      readout.bits = Int32(generator.int(1...9))
      // Whole and half steps make ties; the others are seldom exact as reciprocals.
      readout.lsb = [1, 2, 50, 2.5, 0.37, Float.random(in: 0.5...30, using: &generator)][generator.int(0...5)]
      if seed % 9 == 0 { readout.bits = 22 }
      readout.top = max(1, (1 << (readout.bits - 1)) - 1)
      if seed % 5 == 0 { readout.top = Int32(generator.int(1...Int(readout.top))) }
    }
    return readout
  }

  private func order(_ generator: inout Generator, _ inputs: Int) -> [Int32]? {
    generator.flag() ? Array(0..<Int32(inputs)).shuffled(using: &generator) : nil
  }

  /// Steps 2 to 4 of the contract for one result.
  private func sum(_ codes: [Int], _ weights: ArraySlice<Int8>, _ readout: bitline_readout, _ order: [Int32]?) -> Int32 {
    let tile = readout.tile == 0 ? codes.count : Int(readout.tile)
    var total = 0
    for first in stride(from: 0, to: codes.count, by: tile) {
      var part = 0
      for place in first..<min(first + tile, codes.count) {
        let k = order.map { Int($0[place]) } ?? place
        part += codes[k] * Int(weights[weights.startIndex + k])
      }
      if readout.bits == 1 {
        part = part < 0 ? -1 : 1
      } else if readout.bits > 0 {
        let limit = Float(readout.top)
        part = Int(max(-limit, min(limit, (Float(part) / readout.lsb).rounded(.toNearestOrEven))))
      }
      total += part
    }
    return Int32(total)
  }

  private func code(_ byte: UInt8, _ readout: bitline_readout) -> Int {
    readout.signed_codes != 0 ? Int(Int8(bitPattern: byte)) : Int(byte)
  }

  @Test(arguments: InstructionLevel.all)
  func conv(_ level: InstructionLevel) {
    for seed in 0..<160 {
      var generator = Generator(seed)
      var test = WindowCase(&generator, seed: seed, grouped: false)
      var readout = readout(&generator, seed: seed, inputs: test.inputs)
      let order = order(&generator, test.inputs)
      let codes = Guarded(generator.bytes(test.inputCount))
      let weights = generator.signs(test.filters * test.inputs)
      let plan = Guarded<UInt8>(bitline_conv_binary_plan_bytes(level.isa, &test.shape, &readout))
      if let order {
        bitline_conv_binary_prepare(level.isa, &test.shape, &readout, weights, order, plan.base)
      } else {
        bitline_conv_binary_prepare(level.isa, &test.shape, &readout, weights, nil, plan.base)
      }
      let workspace = Guarded<UInt8>(bitline_conv_binary_workspace_bytes(plan.base, Int64(test.batch)))
      let y = Guarded<Int32>(test.outputCount)
      bitline_conv_binary_run(plan.base, Int64(test.batch), codes.base, y.base, workspace.base)
      #expect(codes.isIntact && plan.isIntact && workspace.isIntact && y.isIntact, "\(level), \(test), \(readout)")
      let (given, results) = (codes.elements, y.elements)
      var wrong = 0
      test.forEachResult { result, filter, inputs in
        let column = inputs.map { $0.map { code(given[$0], readout) } ?? 0 }
        let row = weights[filter * test.inputs..<(filter + 1) * test.inputs]
        if results[result] != sum(column, row, readout, order) { wrong += 1 }
      }
      #expect(wrong == 0, "\(level), \(test), \(readout), order \(order != nil)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func dense(_ level: InstructionLevel) {
    for seed in 0..<160 {
      var generator = Generator(seed)
      let (batch, inputs, filters) = (generator.int(1...20), generator.int(1...(seed % 6 == 0 ? 1500 : 90)), generator.int(1...70))
      var readout = readout(&generator, seed: seed, inputs: inputs)
      let order = order(&generator, inputs)
      let codes = Guarded(generator.bytes(batch * inputs))
      let weights = generator.signs(filters * inputs)
      let plan = Guarded<UInt8>(bitline_dense_binary_plan_bytes(level.isa, Int64(inputs), Int64(filters), &readout))
      if let order {
        bitline_dense_binary_prepare(level.isa, Int64(inputs), Int64(filters), &readout, weights, order, plan.base)
      } else {
        bitline_dense_binary_prepare(level.isa, Int64(inputs), Int64(filters), &readout, weights, nil, plan.base)
      }
      let workspace = Guarded<UInt8>(bitline_dense_binary_workspace_bytes(plan.base, Int64(batch)))
      let y = Guarded<Int32>(batch * filters)
      bitline_dense_binary_run(plan.base, Int64(batch), codes.base, y.base, workspace.base)
      #expect(plan.isIntact && workspace.isIntact && y.isIntact, "\(level), seed \(seed)")
      let (given, results) = (codes.elements, y.elements)
      var wrong = 0
      for sample in 0..<batch {
        let row = given[sample * inputs..<(sample + 1) * inputs].map { code($0, readout) }
        for filter in 0..<filters {
          let wanted = sum(row, weights[filter * inputs..<(filter + 1) * inputs], readout, order)
          if results[sample * filters + filter] != wanted { wrong += 1 }
        }
      }
      #expect(wrong == 0, "\(level), seed \(seed), inputs \(inputs), filters \(filters), \(readout), order \(order != nil)")
    }
  }

  /// All codes 255 and all weights alike: the greatest sums that narrow lanes must hold.
  @Test(arguments: InstructionLevel.all)
  func greatestSums(_ level: InstructionLevel) {
    for (weight, signed, byte) in [(Int8(1), Int32(0), UInt8(255)), (-1, 0, 255), (1, 1, 0x80), (-1, 1, 0x80), (1, 1, 0x7f)] {
      let (inputs, filters, batch) = (5000, 40, 9)
      var readout = bitline_readout(tile: 0, bits: 0, top: 0, lsb: 1, signed_codes: signed)
      let plan = Guarded<UInt8>(bitline_dense_binary_plan_bytes(level.isa, Int64(inputs), Int64(filters), &readout))
      bitline_dense_binary_prepare(
        level.isa, Int64(inputs), Int64(filters), &readout, [Int8](repeating: weight, count: inputs * filters), nil, plan.base)
      let workspace = Guarded<UInt8>(bitline_dense_binary_workspace_bytes(plan.base, Int64(batch)))
      let y = Guarded<Int32>(batch * filters)
      bitline_dense_binary_run(
        plan.base, Int64(batch), Guarded([UInt8](repeating: byte, count: inputs * batch)).base, y.base, workspace.base)
      let wanted = Int32(inputs) * Int32(weight) * Int32(code(byte, readout))
      #expect(y.elements.allSatisfy { $0 == wanted }, "\(level), weight \(weight), byte \(byte), signed \(signed)")
    }
  }
}
