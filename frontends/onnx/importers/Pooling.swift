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
    let result = try builder.emit(.pool(pool), x)
    guard node.resultCount > 1 else { return [result] }
    return [result, try places(of: result, in: x, pool, byColumns: try node.attributes.flag("storage_order", default: false), &builder)]
  }

  /// Where each maximum stood, counted through the whole input: windows are gathered, and the first element that is the maximum taken.
  private static func places(
    of result: ValueID, in x: ValueID, _ pool: Pool, byColumns: Bool, _ builder: inout GraphBuilder
  ) throws -> ValueID {
    let (shape, output) = (builder.shape(x).dimensions, builder.shape(result).dimensions)
    _ = try builder.boundCount(x)
    let (input, kernel, places) = (Array(shape[2...]), pool.kernel, Array(output[2...]))
    let (plane, taps, count) = (input.reduce(1, *), kernel.reduce(1, *), places.reduce(1, *))
    guard taps * count <= placeTableLimit, shape[0] * shape[1] <= placeTableLimit else {
      throw Diagnostic(.unsupported, "places of \(count) maxima of \(taps)")
    }
    let strides = (rows: Shape(input).strides, columns: Array(Shape(input.reversed()).strides.reversed()))
    // Outside of the input stands one element more, lower than all.
    var (inside, named) = ([Int](), [Int]())
    for place in 0..<count {
      for tap in 0..<taps {
        let indices = input.indices.map { axis -> Int in
          let offset = tap / Shape(kernel).strides[axis] % kernel[axis] * pool.window.dilation(axis)
          return place / Shape(places).strides[axis] % places[axis] * pool.window.stride(axis) + offset - pool.window.padBefore(axis)
        }
        let isInside = zip(indices, input).allSatisfy { $0 >= 0 && $0 < $1 }
        inside.append(isInside ? zip(indices, strides.rows).reduce(0) { $0 + $1.0 * $1.1 } : plane)
        named.append(isInside ? zip(indices, byColumns ? strides.columns : strides.rows).reduce(0) { $0 + $1.0 * $1.1 } : 0)
      }
    }
    let lowest = builder.element(x).integerRange.map { Float($0.lowerBound) } ?? -.infinity
    let planes = [shape[0], shape[1]]
    let flat = try builder.padded(builder.reshape(x, planes + [plane]), axis: 2, before: 0, after: 1, value: lowest)
    let seen = try builder.gather(flat, builder.list([count, taps], inside), axis: 2)
    let isGreatest = try builder.binary(.equal, seen, builder.reshape(result, planes + [count, 1]))
    let order = builder.list([taps], Array(0..<taps))
    let first = try builder.reduce(
      builder.select(isGreatest, order, builder.list([], [taps - 1])), .min, [3], keepAxes: false)
    let row = try builder.binary(.add, first, builder.list([count], (0..<count).map { $0 * taps }))
    let place = try builder.gather(builder.list([named.count], named), row, axis: 0)
    let starts = builder.list([shape[0], shape[1], 1], (0..<shape[0] * shape[1]).map { $0 * plane })
    return try builder.reshape(builder.binary(.add, place, starts), output)
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
