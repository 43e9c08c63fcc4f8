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
  /// What one code above 0 is worth, in sums of codes; not less than a sum can change by, but for a comparator.
  func stepSize(_ range: ReadoutRange, percentile: Double, codes: ReadoutCodes) -> Double {
    unit * stepOfSums(range, percentile: percentile, codes: codes)
  }

  /// The same in the sums that are read, which are whole.
  private func stepOfSums(_ range: ReadoutRange, percentile: Double, codes: ReadoutCodes) -> Double {
    let largest = Swift.max(1, Double(magnitude(percentile: 100)) / codes.largest)
    switch range {
    case .max: return largest
    case .percentile: return Swift.max(1, Double(magnitude(percentile: percentile)) / codes.largest)
    case .error:
      if codes.isComparator {
        // Of all numbers that stand for every magnitude their mean is off least.
        let sum = total { Double($0) }
        return sum > 0 ? sum / total { _ in 1 } : 1
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

  /// A figure of each magnitude that is read, summed over all of them; those of a bit count by the square of what the bit is worth.
  private func total(_ figure: (_ magnitude: Int) -> Double) -> Double {
    var sum = 0.0
    for (bit, counts) in spectra.enumerated() {
      let worth = exp2(2 * Double(bit))
      for (magnitude, count) in counts.enumerated() where count > 0 { sum += worth * figure(magnitude) * Double(count) }
    }
    return sum
  }

  /// The summed squared error of reading all sums with steps of that size.
  private func squaredError(step: Double, codes: ReadoutCodes) -> Double {
    total { magnitude in
      let off = Double(magnitude) - codes.reading(magnitude, step: step)
      return off * off
    }
  }

  /// Signal over error of what is read, in decibels.
  func decibels(step: Double, codes: ReadoutCodes) -> Double {
    let (signal, error) = (total { Double($0 * $0) }, squaredError(step: step / unit, codes: codes))
    return error == 0 ? .infinity : 10 * log10(Swift.max(signal, 1e-300) / error)
  }

  /// The share of what is read that lies beyond full scale.
  func saturation(step: Double, codes: ReadoutCodes) -> Double {
    var beyond = 0
    for counts in spectra {
      for (magnitude, count) in counts.enumerated() where Double(magnitude) > (codes.largest + 0.5) * (step / unit) { beyond += count }
    }
    return Double(beyond) / Double(Swift.max(1, conversions))
  }

  private var conversions: Int { spectra.reduce(0) { $0 + $1.reduce(0, +) } }

  /// The magnitude that so many percent of what is read do not exceed.
  private func magnitude(percentile: Double) -> Int {
    let wanted = Double(conversions) * percentile / 100
    var seen = 0
    for magnitude in counted {
      seen += spectra.reduce(0) { $0 + $1[magnitude] }
      if Double(seen) >= wanted && seen > 0 { return magnitude }
    }
    return 0
  }

  /// The magnitudes that could be read.
  private var counted: Range<Int> { spectra[0].indices }
}
