import CCPUKernels
import CPUBackend
import Testing

/// Kernels that work along rows, against the same arithmetic in Swift, bit for bit.
struct RowKernelTests {
  private static let special: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e30, -1e30, 1e-40, 127.5, 255.5]

  /// Random numbers with special ones among them.
  private func numbers(_ generator: inout Generator, _ count: Int) -> [Float] {
    generator.floats(count, -200...200).map { generator.int(0...7) == 0 ? RowKernelTests.special.randomElement(using: &generator)! : $0 }
  }

  @Test(arguments: InstructionLevel.all)
  func rescale(_ level: InstructionLevel) {
    for seed in 0..<90 {
      var generator = Generator(seed)
      let (outer, channels, inner) = (generator.int(1...3), generator.int(1...40), seed % 3 == 0 ? 1 : generator.int(1...70))
      let count = outer * channels * inner
      let bases = generator.int(1...3)
      let sums = (0..<bases).map { _ in
        Guarded((0..<count).map { _ in Int32(truncatingIfNeeded: generator.next() >> UInt64(generator.int(33...60))) })
      }
      let scales = (0..<bases).map { _ in Guarded(generator.floats(channels)) }
      let offset = Guarded(generator.floats(channels, -50...50))
      let activation = [noActivation, relu, clip(-3, 6)][generator.int(0...2)]
      let y = Guarded<Float>(count)
      bitline_rescale(
        level.isa, Int64(outer), Int64(channels), Int64(inner), Int32(bases), sums.map { UnsafePointer($0.base) },
        scales.map { UnsafePointer($0.base) }, offset.base, activation, y.base)
      let wanted = (0..<count).map { index -> Float in
        let channel = index / inner % channels
        var sum = Float(sums[0].base[index]) * scales[0].base[channel]
        for base in 1..<max(bases, 1) where bases > 1 {
          let product = Float(sums[base].base[index]) * scales[base].base[channel]
          sum += product
        }
        return activate(activation, sum + offset.base[channel])
      }
      #expect(y.isIntact && sameBits(y.elements, wanted), "\(level), seed \(seed): \(outer)x\(channels)x\(inner), \(bases) bases")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func quantize(_ level: InstructionLevel) {
    for seed in 0..<120 {
      var generator = Generator(seed)
      let (outer, channels, inner) = (
        generator.int(1...3), seed % 2 == 0 ? 1 : generator.int(1...40), seed % 3 == 0 ? 1 : generator.int(1...90)
      )
      let count = outer * channels * inner
      let isSigned = generator.flag()
      let range = isSigned ? -128...127 : 0...255
      let (lo, hi) = seed % 4 == 0 ? (isSigned ? -63 : 0, 63) : (range.lowerBound, range.upperBound)
      let x = Guarded(numbers(&generator, count))
      let scale = Guarded((0..<channels).map { _ in generator.int(0...9) == 0 ? 0 : [0.5, 1, 0.1, 3][generator.int(0...3)] as Float })
      let zero = seed % 5 < 2 ? nil : Guarded((0..<channels).map { _ in Int32(generator.int(range)) })
      let codes = Guarded<UInt8>(count)
      bitline_quantize_f32(
        level.isa, Int64(outer), Int64(channels), Int64(inner), x.base, scale.base, zero.map { UnsafePointer($0.base) }, Int32(lo),
        Int32(hi),
        codes.base)
      let wanted = (0..<count).map { index -> UInt8 in
        let channel = index / inner % channels
        let quotient = (x.base[index] / scale.base[channel]).rounded(.toNearestOrEven)
        let bounded = quotient.isNaN ? 0 : Int(max(-1e6, min(1e6, quotient)))
        return UInt8(truncatingIfNeeded: max(lo, min(hi, bounded + Int(zero?.base[channel] ?? 0))))
      }
      #expect(codes.isIntact && codes.elements == wanted, "\(level), seed \(seed): \(outer)x\(channels)x\(inner), \(lo)...\(hi)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func dequantize(_ level: InstructionLevel) {
    for seed in 0..<60 {
      var generator = Generator(seed)
      let (outer, channels, inner) = (
        generator.int(1...3), seed % 2 == 0 ? 1 : generator.int(1...40), seed % 3 == 0 ? 1 : generator.int(1...90)
      )
      let count = outer * channels * inner
      let q = Guarded(generator.bytes(count))
      let scale = Guarded(generator.floats(channels))
      let zero = seed % 5 < 2 ? nil : Guarded((0..<channels).map { _ in Int32(generator.int(0...127)) })
      for isSigned in [false, true] {
        let y = Guarded<Float>(count)
        let zeros = zero.map { UnsafePointer($0.base) }
        if isSigned {
          let codes = Guarded(q.elements.map { Int8(bitPattern: $0) })
          bitline_dequantize_i8(level.isa, Int64(outer), Int64(channels), Int64(inner), codes.base, scale.base, zeros, y.base)
        } else {
          bitline_dequantize_u8(level.isa, Int64(outer), Int64(channels), Int64(inner), q.base, scale.base, zeros, y.base)
        }
        let wanted = (0..<count).map { index -> Float in
          let channel = index / inner % channels
          let code = isSigned ? Float(Int8(bitPattern: q.base[index])) : Float(q.base[index])
          return (code - Float(zero?.base[channel] ?? 0)) * scale.base[channel]
        }
        #expect(y.isIntact && sameBits(y.elements, wanted), "\(level), seed \(seed), signed \(isSigned)")
      }
    }
  }

  @Test(arguments: InstructionLevel.all)
  func binary(_ level: InstructionLevel) {
    let kinds: [(bitline_binary_kind, (Float, Float) -> Float)] = [
      (BITLINE_BINARY_ADD, { $0 + $1 }), (BITLINE_BINARY_SUB, { $0 - $1 }), (BITLINE_BINARY_MUL, { $0 * $1 }),
      (BITLINE_BINARY_DIV, { $0 / $1 }),
    ]
    for seed in 0..<80 {
      var generator = Generator(seed)
      let (outer, channels, inner) = (generator.int(1...3), generator.int(1...40), seed % 3 == 0 ? 1 : generator.int(1...50))
      let (kind, apply) = kinds[seed % 4]
      let isPerChannel = generator.flag()
      let a = Guarded(numbers(&generator, outer * channels * inner))
      let b = Guarded(numbers(&generator, isPerChannel ? channels : a.count))
      let y = Guarded<Float>(a.count)
      bitline_binary_f32(level.isa, kind, Int64(outer), Int64(channels), Int64(inner), isPerChannel ? 1 : 0, a.base, b.base, y.base)
      let wanted = (0..<a.count).map { apply(a.base[$0], b.base[isPerChannel ? $0 / inner % channels : $0]) }
      #expect(y.isIntact && sameBits(y.elements, wanted), "\(level), seed \(seed)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func activation(_ level: InstructionLevel) {
    for count in 0..<100 {
      var generator = Generator(count)
      let x = Guarded(numbers(&generator, count))
      for activation in [noActivation, relu, clip(0, 6), clip(-1, .infinity)] {
        let y = Guarded<Float>(count)
        bitline_activation_f32(level.isa, activation, Int64(count), x.base, y.base)
        #expect(y.isIntact && sameBits(y.elements, x.elements.map { activate(activation, $0) }), "\(level), count and seed \(count)")
      }
    }
  }
}
