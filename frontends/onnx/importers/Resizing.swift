import GraphIR

extension OperatorTable {
  /// Resizing: each axis is gathered by indices, and weighted by factors, that are known at import.
  static let resizing: [OperatorEntry] = [
    OperatorEntry("Upsample", 7...8, inputs: 1...1, ["mode": .string, "scales": .floats]) { node, builder in
      let scales = try node.attributes.required("scales", node.attributes.floats("scales")).map(Double.init)
      return [try builder.resized(node[0], try ResizeRule(asymmetric: node), scales: scales)]
    },
    OperatorEntry("Upsample", 9...9, inputs: 2...2, ["mode": .string]) { node, builder in
      [try builder.resized(node[0], try ResizeRule(asymmetric: node), scales: try builder.tensor(node[1], "the scales").doubles)]
    },
    OperatorEntry("Resize", 10...10, inputs: 2...2, ["mode": .string]) { node, builder in
      [try builder.resized(node[0], try ResizeRule(asymmetric: node), scales: try builder.tensor(node[1], "the scales").doubles)]
    },
    OperatorEntry("Resize", 11...17, inputs: 1...4, resize, importResize),
    OperatorEntry(
      "Resize", .since(18), inputs: 1...4, resize.merging(["antialias": .int, "axes": .ints, "keep_aspect_ratio_policy": .string]) { $1 },
      importResize),
  ]

  private static let resize: [String: AttributeKind] = [
    "coordinate_transformation_mode": .string, "cubic_coeff_a": .float, "exclude_outside": .int, "extrapolation_value": .float,
    "mode": .string, "nearest_mode": .string,
  ]

  private static func importResize(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x)
    var rule = try ResizeRule(node)
    let axes = try normalizedAxes(node.attributes.ints("axes") ?? Array(0..<shape.rank), rank: shape.rank)
    func spread<Value>(_ values: [Value], _ fallback: (Int) -> Value, _ what: String) throws -> [Value] {
      guard values.count == axes.count else { throw Diagnostic(.badInput, "\(values.count) \(what) for \(axes.count) axes") }
      var all = (0..<shape.rank).map(fallback)
      for (axis, value) in zip(axes, values) { all[axis] = value }
      return all
    }
    if rule.coordinates == .cropAndResize {
      guard let given = node.optional(1) else { throw Diagnostic(.badInput, "the region is missing") }
      let region = try builder.tensor(given, "the region").doubles
      guard region.count == 2 * axes.count else {
        throw Diagnostic(.badInput, "a region of \(region.count) numbers for \(axes.count) axes")
      }
      rule.starts = try spread(Array(region[..<axes.count]), { _ in 0 }, "starts")
      rule.ends = try spread(Array(region[axes.count...]), { _ in 1 }, "ends")
    }
    if let sizes = node.optional(3) {
      let given = try keepingAspect(node, try builder.extents(sizes, "the sizes"), axes.map { shape[$0] })
      let wanted = try spread(given.sizes, { shape[$0] == Shape.free ? .batch : .known(shape[$0]) }, "sizes")
      return [try builder.resized(x, rule, sizes: wanted, scale: given.scale)]
    }
    guard let scales = node.optional(2) else { throw Diagnostic(.badInput, "neither scales nor sizes are given") }
    return [try builder.resized(x, rule, scales: try spread(try builder.tensor(scales, "the scales").doubles, { _ in 1 }, "scales"))]
  }

  /// The sizes, made to one scale for all axes when a policy says so.
  private static func keepingAspect(_ node: ImportedNode, _ sizes: [Extent], _ old: [Int]) throws -> (sizes: [Extent], scale: Double?) {
    let policy = node.attributes.string("keep_aspect_ratio_policy", default: "stretch")
    if policy == "stretch" { return (sizes, nil) }
    guard ["not_larger", "not_smaller"].contains(policy) else {
      throw Diagnostic(.badInput, "attribute 'keep_aspect_ratio_policy' is '\(policy)'")
    }
    let scales = try zip(sizes, old).map { size, extent -> Double in
      guard case .known(let wanted) = size, extent > 0 else { throw Diagnostic.freeBatch("it resizes the free batch") }
      return Double(wanted) / Double(extent)
    }
    guard let scale = policy == "not_larger" ? scales.min() : scales.max() else { return (sizes, nil) }
    return (old.map { .known(Int((scale * Double($0) + 0.5).rounded(.down))) }, scale)
  }
}

extension GraphBuilder {
  fileprivate mutating func resized(_ x: ValueID, _ rule: ResizeRule, scales: [Double]) throws -> ValueID {
    let shape = shape(x)
    guard scales.count == shape.rank, scales.allSatisfy({ $0 > 0 && $0 < 0x1p16 }) else {
      throw Diagnostic(.badInput, "scales \(scales.prefix(16)) do not fit \(shape)")
    }
    try requireRoom(
      for: TensorType(element(x), Shape(zip(shape.dimensions, scales).map { $0 < 1 ? $0 : Int((Double($0) * $1).rounded(.down)) })))
    var axes: [ResizedAxis] = []
    for (axis, scale) in scales.enumerated() where scale != 1 || rule.crops(axis) {
      guard shape[axis] != Shape.free else { throw Diagnostic.freeBatch("it resizes the free batch") }
      axes.append(
        try ResizedAxis(rule, axis: axis, extent: shape[axis], to: Int((Double(shape[axis]) * scale).rounded(.down)), scale: scale))
    }
    return try resized(x, rule, axes)
  }

  fileprivate mutating func resized(_ x: ValueID, _ rule: ResizeRule, sizes: [Extent], scale: Double?) throws -> ValueID {
    let shape = shape(x)
    try requireRoom(for: TensorType(element(x), Shape(sizes.map { $0.bound(batch: Shape.free) })))
    var axes: [ResizedAxis] = []
    for (axis, size) in sizes.enumerated() where size.bound(batch: Shape.free) != shape[axis] || rule.crops(axis) {
      guard case .known(let extent) = size, shape[axis] > 0 else { throw Diagnostic.freeBatch("it resizes the free batch") }
      let own = scale ?? Double(extent) / Double(shape[axis])
      axes.append(try ResizedAxis(rule, axis: axis, extent: shape[axis], to: extent, scale: own))
    }
    return try resized(x, rule, axes)
  }

  private mutating func resized(_ x: ValueID, _ rule: ResizeRule, _ axes: [ResizedAxis]) throws -> ValueID {
    guard rule.mode == .nearest || element(x).isFloat else {
      throw Diagnostic(.unsupported, "interpolating \(element(x).rawValue) is not supported", hint: "floats are")
    }
    var result = x
    for axis in axes { result = try resized(result, axis) }
    for axis in axes where axis.isOutside.contains(true) {
      let behind = Array(repeating: 1, count: rank(x) - axis.axis - 1)
      let outside = constant(.integers(.bool, Shape([axis.isOutside.count] + behind), axis.isOutside.map { $0 ? 1 : 0 }))
      result = try select(outside, scalar(Double(rule.outsideValue), like: x), result)
    }
    return result
  }

  /// `[…, extent, …]` -> gather `[…, size, taps, …]` -> · weights -> sum over the taps
  private mutating func resized(_ x: ValueID, _ axis: ResizedAxis) throws -> ValueID {
    let size = axis.taps.count
    let width = axis.taps.first?.count ?? 0
    if axis.isPlain { return try gather(x, list([size], axis.taps.map { $0[0].index }), axis: axis.axis) }
    let behind = Array(repeating: 1, count: rank(x) - axis.axis - 1)
    let picked = try gather(x, list([size, width], axis.taps.flatMap { $0.map(\.index) }), axis: axis.axis)
    let weights = numbers(Shape([size, width] + behind), axis.taps.flatMap { $0.map(\.weight) }, like: x)
    return try reduce(try binary(.mul, picked, weights), .sum, [axis.axis + 1], keepAxes: false)
  }
}
