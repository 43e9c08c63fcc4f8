/// How a layer of products counts: its number formats, and what is reused.
struct ProductCounting: Hashable, Sendable {
  enum Arithmetic: Hashable, Sendable {
    case float32
    /// Codes of 8 bits, weights of a byte or a bit.
    case codes(WeightStorage)
  }

  let arithmetic: Arithmetic
  let reuse: Reuse

  /// The most inputs whose sum of 6-bit codes fits 16 bits: 63 · 520 < 2^15.
  private static let inputsOf16Bits = 520

  /// Bits of a sum of so many products.
  private func sumBits(inputs: Int) -> Int { arithmetic == .codes(.bit) && inputs <= ProductCounting.inputsOf16Bits ? 16 : 32 }

  private var inputBits: Int { arithmetic == .float32 ? 32 : 8 }

  private var weightBits: Int {
    switch arithmetic {
    case .float32: 32
    case .codes(let storage): storage.bits
    }
  }

  /// Counts `outputs` sums of `inputs` products each.
  func count(outputs: Int, inputs: Int, _ tally: inout Tally) {
    let products = outputs * inputs
    tally.macs += products
    switch arithmetic {
    case .float32:
      tally.floatMultiplies += products
      tally.floatAdds += products
    case .codes(.int8):
      tally.int8Multiplies += products
      tally.int32Adds += products
    case .codes(.bit):
      if sumBits(inputs: inputs) == 16 { tally.int16Adds += products } else { tally.int32Adds += products }
    }
    (tally.inputs.bits, tally.weights.bits, tally.sums.bits, tally.results.bits) = (inputBits, weightBits, 32, 32)
    switch reuse {
    case .none:
      tally.inputs.loads += products
      tally.weights.loads += products
      tally.sums.loads += products
      // The last store of a sum is the result's.
      tally.sums.stores += products - outputs
    case .register:
      tally.inputs.loads += products
      tally.weights.loads += products
      tally.registerBits += products * sumBits(inputs: inputs)
    case .full:
      tally.registerBits += products * (sumBits(inputs: inputs) + inputBits + weightBits)
    }
    tally.results.stores += outputs
  }

  /// Counts what is fetched once for each sample when everything is reused.
  func countSample(inputs: Int, weights: Int, _ tally: inout Tally) {
    guard reuse == .full else { return }
    tally.inputs.loads += inputs
    tally.weights.loads += weights
    tally.registerBits += inputs * inputBits + weights * weightBits
  }

  /// Counts `outputs` sums, each read by a converter in `tiles` parts, which are then added.
  func countReadout(outputs: Int, tiles: Int, _ tally: inout Tally) {
    tally.operate(floatMultiplies: outputs * tiles, int32Adds: outputs * (tiles - 1))
    if reuse == .none {
      tally.sums.loads += outputs * (tiles - 1)
      tally.sums.stores += outputs * (tiles - 1)
    } else {
      tally.registerBits += outputs * tiles * 32
    }
  }
}
