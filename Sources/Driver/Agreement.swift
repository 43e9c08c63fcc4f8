import GraphIR

/// How far two machines agree on one value, over all samples seen.
public struct Agreement: Hashable, Sendable {
  /// Elements compared.
  public private(set) var elements = 0
  /// Elements whose bytes differ.
  public private(set) var differing = 0
  /// Elements that differ by more than the op's tolerance allows.
  public private(set) var violations = 0
  /// The largest difference seen.
  public private(set) var largestDifference = 0.0
  private var signal = 0.0
  private var noise = 0.0
  private var dot = 0.0
  private var candidateEnergy = 0.0
  /// Where the first violation stands: sample and element within it, with both values.
  public private(set) var firstViolation: Violation?

  /// One element on which the machines disagree beyond tolerance.
  public struct Violation: Hashable, Sendable {
    /// The sample.
    public let sample: Int
    /// The element within the sample.
    public let element: Int
    /// What the first machine says.
    public let reference: Double
    /// What the other machine says.
    public let candidate: Double
  }

  /// Creates one.
  public init() {}

  /// Whether every byte is the same.
  public var isExact: Bool { differing == 0 }

  /// Whether every element is within the op's tolerance.
  public var holds: Bool { violations == 0 }

  /// Ratio of signal to difference in decibels; nil when there is no difference.
  public var sqnr: Double? { noise == 0 ? nil : 10 * log10(signal / noise) }

  /// Cosine of the angle between both; 1 when they are equal.
  public var cosine: Double? {
    if isExact { return 1 }
    return signal > 0 && candidateEnergy > 0 ? dot / (signal.squareRoot() * candidateEnergy.squareRoot()) : nil
  }

  /// Takes one more batch into account; `firstSample` is the number of its first sample.
  public mutating func add(reference: Tensor, candidate: Tensor, tolerance: ValueTolerance, firstSample: Int) {
    elements += reference.count
    if reference == candidate {
      if reference.element.isFloat || reference.element.isInteger { addSignal(reference) }
      return
    }
    guard reference.type == candidate.type else {
      differing += reference.count
      violations += reference.count
      return
    }
    let perSample = max(1, reference.shape.rank == 0 ? 1 : reference.count / max(1, reference.shape[0]))
    let violating = tolerance.violations(reference: reference, candidate: candidate)
    violations += violating.count
    for index in 0..<reference.count {
      let (a, b) = (reference.double(at: index), candidate.double(at: index))
      signal += a * a
      candidateEnergy += b * b
      dot += a * b
      if a == b || (a.isNaN && b.isNaN) { continue }
      differing += 1
      noise += (a - b) * (a - b)
      largestDifference = max(largestDifference, abs(a - b))
    }
    if firstViolation == nil, let index = violating.first {
      firstViolation = Violation(
        sample: firstSample + index / perSample, element: index % perSample,
        reference: reference.double(at: index), candidate: candidate.double(at: index))
    }
  }

  private mutating func addSignal(_ tensor: Tensor) {
    guard tensor.element == .float32 else { return }
    let energy = tensor.withElements(Float.self) { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }
    signal += energy
    dot += energy
    candidateEnergy += energy
  }
}

/// The base-10 logarithm without a C library: enough for a report in decibels.
private func log10(_ x: Double) -> Double {
  guard x > 0, x.isFinite else { return x == 0 ? -.infinity : .infinity }
  // x = m·2^e with m in [1, 2); log of m by its series in (m-1)/(m+1).
  let t = (x.significand - 1) / (x.significand + 1)
  var (term, sum) = (t, 0.0)
  for k in stride(from: 1.0, through: 61, by: 2) {
    sum += term / k
    term *= t * t
  }
  return (2 * sum + Double(x.exponent) * 0.693_147_180_559_945_3) / 2.302_585_092_994_046
}
