/// The extents of a tensor, outermost first.
///
/// Only dimension 0 may be `Shape.free`: the batch, carried through the graph and bound when it runs.
public struct Shape: Hashable, Sendable {
  /// Extents, outermost first.
  public var dimensions: [Int]

  /// Stands for a batch extent that is bound at run time; printed `?`.
  public static let free = -1

  /// Creates one from its parts.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  /// The number of dimensions.
  public var rank: Int { dimensions.count }

  /// What stands there.
  public subscript(axis: Int) -> Int {
    get { dimensions[axis] }
    set { dimensions[axis] = newValue }
  }

  /// Whether the batch extent is still to be bound.
  public var hasFreeBatch: Bool { dimensions.first == Shape.free }

  /// The samples in a value: of a bound batch, which is dimension 0 of every value that has samples; 1 where the batch is free.
  public var boundSamples: Int { hasFreeBatch || rank < 2 ? 1 : max(dimensions[0], 1) }

  /// The number of elements; nil when the batch is free or the product overflows.
  public var elementCount: Int? { Shape.product(dimensions) }

  /// The number of elements per unit of batch, when the batch is free; otherwise of the whole.
  public var elementCountPerSample: Int? { Shape.product(hasFreeBatch ? Array(dimensions.dropFirst()) : dimensions) }

  /// The product of extents; nil for a negative extent or on overflow. An extent of 0 does not excuse the rest.
  public static func product(_ extents: some Sequence<Int>) -> Int? {
    var product = 1
    var empty = false
    for extent in extents {
      if extent < 0 { return nil }
      if extent == 0 {
        empty = true
        continue
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = next
    }
    return empty ? 0 : product
  }

  /// The shape with a free batch bound to `batch`.
  public func bound(batch: Int) -> Shape {
    guard hasFreeBatch else { return self }
    var copy = self
    copy.dimensions[0] = batch
    return copy
  }

  /// Row-major strides, in elements.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) { strides[axis] = strides[axis + 1] * dimensions[axis + 1] }
    return strides
  }

  /// The result of broadcasting two shapes together by the NumPy rule; nil when they do not fit.
  public func broadcast(with other: Shape) -> Shape? {
    let rank = max(self.rank, other.rank)
    var result = [Int](repeating: 1, count: rank)
    for axis in 0..<rank {
      let a = axis - (rank - self.rank) >= 0 ? self[axis - (rank - self.rank)] : 1
      let b = axis - (rank - other.rank) >= 0 ? other[axis - (rank - other.rank)] : 1
      if a != b && a != 1 && b != 1 { return nil }
      result[axis] = a == 1 ? b : a
    }
    if result.dropFirst().contains(Shape.free) { return nil }
    return Shape(result)
  }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
  /// From a literal.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// As in the text form: `?x3x32x32`.
  public var description: String { dimensions.map { $0 == Shape.free ? "?" : String($0) }.joined(separator: "x") }
}

/// What a value is: the type of its elements and its extents.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  /// The type of each element.
  public var element: DataType
  /// Extents, outermost first.
  public var shape: Shape

  /// Creates one from its parts.
  public init(_ element: DataType, _ shape: Shape) {
    self.element = element
    self.shape = shape
  }

  /// As in the text form: `f32[?x3x32x32]`.
  public var description: String { "\(element.rawValue)[\(shape)]" }
}
