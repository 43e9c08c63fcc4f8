import GraphIR

extension OperatorTable {
  /// Operators that join, pick or repeat.
  static let joining: [OperatorEntry] = [
    OperatorEntry("Concat", .since(4), inputs: 1...OperatorEntry.many, ["axis": .int]) { node, builder in
      let parts = try node.all
      _ = try node.attributes.required("axis", node.attributes.values["axis"])
      let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(parts[0]))
      return parts.count == 1 ? parts : [try builder.emit(.concat(AxisAttribute(axis: axis)), parts)]
    },
    OperatorEntry("Gather", .since(1), inputs: 2...2, ["axis": .int], importGather),
    OperatorEntry("Expand", .since(8), inputs: 2...2, importExpand),
    OperatorEntry("Tile", .since(6), inputs: 2...2, importTile),
  ]

  /// Indices may count from the back. Constant ones are made to count from the front, others are chosen so by ops.
  private static func importGather(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (data, indices) = (try node[0], try node[1])
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(data))
    let extent = builder.shape(data)[axis]
    guard extent != Shape.free else { throw Diagnostic.freeBatch("it picks from the free batch") }
    let counted: ValueID
    if builder.isConstant(indices) {
      let given = try builder.tensor(indices, "the indices")
      guard let values = given.integers else { throw Diagnostic(.badInput, "indices are \(given.element.rawValue)") }
      if let bad = values.first(where: { !(-extent..<extent).contains($0) }) {
        throw Diagnostic(.badInput, "index \(bad) is outside an axis of \(extent)")
      }
      let isPlain = values.allSatisfy { $0 >= 0 }
      counted = isPlain ? indices : builder.constant(Tensor.integers(given.element, given.shape, values.map { $0 < 0 ? $0 + extent : $0 }))
    } else {
      guard builder.element(indices).isInteger else { throw Diagnostic(.badInput, "indices are \(builder.element(indices).rawValue)") }
      let isNegative = try builder.emit(.binary(.less), indices, builder.scalar(0, like: indices))
      let fromBack = try builder.emit(.binary(.add), indices, builder.scalar(Double(extent), like: indices))
      counted = try builder.emit(.select, isNegative, fromBack, indices)
    }
    return [try builder.emit(.gather(AxisAttribute(axis: axis)), data, counted)]
  }

  private static func importExpand(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let wanted = Shape(
      try builder.extents(node[1], "the shape").map { extent in
        guard case .known(let value) = extent else { return Shape.free }
        guard value >= 0 else { throw Diagnostic(.badInput, "an extent of \(value)") }
        return value
      })
    guard let result = builder.shape(x).broadcast(with: wanted) else {
      throw Diagnostic(.badInput, "\(builder.shape(x)) does not broadcast to \(wanted)")
    }
    return [try builder.expand(x, result)]
  }

  /// Each axis is repeated behind a new axis of 1: `[a, b]` -> `[1, a, 1, b]` -> `[m, a, n, b]` -> `[m·a, n·b]`.
  private static func importTile(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    let repeats = try builder.integers(node[1], "the repeats")
    guard repeats.count == shape.count, repeats.allSatisfy({ (0..<1 << 31).contains($0) }) else {
      throw Diagnostic(.badInput, "repeats \(repeats.prefix(16)) do not fit \(builder.shape(x))")
    }
    var (apart, wide, result) = ([Int](), [Int](), [Int]())
    for (extent, count) in zip(shape, repeats) {
      guard extent != Shape.free || count == 1 else {
        throw Diagnostic.freeBatch("it repeats the free batch")
      }
      apart += count == 1 ? [extent] : [1, extent]
      wide += count == 1 ? [extent] : [count, extent]
      let (product, overflow) = extent.multipliedReportingOverflow(by: count)
      guard !overflow else { throw Diagnostic(.badInput, "\(extent) elements repeated \(count) times are too many") }
      result.append(product)
    }
    return [try builder.reshape(try builder.expand(try builder.reshape(x, apart), Shape(wide)), result)]
  }
}

extension GraphBuilder {
  /// The value broadcast to a shape; the value itself when it has it.
  mutating func expand(_ x: ValueID, _ result: Shape) throws -> ValueID {
    if shape(x) == result { return x }
    guard !result.hasFreeBatch || shape(x).hasFreeBatch else {
      throw Diagnostic.freeBatch("it makes a value of the free batch's size")
    }
    return try emit(.expand(Reshape(shape: result)), x)
  }
}
