import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How near one network's decisions are to another's on data without labels.
public struct Fidelity: Hashable, Sendable {
  /// Samples seen.
  public private(set) var samples = 0
  /// Samples on which both decide alike.
  public private(set) var agreeing = 0
  private var lossSum = 0.0
  private var lossSquares = 0.0
  private var divergenceSum = 0.0

  /// Of no samples yet.
  public init() {}

  /// The share of samples on which both decide alike.
  public var agreement: Double { samples == 0 ? 0 : Double(agreeing) / Double(samples) }

  /// Expected loss of accuracy in points, by the original's own probabilities of the two answers wherever decisions differ.
  ///
  /// Of probabilities p and q of its own answer and the other's, it is the mean of (p² - q²) / (p² + q²): accuracy changes only where one of
  /// the two is right, and it is counted as if one always were, and as if the original's scores were twice as far apart. Most networks
  /// believe too much in themselves, and then this is too much; one trained with dropout, mixtures or smoothed labels believes too little,
  /// and without labels nothing tells which. An assumption, not a measurement.
  public var loss: Double { samples == 0 ? 0 : 100 * lossSum / Double(samples) }

  /// The standard error of `loss`, in points; that of one disagreement in `samples` at least.
  public var standardError: Double {
    guard samples > 1 else { return 100 }
    let mean = lossSum / Double(samples)
    let variance = max(0, lossSquares / Double(samples) - mean * mean)
    return 100 * max((variance / Double(samples)).squareRoot(), 0.5 / Double(samples))
  }

  /// The loss that a budget counts, in points: `loss` and three standard errors.
  ///
  /// Chance alone would exceed two of them in one of forty choices. The third is for what the standard error does not know: that a search
  /// takes the luckiest of several choices. A network that knows the samples by heart loses more than is counted.
  public var cautiousLoss: Double { loss + 3 * standardError }

  /// The mean Kullback-Leibler divergence of class probabilities, in nats.
  public var divergence: Double { samples == 0 ? 0 : divergenceSum / Double(samples) }

  /// Takes in one batch of scores, f32 `[N, classes]`.
  public mutating func add(original: Tensor, other: Tensor) {
    let classes = original.count / max(1, original.shape[0])
    let (a, b) = (original.floats, other.floats)
    for start in stride(from: 0, to: a.count, by: max(1, classes)) {
      let p = Self.probabilities(a[start..<start + classes])
      let q = Self.probabilities(b[start..<start + classes])
      let (mine, theirs) = (Self.largest(p), Self.largest(q))
      let (kept, taken) = (p[mine] * p[mine], p[theirs] * p[theirs])
      let lost = mine == theirs ? 0 : (kept - taken) / (kept + taken)
      samples += 1
      agreeing += mine == theirs ? 1 : 0
      lossSum += lost
      lossSquares += lost * lost
      divergenceSum += zip(p, q).reduce(0) { $0 + ($1.0 > 0 ? $1.0 * log($1.0 / max($1.1, 1e-30)) : 0) }
    }
  }

  /// Scores as probabilities; those that are such already stay.
  private static func probabilities(_ scores: ArraySlice<Float>) -> [Double] {
    let numbers = scores.map(Double.init)
    if numbers.allSatisfy({ $0 >= 0 }), (numbers.reduce(0, +) - 1).magnitude < 1e-3 { return numbers }
    let most = numbers.max() ?? 0
    let powers = numbers.map { exp($0 - most) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  private static func largest(_ numbers: [Double]) -> Int { numbers.indices.reduce(0) { numbers[$1] > numbers[$0] ? $1 : $0 } }
}
