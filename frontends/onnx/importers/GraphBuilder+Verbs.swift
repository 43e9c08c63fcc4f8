import GraphIR

/// Short names for what importers append most.
extension GraphBuilder {
  mutating func unary(_ kind: UnaryKind, _ x: ValueID) throws -> ValueID { try emit(.unary(kind), x) }

  mutating func binary(_ kind: BinaryKind, _ a: ValueID, _ b: ValueID) throws -> ValueID { try emit(.binary(kind), a, b) }

  /// A binary op with a number of the left operand's type on the right.
  mutating func binary(_ kind: BinaryKind, _ a: ValueID, _ b: Double) throws -> ValueID { try emit(.binary(kind), a, scalar(b, like: a)) }

  mutating func select(_ condition: ValueID, _ then: ValueID, _ otherwise: ValueID) throws -> ValueID {
    try emit(.select, condition, then, otherwise)
  }

  /// A permutation of axes; the value itself when it moves none.
  mutating func transpose(_ x: ValueID, _ order: [Int]) throws -> ValueID {
    order == Array(order.indices) ? x : try emit(.transpose(Transpose(order: order)), x)
  }

  mutating func concat(_ parts: [ValueID], axis: Int) throws -> ValueID {
    parts.count == 1 ? parts[0] : try emit(.concat(AxisAttribute(axis: axis)), parts)
  }

  mutating func gather(_ data: ValueID, _ indices: ValueID, axis: Int) throws -> ValueID {
    try emit(.gather(AxisAttribute(axis: axis)), data, indices)
  }

  /// A constant of i64 numbers.
  mutating func list(_ shape: Shape, _ values: [Int]) -> ValueID { constant(.integers(.int64, shape, values)) }

  /// A constant of numbers in the element type of `other`, rounded once.
  mutating func numbers(_ shape: Shape, _ values: [Double], like other: ValueID) -> ValueID {
    constant(Tensor.vector(values, element(other)).reshaped(shape))
  }

  /// Zeros broadcast to a shape.
  mutating func zeros(_ shape: Shape, like other: ValueID) throws -> ValueID {
    try expand(constant(Tensor(zeros: element(other), [])), shape)
  }

  /// One index along an axis, which is dropped.
  mutating func pick(_ x: ValueID, axis: Int, _ index: Int) throws -> ValueID {
    try dropping([axis], of: try slice(x, axis: axis, from: index, count: 1))
  }

  /// Padding with zeros (or `value`) along one axis; negative amounts crop.
  mutating func padded(_ x: ValueID, axis: Int, before: Int, after: Int, value: Float = 0) throws -> ValueID {
    if before == 0 && after == 0 { return x }
    var pad = Pad()
    pad.pads = Array(repeating: 0, count: 2 * rank(x))
    pad.pads[axis] = before
    pad.pads[axis + rank(x)] = after
    pad.value = value
    return try emit(.pad(pad), x)
  }

  /// The elements along an axis from last to first.
  mutating func reversed(_ x: ValueID, axis: Int) throws -> ValueID {
    let extent = shape(x)[axis]
    if extent <= 1 { return x }
    var slice = Slice()
    slice.starts = Array(repeating: 0, count: rank(x))
    slice.steps = Array(repeating: 1, count: rank(x))
    slice.extents = shape(x).dimensions
    slice.starts[axis] = extent - 1
    slice.steps[axis] = -1
    return try emit(.slice(slice), x)
  }

  /// Each index along an axis `count` times in a row: `[a, b]` -> `[a, a, b, b]`.
  mutating func repeatedEach(_ x: ValueID, axis: Int, _ count: Int) throws -> ValueID {
    if count == 1 { return x }
    var apart = shape(x).dimensions
    apart.insert(1, at: axis + 1)
    var wide = apart
    wide[axis + 1] = count
    var result = shape(x).dimensions
    result[axis] *= count
    return try reshape(try expand(try reshape(x, apart), Shape(wide)), result)
  }

  /// The number of elements of a value whose batch is bound.
  func boundCount(_ x: ValueID) throws -> Int {
    guard let count = shape(x).elementCount else { throw Diagnostic.freeBatch("it mixes the free batch with other axes") }
    return count
  }

  /// Indices counted from the front, as i64; what is outside `0..<extent` becomes an index that no gather takes.
  mutating func countedFromFront(_ indices: ValueID, extent: Int, wraps: Bool = true) throws -> ValueID {
    guard self.element(indices).isInteger else { throw Diagnostic(.badInput, "indices are \(element(indices).rawValue)") }
    var counted = try cast(indices, to: .int64)
    if wraps { counted = try select(binary(.less, counted, 0), binary(.add, counted, Double(extent)), counted) }
    let isOutside = try binary(.or, binary(.less, counted, 0), binary(.greaterOrEqual, counted, Double(extent)))
    return try select(isOutside, list([], [-1 << 40]), counted)
  }
}
