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

  /// Expected loss of accuracy in points: by how much the original network believes less in the other's decisions than in its own.
  public var loss: Double { samples == 0 ? 0 : 100 * lossSum / Double(samples) }

  /// The standard error of `loss`, in points; that of one disagreement in `samples` at least.
  public var standardError: Double {
    guard samples > 1 else { return 100 }
    let mean = lossSum / Double(samples)
    let variance = max(0, lossSquares / Double(samples) - mean * mean)
    return 100 * max((variance / Double(samples)).squareRoot(), 0.5 / Double(samples))
  }

  /// The loss that a budget counts, in points: `loss` and its standard error, but at least half of the decisions that differ.
  ///
  /// A decision that differs costs accuracy only where the original was right, and wins some where it was wrong. But a network believes
  /// too much in itself on the data that it was trained on, where calibration data mostly comes from, so that `loss` alone promises too much.
  public var cautiousLoss: Double { max(loss + standardError, 50 * (1 - agreement)) }

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
      let lost = p[mine] - p[theirs]
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
