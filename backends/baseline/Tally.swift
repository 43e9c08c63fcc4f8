/// What the machine did for one node: operands moved, operations done. Kernels add to it as they run.
struct Tally: Hashable, Sendable {
  /// One kind of operand, and how often it crossed between memory and processor.
  struct Stream: Hashable, Sendable {
    var loads = 0
    var stores = 0
    /// Bits of one element.
    var bits = 0
  }

  var inputs = Stream()
  var weights = Stream()
  /// Partial sums.
  var sums = Stream()
  var results = Stream()

  var macs = 0
  var int8Multiplies = 0
  var int16Adds = 0
  var int32Adds = 0
  var floatMultiplies = 0
  var floatAdds = 0
  /// Instructions besides loads, stores and multiply-accumulates.
  var otherOperations = 0
  /// Bits of register accesses. Accumulating is one, the write: what a register holds is wired to the adder.
  var registerBits = 0

  /// The streams, with what a report calls them.
  var streams: [(name: String, stream: Stream)] {
    [("fetching inputs", inputs), ("fetching weights", weights), ("moving partial sums", sums), ("storing results", results)]
  }

  /// Instructions besides loads and stores: a multiply-accumulate is one.
  var operations: Int { macs + otherOperations }

  /// Counts operations outside multiply-accumulates.
  mutating func operate(floatMultiplies: Int = 0, floatAdds: Int = 0, int32Adds: Int = 0) {
    self.floatMultiplies += floatMultiplies
    self.floatAdds += floatAdds
    self.int32Adds += int32Adds
    otherOperations += floatMultiplies + floatAdds + int32Adds
  }

  /// Counts what is the same for each element of a node without products: loads, and one store.
  mutating func elements(_ count: Int, loads: Int, bits: Int, resultBits: Int) {
    inputs.bits = bits
    inputs.loads += count * loads
    results.bits = resultBits
    results.stores += count
  }

  /// Counts f32 parameters: loaded for each use when nothing is reused, else once each; a register keeps one as long as its loop runs.
  mutating func parameters(uses: Int, distinct: Int, _ reuse: Reuse) {
    weights.bits = 32
    weights.loads += reuse == .none ? uses : distinct
  }

  /// What was done for one sample, when `samples` of them were counted.
  func divided(by samples: Int) -> Tally {
    var copy = self
    for field in Tally.counts { copy[keyPath: field] /= max(samples, 1) }
    return copy
  }

  private static var counts: [WritableKeyPath<Tally, Int>] {
    [
      \.inputs.loads, \.inputs.stores, \.weights.loads, \.weights.stores, \.sums.loads, \.sums.stores, \.results.loads, \.results.stores,
      \.macs,
      \.int8Multiplies, \.int16Adds, \.int32Adds, \.floatMultiplies, \.floatAdds, \.otherOperations, \.registerBits,
    ]
  }
}
