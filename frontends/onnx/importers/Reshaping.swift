import GraphIR

extension OperatorTable {
  /// Operators that keep the elements and change the shape.
  static let reshaping: [OperatorEntry] = [
    OperatorEntry("Reshape", 5...13, inputs: 2...2) { node, builder in try importReshape(node, &builder) },
    OperatorEntry("Reshape", .since(14), inputs: 2...2, ["allowzero": .int], importReshape),
    OperatorEntry("Flatten", .since(1), inputs: 1...1, ["axis": .int], importFlatten),
    OperatorEntry("Transpose", .since(1), inputs: 1...1, ["perm": .ints], importTranspose),
    OperatorEntry("Squeeze", 1...12, inputs: 1...1, ["axes": .ints]) { node, builder in
      [try squeezed(node[0], node.attributes.ints("axes"), &builder)]
    },
    OperatorEntry("Squeeze", .since(13), inputs: 1...2) { node, builder in
      [try squeezed(node[0], try node.optional(1).map { try builder.integers($0, "the axes") }, &builder)]
    },
    OperatorEntry("Unsqueeze", 1...12, inputs: 1...1, ["axes": .ints]) { node, builder in
      [try unsqueezed(node[0], try node.attributes.required("axes", node.attributes.ints("axes")), &builder)]
    },
    OperatorEntry("Unsqueeze", .since(13), inputs: 2...2) { node, builder in
      [try unsqueezed(node[0], try builder.integers(node[1], "the axes"), &builder)]
    },
    OperatorEntry("DepthToSpace", 1...10, inputs: 1...1, ["blocksize": .int], importDepthToSpace),
    OperatorEntry("DepthToSpace", .since(11), inputs: 1...1, ["blocksize": .int, "mode": .string], importDepthToSpace),
    OperatorEntry("SpaceToDepth", .since(1), inputs: 1...1, ["blocksize": .int], importSpaceToDepth),
  ]

  static func importReshape(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let old = builder.shape(x)
    let zeroCopies = !(try node.attributes.flag("allowzero", default: false))
    var wanted = try builder.extents(node[1], "the new shape").enumerated().map { axis, extent -> Int in
      switch extent {
      case .batch: return Shape.free
      case .known(0) where zeroCopies:
        guard axis < old.rank else { throw Diagnostic(.badInput, "extent \(axis) is copied, but the input \(old) has no such axis") }
        return old[axis]
      case .known(-1): return inferredMark
      case .known(let value):
        guard value >= 0 else { throw Diagnostic(.badInput, "the new shape has an extent of \(value)") }
        return value
      }
    }
    if let place = wanted.firstIndex(of: inferredMark) {
      wanted.remove(at: place)
      guard !wanted.contains(inferredMark) else { throw Diagnostic(.badInput, "the new shape leaves several extents open") }
      wanted.insert(try inferred(old, others: wanted), at: place)
    }
    return [try builder.reshape(x, wanted)]
  }

  /// Stands for the extent that is found from the others while a new shape is being read.
  private static let inferredMark = Int.min

  /// The extent that is left open: a free batch when the others take one sample whole.
  private static func inferred(_ old: Shape, others: [Int]) throws -> Int {
    let takesBatch = others.contains(Shape.free)
    guard let rest = Shape.product(others.filter { $0 != Shape.free }), let count = old.elementCountPerSample else {
      throw Diagnostic(.badInput, "the new shape is too large")
    }
    if old.hasFreeBatch && !takesBatch && rest == count { return Shape.free }
    guard rest > 0, count % rest == 0, old.hasFreeBatch == takesBatch else {
      if old.hasFreeBatch {
        throw Diagnostic.freeBatch("a reshape of \(old) mixes the free batch with other axes")
      }
      throw Diagnostic(.badInput, "\(old) does not divide by the extents \(others)")
    }
    return count / rest
  }

  private static func importFlatten(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    let axis = node.attributes.int("axis", default: 1)
    guard (-shape.count...shape.count).contains(axis) else {
      throw Diagnostic(.badInput, "axis \(axis) is outside a rank of \(shape.count)")
    }
    let split = axis < 0 ? axis + shape.count : axis
    return [try builder.reshape(x, [try joined(shape[..<split]), try joined(shape[split...])])]
  }

  /// The product of extents; the free batch when the others are 1.
  private static func joined(_ extents: ArraySlice<Int>) throws -> Int {
    guard let product = Shape.product(extents.filter { $0 != Shape.free }) else { throw Diagnostic(.badInput, "the extents are too large") }
    guard extents.contains(Shape.free) else { return product }
    guard product == 1 else { throw Diagnostic.freeBatch("it mixes the free batch with other axes") }
    return Shape.free
  }

  private static func importTranspose(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let order = node.attributes.ints("perm") ?? (0..<builder.rank(x)).reversed()
    if builder.shape(x).hasFreeBatch, let first = order.first, first != 0 {
      throw Diagnostic.freeBatch("it moves the free batch")
    }
    return [try builder.emit(.transpose(Transpose(order: order)), x)]
  }

  private static func squeezed(_ x: ValueID, _ axes: [Int]?, _ builder: inout GraphBuilder) throws -> ValueID {
    let shape = builder.shape(x).dimensions
    let dropped = try normalizedAxes(axes ?? shape.indices.filter { shape[$0] == 1 }, rank: shape.count)
    if let bad = dropped.first(where: { shape[$0] != 1 }) {
      throw Diagnostic(shape[bad] == Shape.free ? .unsupported : .badInput, "axis \(bad) of \(builder.shape(x)) is not 1")
    }
    return try builder.dropping(dropped, of: x)
  }

  private static func unsqueezed(_ x: ValueID, _ axes: [Int], _ builder: inout GraphBuilder) throws -> ValueID {
    var shape = builder.shape(x).dimensions
    guard shape.count + axes.count <= TypeLimits.rank else {
      throw Diagnostic(.badInput, "\(axes.count) new axes; \(TypeLimits.rank) is the highest rank")
    }
    for axis in try normalizedAxes(axes, rank: shape.count + axes.count).sorted() { shape.insert(1, at: axis) }
    return try builder.reshape(x, shape)
  }

  private static func importDepthToSpace(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, shape, block) = try blocks(node, builder)
    guard shape[1] % (block * block) == 0 else { throw Diagnostic(.badInput, "\(shape[1]) channels do not fill blocks of \(block)") }
    let channels = shape[1] / (block * block)
    let split: [Int]
    let order: [Int]
    switch node.attributes.string("mode", default: "DCR") {
    case "DCR": (split, order) = ([shape[0], block, block, channels, shape[2], shape[3]], [0, 3, 4, 1, 5, 2])
    case "CRD": (split, order) = ([shape[0], channels, block, block, shape[2], shape[3]], [0, 1, 4, 2, 5, 3])
    case let mode: throw Diagnostic(.badInput, "attribute 'mode' is '\(mode)', not 'DCR' or 'CRD'")
    }
    let moved = try builder.emit(.transpose(Transpose(order: order)), try builder.reshape(x, split))
    return [try builder.reshape(moved, [shape[0], channels, shape[2] * block, shape[3] * block])]
  }

  private static func importSpaceToDepth(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, shape, block) = try blocks(node, builder)
    guard shape[2] % block == 0, shape[3] % block == 0 else {
      throw Diagnostic(.badInput, "\(builder.shape(x)) does not divide into blocks of \(block)")
    }
    let (rows, columns) = (shape[2] / block, shape[3] / block)
    let apart = try builder.reshape(x, [shape[0], shape[1], rows, block, columns, block])
    let moved = try builder.emit(.transpose(Transpose(order: [0, 3, 5, 1, 2, 4])), apart)
    return [try builder.reshape(moved, [shape[0], shape[1] * block * block, rows, columns])]
  }

  private static func blocks(_ node: ImportedNode, _ builder: GraphBuilder) throws -> (x: ValueID, shape: [Int], block: Int) {
    let x = try node[0]
    let block = node.attributes.int("blocksize", default: 0)
    guard builder.rank(x) == 4, (1...1 << 15).contains(block) else {
      throw Diagnostic(.badInput, "an input \(builder.shape(x)) does not fit blocks of \(block)")
    }
    return (x, builder.shape(x).dimensions, block)
  }
}
