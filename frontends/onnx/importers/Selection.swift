import GraphIR

extension OperatorTable {
  /// Operators that choose elements by their place.
  static let selection: [OperatorEntry] = [
    OperatorEntry("Trilu", .since(14), inputs: 1...2, ["upper": .int], importTrilu),
    OperatorEntry("OneHot", .since(9), inputs: 3...3, ["axis": .int], importOneHot),
    OperatorEntry("Mod", .since(10), inputs: 2...2, ["fmod": .int], importMod),
  ]

  /// The largest mask that is made at import, in elements.
  private static let maskLimit = 1 << 22

  private static func importTrilu(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x)
    let isUpper = try node.attributes.flag("upper", default: true)
    let diagonal = try node.optional(1).map { try builder.integers(try builder.reshape($0, [1]), "the diagonal")[0] } ?? 0
    guard shape.rank >= 2, let count = Shape.product(shape.dimensions.suffix(2)), count <= maskLimit else {
      throw Diagnostic(.unsupported, "a triangle of \(shape)")
    }
    let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    let bounded = min(max(diagonal, -rows - columns), rows + columns)
    let isKept = (0..<count).map { place -> Int in
      let offset = place % columns - place / columns
      return (isUpper ? offset >= bounded : offset <= bounded) ? 1 : 0
    }
    let mask = builder.constant(.integers(.bool, [rows, columns], isKept))
    return [try builder.emit(.select, mask, x, builder.constant(Tensor(zeros: builder.element(x), [])))]
  }

  /// `on` where an index is the place along the new axis, counted from either end; `off` elsewhere.
  private static func importOneHot(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let indices = try builder.cast(node[0], to: .int64)
    let depth = try builder.number(node[1], "the depth")
    guard let extent = Int(exactly: depth.rounded(.towardZero)), (1...maskLimit).contains(extent) else {
      throw Diagnostic(.badInput, "a depth of \(depth)")
    }
    let values = try node[2]
    guard builder.shape(values) == [2] else { throw Diagnostic(.badInput, "the values are \(builder.type(values)), not two") }
    let rank = builder.rank(indices)
    let axis = try normalizedAxis(node.attributes.int("axis", default: -1), rank: rank + 1)
    let fromFront = try builder.emit(
      .select, builder.emit(.binary(.less), indices, builder.scalar(0, like: indices)),
      builder.emit(.binary(.add), indices, builder.scalar(Double(extent), like: indices)), indices)
    var shape = builder.shape(indices).dimensions
    shape.insert(1, at: axis)
    let places = builder.constant(.integers(.int64, Shape([extent] + Array(repeating: 1, count: rank - axis)), Array(0..<extent)))
    let isHot = try builder.emit(.binary(.equal), try builder.reshape(fromFront, shape), places)
    let parts = try (0...1).map { try builder.reshape(try builder.slice(values, axis: 0, from: $0, count: 1), []) }
    return [try builder.emit(.select, isHot, parts[1], parts[0])]
  }

  /// The remainder of the truncating division, brought to the divisor's sign unless `fmod` is set.
  private static func importMod(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (a, b) = (try node[0], try node[1])
    let remainder = try builder.binary(.remainder, a, b)
    if try node.attributes.flag("fmod", default: false) { return [remainder] }
    let zero = try builder.scalar(0, like: a)
    let signsDiffer = try builder.emit(
      .binary(.xor), builder.emit(.binary(.less), remainder, zero), builder.emit(.binary(.less), b, zero))
    let isExact = try builder.emit(.binary(.equal), remainder, zero)
    let stays = try builder.emit(.binary(.or), isExact, try builder.emit(.unary(.not), signsDiffer))
    return [try builder.emit(.select, stays, remainder, try builder.emit(.binary(.add), remainder, b))]
  }
}
