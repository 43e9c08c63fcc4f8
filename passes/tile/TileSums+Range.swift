import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where the full scale of a calibrated readout lies.
enum ReadoutRange: String, CaseIterable {
  /// At the largest sum.
  case max
  /// Where the mean squared error is least.
  case error
  /// At a share of all sums.
  case percentile
}

/// The codes of a converter.
struct ReadoutCodes: CustomStringConvertible {
  let bits: Int
  /// The largest code.
  let largest: Double
  /// Whether a comparator, whose codes are -1 and +1 alone.
  let isComparator: Bool

  init(bits: Int, top: Int) {
    self.bits = bits
    isComparator = bits == 1
    largest = Double(top)
  }

  var description: String { Int(largest) == Readout.largestCode(bits: bits) ? "\(bits) bits" : "\(2 * Int(largest) + 1) levels" }

  /// A converter with these codes, `lsb` apart.
  func readout(lsb: Float) -> Readout { .adc(bits: bits, lsb: lsb, top: Int(largest)) }

  /// What a sum of such a magnitude is taken for, where codes are `step` apart.
  func reading(_ magnitude: Int, step: Double) -> Double {
    isComparator ? step : Swift.min(largest, (Double(magnitude) / step).rounded(.toNearestOrEven)) * step
  }
}

extension TileSums {
  /// What one code above 0 is worth; not below 1, since sums are whole, but for a comparator.
  func stepSize(_ range: ReadoutRange, percentile: Double, codes: ReadoutCodes) -> Double {
    let largest = Swift.max(1, Double(magnitude(percentile: 100)) / codes.largest)
    switch range {
    case .max: return largest
    case .percentile: return Swift.max(1, Double(magnitude(percentile: percentile)) / codes.largest)
    case .error:
      if codes.isComparator {
        // Of all numbers that stand for every magnitude their mean is off least.
        let sum = counts.enumerated().reduce(0.0) { $0 + Double($1.offset) * Double($1.element) }
        return sum > 0 ? sum / Double(counts.reduce(0, +)) : 1
      }
      // From the largest sum down in steps of a sixteenth of an octave; the larger of equals.
      var best = (step: largest, error: squaredError(step: largest, codes: codes))
      for place in 1..<96 {
        let step = largest * exp2(-Double(place) / 16)
        guard step > 1 else { break }
        let error = squaredError(step: step, codes: codes)
        if error < best.error { best = (step, error) }
      }
      let whole = squaredError(step: 1, codes: codes)
      return whole < best.error ? 1 : best.step
    }
  }

  /// The summed squared error of reading all sums with steps of that size.
  private func squaredError(step: Double, codes: ReadoutCodes) -> Double {
    var sum = 0.0
    for (magnitude, count) in counts.enumerated() where count > 0 {
      let off = Double(magnitude) - codes.reading(magnitude, step: step)
      sum += off * off * Double(count)
    }
    return sum
  }

  /// Signal over error of what is read, in decibels.
  func decibels(step: Double, codes: ReadoutCodes) -> Double {
    let signal = counts.enumerated().reduce(0.0) { $0 + Double($1.offset * $1.offset) * Double($1.element) }
    return 10 * log10(Swift.max(signal, 1e-300) / Swift.max(squaredError(step: step, codes: codes), 1e-300))
  }

  /// The share of sums beyond full scale.
  func saturation(step: Double, codes: ReadoutCodes) -> Double {
    let beyond = counts.enumerated().reduce(0) { $0 + (Double($1.offset) > (codes.largest + 0.5) * step ? $1.element : 0) }
    return Double(beyond) / Double(Swift.max(1, counts.reduce(0, +)))
  }

  /// The magnitude that so many percent of the sums do not exceed.
  private func magnitude(percentile: Double) -> Int {
    let wanted = Double(counts.reduce(0, +)) * percentile / 100
    var seen = 0
    for (magnitude, number) in counts.enumerated() {
      seen += number
      if Double(seen) >= wanted && seen > 0 { return magnitude }
    }
    return 0
  }
}
