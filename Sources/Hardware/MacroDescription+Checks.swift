import GraphIR
import PluginAPI

extension MacroDescription {
  /// The quantity under a path; nil when it is unknown, a word or not there.
  ///
  /// Never inlined: Swift 6.3.1 stops with an ownership error when it is, in another module.
  @inline(never)
  public func quantity(_ path: String) -> Quantity? {
    guard let fact = fact(path) else { return nil }
    return fact.quantity
  }

  /// The number under a path, in its dimension's base unit.
  @inline(never)
  public func number(_ path: String) -> Double? { quantity(path)?.value }

  /// One figure that the sheet states or implies, beside what its other statements give.
  public struct Check: Hashable, Sendable {
    /// What it is, in words.
    public var name: String
    /// The unit of both figures.
    public var unit: String
    /// What the sheet states.
    public var stated: Double
    /// How far that can be trusted.
    public var mark: String
    /// What the other statements give.
    public var derived: Double
    /// How.
    public var formula: String
  }

  /// Figures that can be told from others of the same sheet.
  public var checks: [Check] {
    var checks: [Check] = []
    func add(_ path: String, _ name: String, _ derived: Double?, _ formula: String) {
      guard let quantity = quantity(path), let derived else { return }
      checks.append(
        Check(
          name: name, unit: quantity.unit, stated: quantity.value, mark: quantity.mark.rawValue, derived: derived, formula: formula))
    }
    let inputs = number("published.inputs") ?? Double(columns)
    let operations = 2 * inputs * Double(localArrays)
    add("published.throughput", "throughput", cycle.number.map { operations / $0 }, "2 x inputs x local arrays / cycle")
    let parts = energy.output.number.map { output in
      (energy.dacConversion.number ?? 0) * inputs + output * Double(localArrays)
    }
    add("published.cycle_energy", "energy of a cycle", parts, "inputs x input conversion + local arrays x output")
    add(
      "published.output_energy", "energy of an output", parts.map { $0 / Double(localArrays) },
      "(inputs x input conversion + local arrays x output) / local arrays")
    add("published.efficiency", "efficiency", parts.map { operations / $0 }, "2 x inputs x local arrays / energy of a cycle")
    return checks
  }

  /// What a reader of the sheet should know before trusting a simulation: statements that no model uses, errors nobody has published,
  /// figures that contradict each other by more than `tolerance` (a share).
  public func findings(tolerance: Double = 0.05) -> [String] {
    var findings: [String] = []
    let unused = ["technology.node", "technology.supply", "technology.area"] + facts.map(\.path).filter { $0.hasPrefix("published.") }
    for fact in facts where unused.contains(fact.path) && fact.quantity != nil {
      findings.append("'\(fact.path)' is used by no model; it is for reports and checks")
    }
    for fact in facts {
      if case .unknown = fact.value { findings.append("'\(fact.path)' is unknown: \(fact.source)") }
      if fact.path.hasPrefix("errors."), fact.mark == .assumed { findings.append("'\(fact.path)' is an assumption") }
    }
    if errors == nil { findings.append("there is no section 'errors': circuit errors must be given as options") }
    if weightBits > 1 {
      findings.append("'weight.bits' is \(weightBits): weights of several bits run as slices of two-valued ones, each read by itself")
    }
    for check in checks where abs(check.derived - check.stated) > tolerance * abs(check.stated) {
      findings.append("contradiction: \(check.name) is stated as \(check.stated) \(check.unit), \(check.formula) gives \(check.derived)")
    }
    return findings
  }
}
