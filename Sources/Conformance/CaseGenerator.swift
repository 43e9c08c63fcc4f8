/// Numbers for one case, always the same for the same name: SplitMix64.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct CaseGenerator {
  private var state: UInt64

  /// The generator of a case; its name is the seed (FNV-1a), so that a new case changes no other.
  init(seed name: String) {
    state = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// A whole number of the range.
  mutating func int(_ range: ClosedRange<Int>) -> Int {
    let span = UInt64(bitPattern: Int64(range.upperBound &- range.lowerBound)) &+ 1
    return range.lowerBound &+ Int(truncatingIfNeeded: span == 0 ? next() : next() % span)
  }

  /// A number from -1 to 1, of 24 bits, so that it is exact in f32.
  mutating func unit() -> Float { Float(Int(next() >> 40) - (1 << 23)) * 0x1p-23 }

  /// One of the elements.
  mutating func choice<Element>(_ elements: [Element]) -> Element { elements[int(0...elements.count - 1)] }

  /// 0 to `count` - 1 in another order.
  mutating func permutation(of count: Int) -> [Int] {
    var order = Array(0..<count)
    for place in stride(from: count - 1, to: 0, by: -1) { order.swapAt(place, int(0...place)) }
    return order
  }
}
