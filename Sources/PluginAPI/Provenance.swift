/// How far a figure can be trusted; from best to worst.
public enum Mark: String, Hashable, Sendable, CaseIterable {
  /// Read in the source itself.
  case read = "V"
  /// Quoted by a secondary source that was read.
  case quoted = "S"
  /// Derived from read or quoted figures, by the formula that the source text gives.
  case derived = "D"
  /// Remembered, and an independent read or quoted figure agrees; unverified.
  case corroborated = "M+"
  /// Remembered only: a default parameter, never a claim.
  case remembered = "M"
  /// Hazy, or a choice between two readings: configurable, never picked silently.
  case hazy = "M-"
  /// Our own assumption.
  case assumed = "A"
}

/// A number with its unit, and where it comes from.
public struct Quantity: Hashable, Sendable {
  /// The value.
  public var value: Double
  /// Its unit, such as pJ.
  public var unit: String
  /// How far to trust it.
  public var mark: Mark
  /// Where it comes from.
  public var source: String

  /// Creates one from its parts.
  public init(_ value: Double, _ unit: String, _ mark: Mark, source: String) {
    self.value = value
    self.unit = unit
    self.mark = mark
    self.source = source
  }
}

/// A named constant that a cost rests on.
public struct SourcedConstant: Hashable, Sendable {
  /// Where it stands, such as `conv-ram-isscc2018: energy.adc`.
  public var name: String
  /// The figure.
  public var quantity: Quantity

  /// Creates one from its parts.
  public init(_ name: String, _ quantity: Quantity) {
    self.name = name
    self.quantity = quantity
  }
}
