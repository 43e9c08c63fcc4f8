import GraphIR

/// The codes that a value is given: their type, their ends, and what one step is worth.
struct CodeChoice {
  var codes: Quantize
  var scale: Float

  /// Codes whose largest stands for the largest magnitude of `range`: u8 when they are unsigned, else i8, which ends at ±127.
  init(covering range: ValueRange, largest: Int, isSigned: Bool) {
    let most = isSigned ? max(range.lo.magnitude, range.hi.magnitude) : max(range.hi, 0)
    let hi = isSigned ? min(largest, 127) : largest
    codes = Quantize(to: isSigned ? .int8 : .uint8, lo: isSigned ? -hi : 0, hi: hi)
    let step = Float(Double(most) / Double(hi))
    scale = step >= Float.leastNormalMagnitude ? step : 1
  }
}
