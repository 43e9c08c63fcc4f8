import GraphIR

extension OperatorTable {
  /// Operators that write into places given by a tensor of indices: each is a scatter of rows.
  static let scattering: [OperatorEntry] = [
    OperatorEntry("Scatter", 9...10, inputs: 3...3, ["axis": .int], importScatterElements),
    OperatorEntry("ScatterElements", 11...15, inputs: 3...3, ["axis": .int], importScatterElements),
    OperatorEntry("ScatterElements", .since(16), inputs: 3...3, ["axis": .int, "reduction": .string], importScatterElements),
    OperatorEntry("ScatterND", 11...15, inputs: 3...3, importScatterND),
    OperatorEntry("ScatterND", .since(16), inputs: 3...3, ["reduction": .string], importScatterND),
    OperatorEntry("TensorScatter", .since(24), inputs: 2...3, ["axis": .int, "mode": .string], importTensorScatter),
    OperatorEntry(
      "MaxUnpool", .since(9), inputs: 2...3, ["kernel_shape": .ints, "pads": .ints, "strides": .ints], importMaxUnpool),
    OperatorEntry("Col2Im", .since(18), inputs: 3...3, ["dilations": .ints, "pads": .ints, "strides": .ints], importCol2Im),
  ]

  private static func reduction(_ node: ImportedNode) throws -> Scatter.Reduction {
    let word = node.attributes.string("reduction", default: "none")
    guard let reduction = Scatter.Reduction(rawValue: word), node.version >= 18 || ![.max, .min].contains(reduction) else {
      throw Diagnostic(.badInput, "attribute 'reduction' is '\(word)'")
    }
    return reduction
  }

  private static func importScatterElements(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (data, indices, updates) = (try node[0], try node[1], try node[2])
    let shape = builder.shape(data).dimensions
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: shape.count)
    let (all, count) = try (builder.boundCount(data), builder.boundCount(indices))
    guard builder.shape(updates) == builder.shape(indices) else {
      throw Diagnostic(.badInput, "updates \(builder.shape(updates)) do not fit indices \(builder.shape(indices))")
    }
    let flat = try builder.flatPlaces(indices, axis: axis, of: shape)
    let result = try builder.emit(
      .scatter(Scatter(try reduction(node))), builder.reshape(data, [all]), builder.reshape(flat, [count]),
      builder.reshape(updates, [count]))
    return [try builder.reshape(result, shape)]
  }

  private static func importScatterND(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (data, indices, updates) = (try node[0], try node[1], try node[2])
    let (shape, places) = (builder.shape(data).dimensions, builder.shape(indices).dimensions)
    guard let depth = places.last, depth >= 1, depth <= shape.count,
      builder.shape(updates).dimensions == places.dropLast() + shape[depth...]
    else { throw Diagnostic(.badInput, "indices \(places) and updates \(builder.shape(updates)) do not fit \(builder.shape(data))") }
    _ = try (builder.boundCount(data), builder.boundCount(updates))
    let (rows, inner) = (shape[..<depth].reduce(1, *), shape[depth...].reduce(1, *))
    let count = places.dropLast().reduce(1, *)
    let flat = try builder.flatRows(indices, axes: Array(shape[..<depth]))
    let result = try builder.emit(
      .scatter(Scatter(try reduction(node))), builder.reshape(data, [rows, inner]), builder.reshape(flat, [count]),
      builder.reshape(updates, [count, inner]))
    return [try builder.reshape(result, shape)]
  }

  /// A cache `[batch, …, steps, …]` with the update written from a step of each batch's own on.
  private static func importTensorScatter(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (cache, update) = (try node[0], try node[1])
    let (shape, part) = (builder.shape(cache).dimensions, builder.shape(update).dimensions)
    let axis = try normalizedAxis(node.attributes.int("axis", default: -2), rank: shape.count)
    let mode = node.attributes.string("mode", default: "linear")
    guard ["linear", "circular"].contains(mode) else { throw Diagnostic(.badInput, "attribute 'mode' is '\(mode)'") }
    guard axis > 0, part.count == shape.count, part[axis] <= shape[axis],
      shape.indices.allSatisfy({ $0 == axis || shape[$0] == part[$0] })
    else { throw Diagnostic(.badInput, "an update \(Shape(part)) does not fit a cache \(Shape(shape))") }
    _ = try builder.boundCount(cache)
    let (outer, inner) = (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
    guard outer * part[axis] <= placeTableLimit, shape[0] > 0 else { throw Diagnostic(.unsupported, "a cache of \(Shape(shape))") }
    let starts =
      try node.optional(2).map { try builder.cast($0, to: .int64) } ?? builder.list([shape[0]], Array(repeating: 0, count: shape[0]))
    let own = try builder.reshape(builder.repeatedEach(builder.reshape(starts, [shape[0]]), axis: 0, outer / shape[0]), [outer, 1])
    var place = try builder.binary(.add, own, builder.list([1, part[axis]], Array(0..<part[axis])))
    if mode == "circular" { place = try builder.binary(.remainder, place, Double(shape[axis])) }
    place = try builder.countedFromFront(place, extent: shape[axis], wraps: false)
    let flat = try builder.binary(.add, place, builder.list([outer, 1], (0..<outer).map { $0 * shape[axis] }))
    let result = try builder.emit(
      .scatter(Scatter()), builder.reshape(cache, [outer * shape[axis], inner]), builder.reshape(flat, [outer * part[axis]]),
      builder.reshape(update, [outer * part[axis], inner]))
    return [try builder.reshape(result, shape)]
  }

  /// Each element back to the place that MaxPool found it at, in the tensor as it was; zeros elsewhere.
  private static func importMaxUnpool(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, indices) = (try node[0], try node[1])
    let shape = builder.shape(x).dimensions
    let kernel = try node.attributes.required("kernel_shape", try node.attributes.extents("kernel_shape"))
    let axes = kernel.count
    guard shape.count == axes + 2, builder.shape(indices) == builder.shape(x) else {
      throw Diagnostic(.badInput, "indices \(builder.shape(indices)) and a kernel \(kernel) do not fit \(builder.shape(x))")
    }
    let strides = try node.windowList("strides", count: axes, default: 1)
    let pads = try node.windowList("pads", count: 2 * axes, default: 0)
    let plain = Array(shape[..<2]) + (0..<axes).map { (shape[$0 + 2] - 1) * strides[$0] - pads[$0] - pads[$0 + axes] + kernel[$0] }
    let count = try builder.boundCount(x)
    guard let all = Shape.product(plain), all > 0 else { throw Diagnostic(.badInput, "a result of \(plain)") }
    let places = try builder.reshape(builder.cast(indices, to: .int64), [count])
    let flat = try builder.emit(.scatter(Scatter()), builder.zeros([all], like: x), places, builder.reshape(x, [count]))
    var result = try builder.reshape(flat, plain)
    guard let wanted = try node.optional(2).map({ try builder.integers($0, "the output's shape") }) else { return [result] }
    guard wanted.count == plain.count, zip(wanted, plain).allSatisfy({ $0 >= $1 && $0 < 1 << 31 }) else {
      throw Diagnostic(.badInput, "an output of \(wanted) is smaller than \(plain)")
    }
    for axis in wanted.indices { result = try builder.padded(result, axis: axis, before: 0, after: wanted[axis] - plain[axis]) }
    return [result]
  }

  /// Columns added up where they came from. The rows that fall into padding are left out.
  private static func importCol2Im(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    let (image, block) = try (builder.integers(node[1], "the image's shape"), builder.integers(node[2], "the block's shape"))
    let axes = image.count
    guard shape.count == 3, axes >= 1, block.count == axes, (image + block).allSatisfy({ (1...1 << 20).contains($0) }),
      let size = Shape.product(block), let area = Shape.product(image), area < 1 << 31, shape[1] % size == 0
    else { throw Diagnostic(.badInput, "an image \(image) of blocks \(block) does not fit columns \(builder.shape(x))") }
    let window = Window(
      strides: try node.windowList("strides", count: axes, default: 1), pads: try node.windowList("pads", count: 2 * axes, default: 0),
      dilations: try node.windowList("dilations", count: axes, default: 1))
    guard (window.strides + window.dilations).allSatisfy({ $0 > 0 }) else { throw Diagnostic(.badInput, "strides must be positive") }
    let positions = try (0..<axes).map { try window.outputExtent($0, input: image[$0], kernel: block[$0]) }
    guard Shape.product(positions) == shape[2], size * shape[2] <= placeTableLimit else {
      throw Diagnostic(.badInput, "\(shape[2]) columns, but blocks \(block) take \(positions) places in \(image)")
    }
    var (sources, targets) = ([Int](), [Int]())
    for element in 0..<size {
      for column in 0..<shape[2] {
        let places = (0..<axes).map { axis -> Int in
          let offset = element / Shape(block).strides[axis] % block[axis] * window.dilation(axis)
          return column / Shape(positions).strides[axis] % positions[axis] * window.stride(axis) - window.padBefore(axis) + offset
        }
        guard zip(places, image).allSatisfy({ $0 >= 0 && $0 < $1 }) else { continue }
        sources.append(element * shape[2] + column)
        targets.append(zip(places, Shape(image).strides).reduce(0) { $0 + $1.0 * $1.1 })
      }
    }
    _ = try builder.boundCount(x)
    let planes = shape[0] * shape[1] / size
    let rows = try builder.transpose(try builder.reshape(x, [planes, size * shape[2]]), [1, 0])
    let used = try builder.gather(rows, builder.list([sources.count], sources), axis: 0)
    let sum = try builder.emit(
      .scatter(Scatter(.add)), builder.zeros([area, planes], like: x), builder.list([targets.count], targets), used)
    return [try builder.reshape(try builder.transpose(sum, [1, 0]), [shape[0], shape[1] / size] + image)]
  }
}
