import CIMCKernels

/// Random numbers by place: Philox4x32-10, its counter the place, the chip and the time, its key the seed.
///
/// A number depends on nothing else: not on threads, batches or the order in which anything runs.
struct Draws: Sendable {
  /// What a number is drawn for; the upper byte of a counter word.
  enum Purpose: UInt32 { case cell = 1, dacGain, comparatorOffset, converterGain, weightWrite, thermal, oppositeCell, oppositeWrite }

  let seed: UInt64
  let chip: UInt32

  /// A draw for one purpose, starting at block `place` of 64 numbers.
  func draw(_ purpose: Purpose, place: UInt32 = 0, time: UInt64 = 0) -> bitline_imc_draw {
    bitline_imc_draw(place: place, domain: purpose.rawValue << 24 | chip, time: time, seed: seed)
  }

  /// `count` standard normal numbers, from block `place` on.
  func normals(_ purpose: Purpose, _ count: Int, place: Int = 0, time: UInt64 = 0, _ kernels: Kernels) -> [Float] {
    let quads = (count + 63) / 64
    let numbers = [Float](unsafeUninitializedCapacity: quads * 64) { buffer, filled in
      if let base = buffer.baseAddress { kernels.gaussians(draw(purpose, place: UInt32(place), time: time), Int32(quads), base) }
      filled = quads * 64
    }
    return Array(numbers.prefix(count))
  }
}
