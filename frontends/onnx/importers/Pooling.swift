import GraphIR

extension OperatorTable {
  private static let common: [String: AttributeKind] = ["auto_pad": .string, "kernel_shape": .ints, "pads": .ints, "strides": .ints]

  private static func with(_ more: [String: AttributeKind]) -> [String: AttributeKind] { common.merging(more) { $1 } }

  /// Pooling over windows, and over everything.
  static let pooling: [OperatorEntry] =
    [
      OperatorEntry("MaxPool", 1...7, inputs: 1...1, common) { try importPool($0, .max, &$1) },
      OperatorEntry("MaxPool", 8...9, inputs: 1...1, outputs: 1...2, with(["storage_order": .int])) { try importPool($0, .max, &$1) },
      OperatorEntry(
        "MaxPool", .since(10), inputs: 1...1, outputs: 1...2, with(["storage_order": .int, "dilations": .ints, "ceil_mode": .int])
      ) { try importPool($0, .max, &$1) },
      OperatorEntry("AveragePool", 1...6, inputs: 1...1, common) { try importPool($0, .average, &$1) },
      OperatorEntry("AveragePool", 7...9, inputs: 1...1, with(["count_include_pad": .int])) { try importPool($0, .average, &$1) },
      OperatorEntry("AveragePool", 10...18, inputs: 1...1, with(["count_include_pad": .int, "ceil_mode": .int])) {
        try importPool($0, .average, &$1)
      },
      OperatorEntry("AveragePool", .since(19), inputs: 1...1, with(["count_include_pad": .int, "ceil_mode": .int, "dilations": .ints])) {
        try importPool($0, .average, &$1)
      },
      global("GlobalAveragePool", .mean), global("GlobalMaxPool", .max),
    ]

  private static func importPool(_ node: ImportedNode, _ kind: Pool.Kind, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    var pool = Pool()
    pool.kind = kind
    pool.kernel = try node.attributes.required("kernel_shape", try node.attributes.extents("kernel_shape"))
    pool.window = try node.window(over: builder.shape(x), kernel: pool.kernel)
    pool.roundUp = try node.attributes.flag("ceil_mode", default: false)
    pool.countPadding = try node.attributes.flag("count_include_pad", default: false)
    return [try builder.emit(.pool(pool), x)]
  }

  private static func global(_ name: String, _ kind: Reduce.Kind) -> OperatorEntry {
    OperatorEntry(name, .since(1), inputs: 1...1) { node, builder in
      let x = try node[0]
      guard builder.rank(x) >= 3 else { throw Diagnostic(.badInput, "global pooling takes [N, C, spatial…], not \(builder.shape(x))") }
      return [try builder.reduce(x, kind, Array(2..<builder.rank(x)), keepAxes: true)]
    }
  }
}

extension GraphBuilder {
  /// A reduction; the value itself when there are no axes.
  mutating func reduce(_ x: ValueID, _ kind: Reduce.Kind, _ axes: [Int], keepAxes: Bool) throws -> ValueID {
    if axes.isEmpty { return x }
    if axes.contains(0) && shape(x).hasFreeBatch {
      throw Diagnostic.freeBatch("a reduction over the free batch")
    }
    var reduce = Reduce()
    reduce.kind = kind
    reduce.axes = axes.sorted()
    reduce.keepAxes = keepAxes
    return try emit(.reduce(reduce), x)
  }
}
