import GraphIR

/// The largest table of places that is made at import, in elements.
let placeTableLimit = 1 << 22

extension OperatorTable {
  /// Operators that read places given by a tensor of indices: each is a gather over flattened axes.
  static let indexing: [OperatorEntry] = [
    OperatorEntry("GatherElements", .since(11), inputs: 2...2, ["axis": .int]) { node, builder in
      let data = try node[0]
      let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(data))
      return [try builder.gatherElements(data, node[1], axis: axis)]
    },
    OperatorEntry("GatherND", 11...11, inputs: 2...2, importGatherND),
    OperatorEntry("GatherND", .since(12), inputs: 2...2, ["batch_dims": .int], importGatherND),
    OperatorEntry("ReverseSequence", .since(10), inputs: 2...2, ["batch_axis": .int, "time_axis": .int], importReverseSequence),
    OperatorEntry("TopK", 1...9, inputs: 1...1, outputs: 2...2, ["axis": .int, "k": .int]) { node, builder in
      try topK(node, node.attributes.int("k", default: 0), &builder)
    },
    OperatorEntry("TopK", 10...10, inputs: 2...2, outputs: 2...2, ["axis": .int], importTopK),
    OperatorEntry("TopK", .since(11), inputs: 2...2, outputs: 2...2, ["axis": .int, "largest": .int, "sorted": .int], importTopK),
    cumulative("CumSum", 11, .sum), cumulative("CumProd", 26, .product),
  ]

  private static func importGatherND(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (data, indices) = (try node[0], try node[1])
    let (shape, places) = (builder.shape(data).dimensions, builder.shape(indices).dimensions)
    let batch = node.attributes.int("batch_dims", default: 0)
    guard let depth = places.last, batch >= 0, batch < places.count, depth >= 1, depth + batch <= shape.count,
      shape[..<batch] == places[..<batch]
    else { throw Diagnostic(.badInput, "indices \(places) with \(batch) batch axes do not fit \(shape)") }
    _ = try (builder.boundCount(data), builder.boundCount(indices))
    let batches = shape[..<batch].reduce(1, *)
    let rows = shape[batch..<batch + depth].reduce(1, *)
    let inner = shape[(batch + depth)...].reduce(1, *)
    let count = places.dropLast().reduce(1, *)
    let flat = try builder.flatRows(indices, axes: Array(shape[batch..<batch + depth]))
    let starts = builder.list([batches, 1], (0..<batches).map { $0 * rows })
    let all = try builder.binary(.add, builder.reshape(flat, [batches, batches == 0 ? 0 : count / batches]), starts)
    let picked = try builder.gather(builder.reshape(data, [batches * rows, inner]), builder.reshape(all, [count]), axis: 0)
    return [try builder.reshape(picked, places.dropLast() + shape[(batch + depth)...])]
  }

  /// The first `length` steps of each sequence are turned around, the others stay.
  private static func importReverseSequence(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let (batchAxis, timeAxis) = (node.attributes.int("batch_axis", default: 1), node.attributes.int("time_axis", default: 0))
    let shape = builder.shape(x).dimensions
    guard Set([batchAxis, timeAxis]) == [0, 1], shape.count >= 2, builder.shape(try node[1]) == [shape[batchAxis]] else {
      throw Diagnostic(.badInput, "batch axis \(batchAxis) and time axis \(timeAxis) do not fit \(builder.shape(x))")
    }
    _ = try builder.boundCount(x)
    let (batch, steps, inner) = (shape[batchAxis], shape[timeAxis], shape[2...].reduce(1, *))
    guard batch * steps <= placeTableLimit else { throw Diagnostic(.unsupported, "\(steps) steps of \(batch) sequences") }
    let order = [batchAxis, timeAxis] + (2..<shape.count)
    let rows = try builder.reshape(try builder.transpose(x, order), [batch * steps, inner])
    let lengths = try builder.reshape(builder.cast(node[1], to: .int64), [batch, 1])
    let times = builder.list([1, steps], Array(0..<steps))
    let turned = try builder.binary(.sub, builder.binary(.sub, lengths, times), 1)
    let place = try builder.select(builder.binary(.less, times, lengths), turned, times)
    let flat = try builder.binary(.add, place, builder.list([batch, 1], (0..<batch).map { $0 * steps }))
    let picked = try builder.gather(rows, builder.reshape(flat, [batch * steps]), axis: 0)
    return [try builder.transpose(try builder.reshape(picked, order.map { shape[$0] }), order)]
  }

  private static func importTopK(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let count = try builder.number(node[1], "the count")
    guard let whole = Int(exactly: count) else { throw Diagnostic(.badInput, "a count of \(count)") }
    return try topK(node, whole, &builder)
  }

  private static func topK(_ node: ImportedNode, _ count: Int, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let axis = try normalizedAxis(node.attributes.int("axis", default: -1), rank: builder.rank(x))
    let search = TopK(axis: axis, count: count, largest: try node.attributes.flag("largest", default: true))
    let places = try builder.emit(.topK(search), x)
    return [try builder.gatherElements(x, places, axis: axis), places]
  }

  private static func cumulative(_ name: String, _ since: Int, _ kind: Cumulate.Kind) -> OperatorEntry {
    OperatorEntry(name, .since(since), inputs: 2...2, ["exclusive": .int, "reverse": .int]) { node, builder in
      let given = try builder.number(node[1], "the axis")
      var x = try node[0]
      let axis = try normalizedAxis(Int(exactly: given) ?? Int(Int32.max), rank: builder.rank(x))
      guard builder.shape(x)[axis] != Shape.free else { throw Diagnostic.freeBatch("it runs along the free batch") }
      let isReversed = try node.attributes.flag("reverse", default: false)
      if isReversed { x = try builder.reversed(x, axis: axis) }
      if try node.attributes.flag("exclusive", default: false), builder.shape(x)[axis] > 0 {
        x = try builder.padded(x, axis: axis, before: 1, after: -1, value: kind == .sum ? 0 : 1)
      }
      let result = try builder.emit(.cumulate(Cumulate(kind, axis: axis)), x)
      return [isReversed ? try builder.reversed(result, axis: axis) : result]
    }
  }
}

extension GraphBuilder {
  /// Places in a flattened tensor of `shape`: the indices along `axis`, their own places along the others. Of the indices' shape.
  mutating func flatPlaces(_ indices: ValueID, axis: Int, of shape: [Int]) throws -> ValueID {
    let places = self.shape(indices).dimensions
    guard places.count == shape.count, zip(places, shape).enumerated().allSatisfy({ $0.offset == axis || $0.element.0 <= $0.element.1 })
    else {
      throw Diagnostic(.badInput, "indices \(self.shape(indices)) do not fit \(Shape(shape)) along axis \(axis)")
    }
    _ = try boundCount(indices)
    let strides = Shape(shape).strides
    var others = places
    others[axis] = 1
    guard let count = Shape.product(others), count <= placeTableLimit else { throw Diagnostic(.unsupported, "indices of \(Shape(places))") }
    let steps = Shape(others).strides
    let offsets = (0..<count).map { place in
      others.indices.reduce(0) { sum, other in other == axis ? sum : sum + place / steps[other] % others[other] * strides[other] }
    }
    let along = try binary(.mul, countedFromFront(indices, extent: shape[axis]), Double(strides[axis]))
    return try binary(.add, along, list(Shape(others), offsets))
  }

  /// For indices `[…, k]` into the first k axes, the rows they name among all rows of these axes. `[n]`
  mutating func flatRows(_ indices: ValueID, axes: [Int]) throws -> ValueID {
    let count = try boundCount(indices)
    let last = rank(indices) - 1
    let strides = Shape(axes).strides
    var flat = list([], [0])
    for (place, extent) in axes.enumerated() {
      let part = try reshape(try slice(indices, axis: last, from: place, count: 1), [axes.isEmpty ? 0 : count / axes.count])
      flat = try binary(.add, flat, try binary(.mul, countedFromFront(part, extent: extent), Double(strides[place])))
    }
    return flat
  }

  mutating func gatherElements(_ data: ValueID, _ indices: ValueID, axis: Int) throws -> ValueID {
    let shape = shape(data).dimensions
    let count = try boundCount(data)
    let flat = try flatPlaces(indices, axis: axis, of: shape)
    return try gather(try reshape(data, [count]), flat, axis: 0)
  }
}
