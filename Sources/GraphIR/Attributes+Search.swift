/// Running sums or products: element `i` of the result is made of elements `0…i` along the axis.
public struct Cumulate: Attributes {
  /// How elements are joined.
  public enum Kind: String, AttributeConvertible, CaseIterable { case sum, product }

  /// How elements are joined.
  public var kind = Kind.sum
  /// The axis.
  public var axis = 0

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(_ kind: Kind, axis: Int) {
    self.kind = kind
    self.axis = axis
  }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Cumulate>] = [.init("kind", \.kind), .init("axis", \.axis)]
}

/// The places of the `count` greatest (or least) elements along an axis, best first; of equals the first. NaN is above all numbers.
public struct TopK: Attributes {
  /// The axis.
  public var axis = 0
  /// How many places.
  public var count = 1
  /// Whether the greatest come first, rather than the least.
  public var largest = true

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(axis: Int, count: Int, largest: Bool) {
    self.axis = axis
    self.count = count
    self.largest = largest
  }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<TopK>] = [.init("axis", \.axis), .init("count", \.count), .init("largest", \.largest)]
}

/// Rows along dimension 0 of data, changed at the indices one after another; a negative index counts from the end.
public struct Scatter: Attributes {
  /// What an update does to a row.
  public enum Reduction: String, AttributeConvertible, CaseIterable {
    /// It takes its place.
    case none
    case add, mul, max, min
  }

  /// What an update does to a row.
  public var reduction = Reduction.none

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(_ reduction: Reduction) { self.reduction = reduction }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Scatter>] = [.init("reduction", \.reduction)]
}
