/// SplitMix64: a small integer generator that gives the same numbers on every machine.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SeededGenerator {
  private var state: UInt64

  /// The generator of stream `stream` under `seed`; streams may be taken in any order.
  init(seed: UInt64, stream: UInt64) {
    state = SeededGenerator.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ SeededGenerator.mix(stream &* 0xd134_2543_de82_ef95 &+ 1)
  }

  /// 64 random bits.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return SeededGenerator.mix(state)
  }

  /// A number of `low` to `high`, evenly spread over 2^53 steps.
  mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * (Double(next() >> 11) * 0x1p-53) }

  /// A number of about a normal law of mean 0, by the sum of four even ones; never beyond 3.47 deviations.
  mutating func bell(deviation: Double) -> Double {
    let sum = uniform(-1, 1) + uniform(-1, 1) + uniform(-1, 1) + uniform(-1, 1)
    return sum * deviation / (4.0 / 3).squareRoot()
  }

  /// One of 0 to `count` - 1.
  mutating func choice(of count: Int) -> Int { Int(next() % UInt64(count)) }

  private static func mix(_ bits: UInt64) -> UInt64 {
    var word = bits
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
