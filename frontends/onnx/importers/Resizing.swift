import GraphIR

extension OperatorTable {
  /// Resizing by the nearest element: each axis is gathered by indices that are known at import.
  static let resizing: [OperatorEntry] = [
    OperatorEntry("Upsample", 7...8, inputs: 1...1, ["mode": .string, "scales": .floats]) { node, builder in
      let scales = try node.attributes.required("scales", node.attributes.floats("scales")).map(Double.init)
      return [try builder.resized(node[0], try NearestRule(asymmetric: node), scales: scales)]
    },
    OperatorEntry("Upsample", 9...9, inputs: 2...2, ["mode": .string]) { node, builder in
      [try builder.resized(node[0], try NearestRule(asymmetric: node), scales: try builder.tensor(node[1], "the scales").doubles)]
    },
    OperatorEntry("Resize", 10...10, inputs: 2...2, ["mode": .string]) { node, builder in
      [try builder.resized(node[0], try NearestRule(asymmetric: node), scales: try builder.tensor(node[1], "the scales").doubles)]
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
    let rule = try NearestRule(node)
    let axes = try normalizedAxes(node.attributes.ints("axes") ?? Array(0..<shape.rank), rank: shape.rank)
    guard node.attributes.string("keep_aspect_ratio_policy", default: "stretch") == "stretch" else {
      throw Diagnostic(.unsupported, "a keep_aspect_ratio_policy other than 'stretch' is not supported")
    }
    func spread<Value>(_ values: [Value], _ fallback: (Int) -> Value, _ what: String) throws -> [Value] {
      guard values.count == axes.count else { throw Diagnostic(.badInput, "\(values.count) \(what) for \(axes.count) axes") }
      var all = (0..<shape.rank).map(fallback)
      for (axis, value) in zip(axes, values) { all[axis] = value }
      return all
    }
    if let sizes = node.optional(3) {
      let wanted = try spread(try builder.extents(sizes, "the sizes"), { shape[$0] == Shape.free ? .batch : .known(shape[$0]) }, "sizes")
      return [try builder.resized(x, rule, sizes: wanted)]
    }
    guard let scales = node.optional(2) else { throw Diagnostic(.badInput, "neither scales nor sizes are given") }
    return [try builder.resized(x, rule, scales: try spread(try builder.tensor(scales, "the scales").doubles, { _ in 1 }, "scales"))]
  }
}

/// Which input element stands for an output element.
private struct NearestRule {
  var coordinates: String
  var rounding: String

  init(_ node: ImportedNode) throws {
    coordinates = node.attributes.string("coordinate_transformation_mode", default: "half_pixel")
    rounding = node.attributes.string("nearest_mode", default: "round_prefer_floor")
    try NearestRule.requireNearest(node)
    guard ["half_pixel", "asymmetric", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric"].contains(coordinates) else {
      throw Diagnostic(.unsupported, "coordinate_transformation_mode '\(coordinates)' is not supported")
    }
    guard ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].contains(rounding) else {
      throw Diagnostic(.badInput, "attribute 'nearest_mode' is '\(rounding)'")
    }
  }

  /// The one rule of older versions.
  init(asymmetric node: ImportedNode) throws {
    try NearestRule.requireNearest(node)
    coordinates = "asymmetric"
    rounding = "floor"
  }

  private static func requireNearest(_ node: ImportedNode) throws {
    let mode = node.attributes.string("mode", default: "nearest")
    guard mode == "nearest" else { throw Diagnostic(.unsupported, "resizing by '\(mode)' is not supported", hint: "'nearest' is") }
  }

  func source(of place: Int, extent: Int, result: Int, scale: Double) -> Int {
    let position = Double(place)
    let exact: Double
    switch coordinates {
    case "asymmetric": exact = position / scale
    case "align_corners": exact = result == 1 ? 0 : position * Double(extent - 1) / Double(result - 1)
    case "pytorch_half_pixel": exact = result > 1 ? (position + 0.5) / scale - 0.5 : -0.5
    case "half_pixel_symmetric":
      let adjustment = Double(result) / (scale * Double(extent))
      exact = Double(extent) / 2 * (1 - adjustment) + (position + 0.5) / scale - 0.5
    default: exact = (position + 0.5) / scale - 0.5
    }
    let rounded: Double
    switch rounding {
    case "floor": rounded = exact.rounded(.down)
    case "ceil": rounded = exact.rounded(.up)
    case "round_prefer_ceil": rounded = (exact + 0.5).rounded(.down)
    default: rounded = (exact - 0.5).rounded(.up)
    }
    return min(max(Int(rounded), 0), extent - 1)
  }
}

extension GraphBuilder {
  fileprivate mutating func resized(_ x: ValueID, _ rule: NearestRule, scales: [Double]) throws -> ValueID {
    let shape = shape(x)
    guard scales.count == shape.rank, scales.allSatisfy({ $0 > 0 && $0 < 0x1p16 }) else {
      throw Diagnostic(.badInput, "scales \(scales) do not fit \(shape)")
    }
    var result = x
    for (axis, scale) in scales.enumerated() where scale != 1 {
      guard shape[axis] != Shape.free else { throw Diagnostic.freeBatch("it resizes the free batch") }
      result = try resized(result, rule, axis: axis, to: Int((Double(shape[axis]) * scale).rounded(.down)), scale: scale)
    }
    return result
  }

  fileprivate mutating func resized(_ x: ValueID, _ rule: NearestRule, sizes: [Extent]) throws -> ValueID {
    let shape = shape(x)
    var result = x
    for (axis, size) in sizes.enumerated() where size.bound(batch: Shape.free) != shape[axis] {
      guard case .known(let extent) = size, shape[axis] > 0 else {
        throw Diagnostic.freeBatch("it resizes the free batch")
      }
      result = try resized(result, rule, axis: axis, to: extent, scale: Double(extent) / Double(shape[axis]))
    }
    return result
  }

  private mutating func resized(_ x: ValueID, _ rule: NearestRule, axis: Int, to result: Int, scale: Double) throws -> ValueID {
    let extent = shape(x)[axis]
    guard extent > 0, (1...1 << 24).contains(result) else {
      throw Diagnostic(.badInput, "an axis of \(extent) cannot be resized to \(result)")
    }
    let indices = (0..<result).map { rule.source(of: $0, extent: extent, result: result, scale: scale) }
    return try emit(.gather(AxisAttribute(axis: axis)), x, constant(Tensor.integers(.int64, [result], indices)))
  }
}
