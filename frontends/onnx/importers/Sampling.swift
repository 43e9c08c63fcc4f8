import GraphIR

extension OperatorTable {
  /// Operators that read between elements, at places found at run time. Places and weights are computed in f64.
  static let sampling: [OperatorEntry] = [
    OperatorEntry(
      "GridSample", 16...19, inputs: 2...2, ["align_corners": .int, "mode": .string, "padding_mode": .string], importGridSample),
    OperatorEntry(
      "GridSample", .since(20), inputs: 2...2, ["align_corners": .int, "mode": .string, "padding_mode": .string], importGridSample),
    OperatorEntry("AffineGrid", .since(20), inputs: 2...2, ["align_corners": .int], importAffineGrid),
    OperatorEntry("RoiAlign", 10...15, inputs: 3...3, roi, importRoiAlign),
    OperatorEntry("RoiAlign", .since(16), inputs: 3...3, roi.merging(["coordinate_transformation_mode": .string]) { $1 }, importRoiAlign),
    OperatorEntry(
      "DeformConv", .since(19), inputs: 3...5,
      ["dilations": .ints, "group": .int, "kernel_shape": .ints, "offset_group": .int, "pads": .ints, "strides": .ints], importDeformConv),
  ]

  private static let roi: [String: AttributeKind] = [
    "mode": .string, "output_height": .int, "output_width": .int, "sampling_ratio": .int, "spatial_scale": .float,
  ]

  private static func importGridSample(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, grid) = (try node[0], builder.shape(try node[1]).dimensions)
    let shape = builder.shape(x).dimensions
    let axes = shape.count - 2
    guard axes >= 1, grid.count == shape.count, grid[0] == shape[0], grid.last == axes, builder.element(x).isFloat else {
      throw Diagnostic(.badInput, "a grid \(Shape(grid)) does not fit an input \(builder.type(x))")
    }
    guard let border = SamplePlaces.Border(rawValue: node.attributes.string("padding_mode", default: "zeros")) else {
      throw Diagnostic(.badInput, "attribute 'padding_mode' is unknown")
    }
    let words = ["bilinear": SamplePlaces.Mode.linear, "linear": .linear, "nearest": .nearest, "bicubic": .cubic, "cubic": .cubic]
    guard let mode = words[node.attributes.string("mode", default: node.version < 20 ? "bilinear" : "linear")] else {
      throw Diagnostic(.badInput, "attribute 'mode' is unknown")
    }
    let alignsCorners = try node.attributes.flag("align_corners", default: false)
    let points = grid[1..<grid.count - 1].reduce(1, *)
    let wide = try builder.reshape(builder.cast(node[1], to: .float64), [grid[0], points, axes])
    // The grid lists x first.
    let places = try (0..<axes).map { axis -> ValueID in
      let normal = try builder.pick(wide, axis: 2, axes - 1 - axis)
      let extent = Double(shape[axis + 2])
      if alignsCorners { return try builder.binary(.mul, builder.binary(.add, normal, 1), (extent - 1) / 2) }
      return try builder.binary(.div, builder.binary(.sub, builder.binary(.mul, builder.binary(.add, normal, 1), extent), 1), 2)
    }
    let sampler = SamplePlaces(mode: mode, border: border, alignsCorners: alignsCorners)
    let result = try builder.sampled(x, places, sampler)
    return [try builder.cast(builder.reshape(result, Array(shape[..<2]) + grid[1..<grid.count - 1]), to: builder.element(x))]
  }

  private static func importAffineGrid(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let theta = try node[0]
    let size = try builder.integers(node[1], "the size")
    let axes = size.count - 2
    guard axes == 2 || axes == 3, size.allSatisfy({ $0 > 0 }), let count = Shape.product(size.dropFirst(2)), count <= placeTableLimit,
      builder.shape(theta) == [size[0], axes, axes + 1]
    else { throw Diagnostic(.badInput, "a size of \(size) does not fit \(builder.shape(theta))") }
    let alignsCorners = try node.attributes.flag("align_corners", default: false)
    let extents = Array(size.dropFirst(2))
    let strides = Shape(extents).strides
    var grid: [Double] = []
    // Rows are x, y (and z), then 1.
    for axis in extents.indices.reversed() {
      let extent = Double(extents[axis])
      for place in 0..<count {
        let index = Double(place / strides[axis] % extents[axis])
        grid.append(alignsCorners ? (extent == 1 ? -1 : 2 * index / (extent - 1) - 1) : (2 * index + 1) / extent - 1)
      }
    }
    grid += Array(repeating: 1, count: count)
    let places = builder.constant(Tensor(.float64, [axes + 1, count], grid))
    let product = try builder.matmul(builder.cast(theta, to: .float64), places)
    let moved = try builder.reshape(builder.transpose(product, [0, 2, 1]), [size[0]] + extents + [axes])
    return [try builder.cast(moved, to: builder.element(theta))]
  }

  /// Each region is cut into bins, each bin sampled at `ratio²` points, and these averaged (or the greatest taken).
  private static func importRoiAlign(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, rois) = (try node[0], try node[1])
    let attributes = node.attributes
    let (height, width) = (attributes.int("output_height", default: 1), attributes.int("output_width", default: 1))
    let ratio = attributes.int("sampling_ratio", default: 0)
    guard ratio > 0 else { throw Diagnostic(.unsupported, "a sampling_ratio that depends on the region is not supported") }
    guard builder.rank(x) == 4, builder.shape(rois).rank == 2, builder.shape(rois)[1] == 4, (1...1 << 12).contains(height),
      (1...1 << 12).contains(width), ratio <= 1 << 8
    else { throw Diagnostic(.badInput, "regions \(builder.shape(rois)) do not fit an input \(builder.shape(x))") }
    let word = attributes.string("coordinate_transformation_mode", default: node.version < 16 ? "output_half_pixel" : "half_pixel")
    let isShifted = word == "half_pixel"
    let mode = attributes.string("mode", default: "avg")
    guard isShifted || word == "output_half_pixel", mode == "avg" || mode == "max" else {
      throw Diagnostic(.badInput, "attribute 'mode' or 'coordinate_transformation_mode' is unknown")
    }
    let count = builder.shape(rois)[0]
    let scaled = try builder.binary(.mul, builder.cast(rois, to: .float64), Double(attributes.float("spatial_scale", default: 1)))
    let corners = isShifted ? try builder.binary(.sub, scaled, 0.5) : scaled
    func places(_ start: Int, _ bins: Int, _ builder: inout GraphBuilder) throws -> ValueID {
      let begin = try builder.slice(corners, axis: 1, from: start, count: 1)
      var span = try builder.binary(.sub, builder.slice(corners, axis: 1, from: start + 2, count: 1), begin)
      if !isShifted { span = try builder.binary(.max, span, 1) }
      let steps = (0..<bins * ratio).map { (Double($0) + 0.5) / Double(bins * ratio) }
      return try builder.binary(.add, begin, builder.binary(.mul, span, builder.numbers([1, steps.count], steps, like: span)))
    }
    let (rows, columns) = (try places(1, height, &builder), try places(0, width, &builder))
    let (down, across) = (height * ratio, width * ratio)
    let grid = Shape([count, down, across])
    let all = try [
      builder.expand(builder.reshape(rows, [count, down, 1]), grid), builder.expand(builder.reshape(columns, [count, 1, across]), grid),
    ].map { try builder.reshape($0, [count, down * across]) }
    let owner = try builder.countedFromFront(node[2], extent: builder.shape(x)[0])
    let sampler = SamplePlaces(mode: .linear, border: .region, alignsCorners: true, takesGreatest: mode == "max")
    let channels = builder.shape(x)[1]
    let samples = try builder.sampled(x, all, sampler, owner: owner)
    let apart = try builder.reshape(samples, [count, channels, height, ratio, width, ratio])
    let result = try builder.reduce(apart, mode == "max" ? .max : .mean, [3, 5], keepAxes: false)
    return [try builder.cast(result, to: builder.element(x))]
  }

  /// A convolution whose window is bent: each element of it is read where an offset says.
  private static func importDeformConv(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, weights, offsets) = (try node[0], try node[1], try node[2])
    let (shape, kernel) = (builder.shape(x).dimensions, builder.shape(weights).dimensions)
    let attributes = node.attributes
    let (groups, parts) = (attributes.int("group", default: 1), attributes.int("offset_group", default: 1))
    guard shape.count == 4, kernel.count == 4, groups > 0, parts > 0, shape[1] == kernel[1] * groups, kernel[0] % groups == 0,
      shape[1] % parts == 0, builder.element(x).isFloat
    else { throw Diagnostic(.unsupported, "weights \(Shape(kernel)) for an input \(builder.type(x))") }
    _ = try builder.boundCount(x)
    let size = kernel[2] * kernel[3]
    let window = try node.window(over: Shape(shape), kernel: Array(kernel[2...]))
    let outputs = try (0..<2).map { try window.outputExtent($0, input: shape[$0 + 2], kernel: kernel[$0 + 2]) }
    let area = outputs.reduce(1, *)
    guard builder.shape(offsets).dimensions == [shape[0], parts * size * 2] + outputs, size * area <= placeTableLimit else {
      throw Diagnostic(.badInput, "offsets \(builder.shape(offsets)) do not fit \(parts) groups of a result of \(outputs)")
    }
    let bent = try builder.reshape(builder.cast(offsets, to: .float64), [shape[0] * parts, size, 2, area])
    let places = try (0..<2).map { axis -> ValueID in
      let plain = (0..<size * area).map { index -> Double in
        let element = axis == 0 ? index / area / kernel[3] : index / area % kernel[3]
        let place = axis == 0 ? index % area / outputs[1] : index % area % outputs[1]
        return Double(place * window.stride(axis) + element * window.dilation(axis) - window.padBefore(axis))
      }
      let moved = try builder.binary(.add, builder.pick(bent, axis: 2, axis), builder.numbers([1, size, area], plain, like: bent))
      return try builder.reshape(moved, [shape[0] * parts, size * area])
    }
    let planes = try builder.reshape(x, [shape[0] * parts, shape[1] / parts, shape[2], shape[3]])
    let sampler = SamplePlaces(mode: .linear, border: .zeros, alignsCorners: true)
    var columns = try builder.reshape(builder.sampled(planes, places, sampler), [shape[0], parts, shape[1] / parts, size, area])
    if let mask = node.optional(4) {
      columns = try builder.binary(.mul, columns, builder.reshape(builder.cast(mask, to: .float64), [shape[0], parts, 1, size, area]))
    }
    let grouped = try builder.reshape(columns, [shape[0], groups, kernel[1] * size, area])
    let matrix = try builder.reshape(builder.cast(weights, to: .float64), [1, groups, kernel[0] / groups, kernel[1] * size])
    var result = try builder.reshape(builder.matmul(matrix, grouped), [shape[0], kernel[0]] + outputs)
    if let bias = node.optional(3) {
      result = try builder.binary(.add, result, builder.reshape(builder.cast(bias, to: .float64), [kernel[0], 1, 1]))
    }
    return [try builder.cast(result, to: builder.element(x))]
  }
}
