import CIMCKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The random numbers of the simulator, one at a time and in doubles, written from their definition.
enum ScalarDraws {
  /// Philox4x32-10 of Salmon, Moraes, Dror and Shaw (SC 2011).
  static func philox(_ counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
      let a = UInt64(c[0]) * 0xD251_1F53
      let b = UInt64(c[2]) * 0xCD9E_8D57
      c = [UInt32(b >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: b), UInt32(a >> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: a)]
      k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
    }
    return c
  }

  /// Number `element` (0..<64) of block `place` for a purpose.
  static func normal(place: Int, element: Int, purpose: UInt32, chip: UInt32, time: UInt64, seed: UInt64) -> Double {
    let (vector, lane) = (element / 16, element % 16)
    let words = philox(
      [UInt32(place * 16 + lane), purpose << 24 | chip, UInt32(truncatingIfNeeded: time), UInt32(time >> 32)],
      key: [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)])
    let half = vector / 2 * 2
    let u = (Double(words[half] >> 8) + 0.5) / 16_777_216
    let turn = Double(Int32(bitPattern: words[half + 1])) / 4_294_967_296
    let radius = (-2 * log(u)).squareRoot()
    return vector % 2 == 0 ? radius * cos(2 * .pi * turn) : radius * sin(2 * .pi * turn)
  }
}

/// The instruction levels that this machine has.
var levels: [String] { ["portable", "avx2", "avx512"].filter { bitline_imc_choose($0) != nil } }

/// 64 numbers a quad from the kernels of a level.
func kernelNormals(_ level: String, quads: Int, place: UInt32 = 0, purpose: UInt32, chip: UInt32, time: UInt64, seed: UInt64) -> [Float] {
  [Float](unsafeUninitializedCapacity: quads * 64) { buffer, filled in
    bitline_imc_choose(level)?.pointee.gaussians(
      bitline_imc_draw(place: place, domain: purpose << 24 | chip, time: time, seed: seed), Int32(quads), buffer.baseAddress!)
    filled = quads * 64
  }
}
