#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Observation {
  /// The magnitude that the largest code stands for, by the method of `settings`.
  package func end(_ settings: CodeSettings) -> Float {
    switch settings.method {
    case .max: magnitude(percentile: 100)
    case .percentile: magnitude(percentile: settings.percentile)
    case .error: end(levels: settings.largest, cost: squaredError)
    case .kl: end(levels: settings.largest, cost: divergence)
    }
  }

  /// The end of least cost among 64 from the largest magnitude down, a factor of 2^(1/8) apart; the larger of equals.
  private func end(levels: Int, cost: (Double, Int, [(magnitude: Double, count: Int)]) -> Double) -> Float {
    let largest = magnitude(percentile: 100)
    let spectrum = spectrum
    var best = (end: largest, cost: cost(Double(largest), levels, spectrum))
    guard largest > 0 else { return largest }
    for step in 1..<64 {
      let end = largest * Float(exp2(-Double(step) / 8))
      let now = cost(Double(end), levels, spectrum)
      if now < best.cost { best = (end, now) }
    }
    return best.end
  }

  /// The summed squared error of rounding to `levels` steps up to `end`, and of clipping there.
  private func squaredError(_ end: Double, _ levels: Int, _ spectrum: [(magnitude: Double, count: Int)]) -> Double {
    let step = end / Double(levels)
    return spectrum.reduce(0) { sum, entry in
      let code = min(Double(levels), (entry.magnitude / step).rounded(.toNearestOrEven))
      let off = entry.magnitude - code * step
      return sum + off * off * Double(entry.count)
    }
  }

  /// How much the data's distribution over 2048 fine bins tells apart from what codes leave of it: within each code its share is spread
  /// over the bins that were not empty, and what lies beyond the end is counted at the end.
  private func divergence(_ end: Double, _ levels: Int, _ spectrum: [(magnitude: Double, count: Int)]) -> Double {
    let fine = 2048
    let largest = Double(magnitude(percentile: 100))
    let limit = max(levels, Int((end / largest * Double(fine)).rounded(.up)))
    var data = [Double](repeating: 0, count: fine)
    // Exact zeros are codes of their own, whatever the end is; they would drown all else.
    for entry in spectrum where entry.magnitude > 0 {
      data[min(fine - 1, Int(entry.magnitude / largest * Double(fine)))] += Double(entry.count)
    }
    let total = data.reduce(0, +)
    // As where the method comes from (Migacz, 8-bit inference with TensorRT, 2017): not less than the first 128 bins. In a few of them, what is
    // clipped is all there is to tell apart.
    guard total > 0, limit <= fine, end / largest * Double(fine) >= 128 else { return .infinity }
    var clipped = Array(data[..<limit])
    clipped[limit - 1] += data[limit...].reduce(0, +)
    var sum = 0.0
    for level in 0..<levels {
      let bins = level * limit / levels..<(level + 1) * limit / levels
      let filled = bins.filter { data[$0] > 0 }
      let share = bins.reduce(0) { $0 + data[$1] } / Double(max(1, filled.count))
      for bin in bins where clipped[bin] > 0 {
        // A bin that only holds what was clipped has no share of its own: it is charged a trace.
        let kept = data[bin] > 0 ? share : 1e-4
        sum += clipped[bin] / total * log(clipped[bin] / kept)
      }
    }
    return sum + log(max(1, data[..<limit].reduce(0, +)) / total)
  }
}
