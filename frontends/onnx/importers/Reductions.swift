import GraphIR

extension OperatorTable {
  /// Reductions along axes: an attribute in older opsets, an operand in newer ones.
  static let reductions: [OperatorEntry] =
    reduction("ReduceMean", 18) { x, axes, keep, builder in try builder.reduce(x, .mean, axes, keepAxes: keep) }
    + reduction("ReduceSum", 13) { x, axes, keep, builder in try builder.reduce(x, .sum, axes, keepAxes: keep) }
    + reduction("ReduceMax", 18) { x, axes, keep, builder in try builder.reduce(x, .max, axes, keepAxes: keep) }
    + reduction("ReduceMin", 18) { x, axes, keep, builder in try builder.reduce(x, .min, axes, keepAxes: keep) }
    + reduction("ReduceProd", 18) { x, axes, keep, builder in try builder.reduce(x, .product, axes, keepAxes: keep) }
    + reduction("ReduceL1", 18) { x, axes, keep, builder in
      try builder.reduce(try builder.emit(.unary(.abs), x), .sum, axes, keepAxes: keep)
    }
    + reduction("ReduceSumSquare", 18) { x, axes, keep, builder in
      try builder.reduce(try builder.emit(.binary(.mul), x, x), .sum, axes, keepAxes: keep)
    }
    + reduction("ReduceL2", 18) { x, axes, keep, builder in
      let sum = try builder.reduce(try builder.emit(.binary(.mul), x, x), .sum, axes, keepAxes: keep)
      let root = try builder.emit(.unary(.sqrt), try builder.cast(sum, to: builder.element(x).isFloat ? builder.element(x) : .float64))
      return try builder.cast(root, to: builder.element(x))
    }
    + reduction("ReduceLogSum", 18) { x, axes, keep, builder in
      try builder.emit(.unary(.log), try builder.reduce(x, .sum, axes, keepAxes: keep))
    }
    + reduction("ReduceLogSumExp", 18) { x, axes, keep, builder in
      let top = try builder.reduce(x, .max, axes, keepAxes: true)
      let sum = try builder.reduce(try builder.emit(.unary(.exp), try builder.emit(.binary(.sub), x, top)), .sum, axes, keepAxes: true)
      let whole = try builder.emit(.binary(.add), try builder.emit(.unary(.log), sum), top)
      return keep ? whole : try builder.dropping(axes, of: whole)
    }
    + [
      OperatorEntry("ArgMax", 1...11, inputs: 1...1, argument) { try importArgument($0, .max, &$1) },
      OperatorEntry("ArgMax", .since(12), inputs: 1...1, argument.merging(["select_last_index": .int]) { $1 }) {
        try importArgument($0, .max, &$1)
      },
      OperatorEntry("ArgMin", 1...11, inputs: 1...1, argument) { try importArgument($0, .min, &$1) },
      OperatorEntry("ArgMin", .since(12), inputs: 1...1, argument.merging(["select_last_index": .int]) { $1 }) {
        try importArgument($0, .min, &$1)
      },
    ]

  private static let argument: [String: AttributeKind] = ["axis": .int, "keepdims": .int]

  /// The two forms of a reduction; from `operandSince` on the axes are an operand.
  private static func reduction(
    _ name: String, _ operandSince: Int, _ build: @escaping @Sendable (ValueID, [Int], Bool, inout GraphBuilder) throws -> ValueID
  ) -> [OperatorEntry] {
    [
      OperatorEntry(name, 1...operandSince - 1, inputs: 1...1, ["axes": .ints, "keepdims": .int]) { node, builder in
        let x = try node[0]
        let axes = try normalizedAxes(node.attributes.ints("axes") ?? Array(0..<builder.rank(x)), rank: builder.rank(x))
        return [try build(x, axes, try node.attributes.flag("keepdims", default: true), &builder)]
      },
      OperatorEntry(name, .since(operandSince), inputs: 1...2, ["noop_with_empty_axes": .int, "keepdims": .int]) { node, builder in
        let x = try node[0]
        var axes = try normalizedAxes(try node.optional(1).map { try builder.integers($0, "the axes") } ?? [], rank: builder.rank(x))
        let emptyMeansNone = try node.attributes.flag("noop_with_empty_axes", default: false)
        if axes.isEmpty && !emptyMeansNone { axes = Array(0..<builder.rank(x)) }
        return [try build(x, axes, try node.attributes.flag("keepdims", default: true), &builder)]
      },
    ]
  }

  /// The place of the first (or last) extreme element: of the places where `x` is the extreme, the smallest (or largest).
  private static func importArgument(_ node: ImportedNode, _ kind: Reduce.Kind, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(x))
    let takesLast = try node.attributes.flag("select_last_index", default: false)
    let places = try builder.extremePlaces(x, kind, axis: axis, outside: takesLast ? -1 : builder.shape(x)[axis])
    let keep = try node.attributes.flag("keepdims", default: true)
    return [try builder.reduce(places, takesLast ? .max : .min, [axis], keepAxes: keep)]
  }
}

extension GraphBuilder {
  /// For every element its place along `axis` where it is the extreme, and `outside` elsewhere.
  mutating func extremePlaces(_ x: ValueID, _ kind: Reduce.Kind, axis: Int, outside: Int) throws -> ValueID {
    let extent = shape(x)[axis]
    guard extent != Shape.free, extent <= 1 << 24 else { throw Diagnostic(.unsupported, "a search along an axis of \(shape(x))") }
    let isExtreme = try emit(.binary(.equal), x, try reduce(x, kind, [axis], keepAxes: true))
    let ones = Array(repeating: 1, count: rank(x) - axis - 1)
    let places = constant(Tensor.integers(.int64, Shape([extent] + ones), Array(0..<extent)))
    return try emit(.select, isExtreme, places, constant(Tensor.integers(.int64, [], [outside])))
  }

  /// The value without axes of extent 1.
  mutating func dropping(_ axes: [Int], of x: ValueID) throws -> ValueID {
    try reshape(x, shape(x).dimensions.enumerated().filter { !axes.contains($0.offset) }.map(\.element))
  }
}
