import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How far scores are from those of a reference: signal over error, summed over all scores of all samples.
public struct ScoreFidelity: Sendable {
  private var signal = 0.0
  private var error = 0.0

  /// Nothing seen yet.
  public init() {}

  /// Takes in one batch of f32 scores.
  public mutating func add(_ scores: Tensor, reference: Tensor) {
    scores.withElements(Float.self) { scores in
      reference.withElements(Float.self) { reference in
        for (x, r) in zip(scores, reference) {
          signal += Double(r) * Double(r)
          error += (Double(x) - Double(r)) * (Double(x) - Double(r))
        }
      }
    }
  }

  /// 10 log10(signal / error), in dB; infinite without error.
  public var decibels: Double { error == 0 ? .infinity : 10 * log10(signal / error) }
}
