import CCPUKernels
import CPUBackend
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Elementary functions against the system's in f64, and strided copies against indices written out.
struct MoveKernelTests {
  /// Within four spacings, or than the least normal number.
  private func isNear(_ found: Float, _ wanted: Double) -> Bool {
    if wanted.isNaN { return found.isNaN }
    let rounded = Float(wanted)
    if rounded.isInfinite { return found == rounded || (found.magnitude > 0x1.fffffp127 && found.sign == rounded.sign) }
    return abs(Double(found) - wanted) <= max(4 * Double(rounded.ulp), Double(Float.leastNormalMagnitude))
  }

  @Test(arguments: InstructionLevel.all)
  func elementary(_ level: InstructionLevel) {
    let special: [Float] = [
      0, -0, 1, -1, .infinity, -.infinity, .nan, 88.72, 89, 200, -87.4, -103, -104, -200, 0.625, -0.625, 1e-20, 0.62499,
    ]
    for (kind, function) in [
      (BITLINE_ELEMENTARY_EXP, { exp($0) }), (BITLINE_ELEMENTARY_SIGMOID, { 1 / (1 + exp(-$0)) }), (BITLINE_ELEMENTARY_TANH, { tanh($0) }),
    ] as [(bitline_elementary, (Double) -> Double)] {
      for count in [1, 15, 16, 17, 18, 4000] {
        var generator = Generator(count)
        let spread: Float = count % 2 == 0 ? 3 : 90
        let x = Guarded(Array((special + generator.floats(count, -spread...spread)).prefix(count)))
        let y = Guarded<Float>(count)
        bitline_elementary_f32(level.isa, kind, Int64(count), x.base, y.base)
        let wrong = (0..<count).first { !isNear(y.base[$0], function(Double(x.base[$0]))) }
        #expect(y.isIntact && wrong == nil, "\(level), \(kind) of \(wrong.map { x.base[$0] } ?? 0): \(wrong.map { y.base[$0] } ?? 0)")
      }
    }
  }

  @Test(arguments: InstructionLevel.all)
  func softmax(_ level: InstructionLevel) {
    for seed in 0..<60 {
      var generator = Generator(seed)
      let (outer, length, inner) = (generator.int(1...3), generator.int(1...70), seed % 3 == 0 ? generator.int(1...40) : 1)
      let x = Guarded(generator.floats(outer * length * inner, -20...20))
      let y = Guarded<Float>(x.count)
      bitline_softmax_f32(level.isa, Int64(outer), Int64(length), Int64(inner), x.base, y.base)
      var worst = 0.0
      for line in 0..<outer * inner {
        let places = (0..<length).map { (line / inner * length + $0) * inner + line % inner }
        let powers = places.map { exp(Double(x.base[$0])) }
        let sum = powers.reduce(0, +)
        for (place, power) in zip(places, powers) { worst = max(worst, abs(Double(y.base[place]) - power / sum)) }
      }
      #expect(y.isIntact && worst < 1e-6, "\(level), seed \(seed)")
    }
  }

  /// Transposed, cut, repeated and reversed, of every size of element.
  @Test func stridedCopies() {
    for seed in 0..<200 {
      var generator = Generator(seed)
      let (rank, bytes) = (generator.int(0...5), [1, 2, 4, 8][seed % 4])
      let extents = (0..<rank).map { _ in generator.int(1...(rank > 3 ? 5 : 21)) }
      var (step, least) = (1, 0)
      var steps = [Int](repeating: 0, count: rank)
      for axis in (0..<rank).shuffled(using: &generator) {
        if generator.int(0...5) == 0 { continue }
        steps[axis] = step * (generator.int(0...4) == 0 ? -1 : 1)
        if steps[axis] < 0 { least += steps[axis] * (extents[axis] - 1) }
        step *= extents[axis] + (generator.flag() ? 0 : 1)
      }
      let x = Guarded(generator.bytes(step * bytes))
      let y = Guarded<UInt8>(extents.reduce(1, *) * bytes)
      bitline_copy_strided(
        Int64(bytes), Int32(rank), extents.map { Int64($0) }, steps.map { Int64($0) }, x.base - least * bytes, y.base)
      var wrong = 0
      for place in 0..<y.count / bytes {
        var (rest, from) = (place, -least)
        for axis in (0..<rank).reversed() {
          from += rest % extents[axis] * steps[axis]
          rest /= extents[axis]
        }
        for byte in 0..<bytes where y.base[place * bytes + byte] != x.base[from * bytes + byte] { wrong += 1 }
      }
      #expect(y.isIntact && wrong == 0, "seed \(seed): \(extents) by \(steps)")
    }
  }
}
