import GraphIR
import PluginAPI

/// What a network may lose, or spend.
public enum Budget: Hashable, Sendable {
  /// Accuracy, in percentage points.
  case loss(points: Double)
  /// Energy of one sample.
  case energy(picojoules: Double)

  /// Reads `0.5%` (or `0.5`).
  public init(loss text: String) throws {
    let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
    guard let points = Double(digits.trimmed), points >= 0 else {
      throw Diagnostic(.usage, "--loss cannot be '\(text)'", hint: "points of accuracy, such as --loss 0.5%")
    }
    self = .loss(points: points)
  }

  /// Reads `40nJ`, `900pJ` or `1.2uJ`.
  public init(energy text: String) throws {
    for (unit, picojoules) in [("pJ", 1.0), ("nJ", 1e3), ("uJ", 1e6)] where text.hasSuffix(unit) {
      if let number = Double(text.dropLast(2).description.trimmed), number > 0 {
        self = .energy(picojoules: number * picojoules)
        return
      }
    }
    throw Diagnostic(.usage, "--energy cannot be '\(text)'", hint: "energy of one sample with its unit, such as --energy 40nJ")
  }
}

/// What one choice of bases costs, by the models of the machines.
public struct BasesCost: Hashable, Sendable {
  /// Energy of one sample.
  public var picojoules: Double
  /// Cycles of one sample.
  public var cycles: Int

  /// Both together.
  public static func + (a: BasesCost, b: BasesCost) -> BasesCost {
    BasesCost(picojoules: a.picojoules + b.picojoules, cycles: a.cycles + b.cycles)
  }
}

/// One choice of bases for every layer.
public struct BudgetPoint: Sendable {
  /// By layer; 0 is a layer in floating point on the host.
  public var bases: [Int]
  /// What all layers cost together.
  public var cost: BasesCost
  /// What the single layers' divergences add up to.
  public var expectedDivergence: Double
  /// What was measured; nil when this choice was not tried.
  public var measured: Fidelity?

  /// The option `bases` that says it.
  public var option: String { bases.map(String.init).joined(separator: ":") }
}
