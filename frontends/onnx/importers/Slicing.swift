import GraphIR

extension OperatorTable {
  /// Operators that take parts, or add borders.
  static let slicing: [OperatorEntry] = [
    OperatorEntry("Slice", 1...9, inputs: 1...1, ["starts": .ints, "ends": .ints, "axes": .ints]) { node, builder in
      let starts = try node.attributes.required("starts", node.attributes.ints("starts"))
      let ends = try node.attributes.required("ends", node.attributes.ints("ends"))
      return [try sliced(node[0], starts, ends.map { .known($0) }, axes: node.attributes.ints("axes"), steps: nil, &builder)]
    },
    OperatorEntry("Slice", .since(10), inputs: 3...5) { node, builder in
      let starts = try builder.integers(node[1], "the starts")
      let ends = try builder.extents(node[2], "the ends")
      let axes = try node.optional(3).map { try builder.integers($0, "the axes") }
      let steps = try node.optional(4).map { try builder.integers($0, "the steps") }
      return [try sliced(node[0], starts, ends, axes: axes, steps: steps, &builder)]
    },
    OperatorEntry("Split", 2...12, inputs: 1...1, outputs: 1...OperatorEntry.many, ["axis": .int, "split": .ints]) { node, builder in
      try split(node, node.attributes.ints("split"), &builder)
    },
    OperatorEntry("Split", 13...17, inputs: 1...2, outputs: 1...OperatorEntry.many, ["axis": .int]) { node, builder in
      try split(node, try node.optional(1).map { try builder.integers($0, "the split") }, &builder)
    },
    OperatorEntry("Split", .since(18), inputs: 1...2, outputs: 1...OperatorEntry.many, ["axis": .int, "num_outputs": .int]) {
      node, builder in
      try split(node, try node.optional(1).map { try builder.integers($0, "the split") }, &builder)
    },
    OperatorEntry("Pad", 2...10, inputs: 1...1, ["mode": .string, "pads": .ints, "value": .float]) { node, builder in
      let pads = try node.attributes.required("pads", node.attributes.ints("pads"))
      let value = try Tensor.number(Double(node.attributes.float("value", default: 0)), builder.element(node[0]))
      return [try padded(node, pads, axes: nil, value: value, &builder)]
    },
    OperatorEntry("Pad", 11...17, inputs: 2...3, ["mode": .string], importPad),
    OperatorEntry("Pad", .since(18), inputs: 2...4, ["mode": .string], importPad),
  ]

  /// Starts and ends count from the back when negative, and are clamped to the axis, as in Python.
  private static func sliced(
    _ x: ValueID, _ starts: [Int], _ ends: [Extent], axes: [Int]?, steps: [Int]?, _ builder: inout GraphBuilder
  ) throws -> ValueID {
    let shape = builder.shape(x)
    let axes = try normalizedAxes(axes ?? Array(starts.indices), rank: shape.rank)
    let steps = steps ?? Array(repeating: 1, count: starts.count)
    guard starts.count == axes.count, ends.count == axes.count, steps.count == axes.count else {
      throw Diagnostic(.badInput, "\(starts.count) starts, \(ends.count) ends, \(steps.count) steps for \(axes.count) axes")
    }
    var slice = Slice()
    slice.starts = Array(repeating: 0, count: shape.rank)
    slice.steps = Array(repeating: 1, count: shape.rank)
    slice.extents = shape.dimensions
    for (place, axis) in axes.enumerated() {
      if shape[axis] == Shape.free {
        guard starts[place] == 0, steps[place] == 1,
          ends[place] == .batch || ends[place] == .known(Int.max) || ends[place] == .known(Int(Int32.max))
        else {
          throw Diagnostic.freeBatch("it takes a part of the free batch")
        }
        continue
      }
      guard case .known(let end) = ends[place] else {
        throw Diagnostic.freeBatch("an end depends on the free batch")
      }
      let range = try positions(start: starts[place], end: end, step: steps[place], extent: shape[axis])
      slice.starts[axis] = range.start
      slice.steps[axis] = range.step
      slice.extents[axis] = range.count
    }
    return try builder.emit(.slice(slice), x)
  }

  /// The positions that Python's `start:end:step` takes on an axis.
  private static func positions(start: Int, end: Int, step: Int, extent: Int) throws -> (start: Int, step: Int, count: Int) {
    guard step != 0 else { throw Diagnostic(.badInput, "a step of 0") }
    let bounds = step > 0 ? 0...extent : -1...(extent - 1)
    func clamped(_ position: Int) -> Int { min(max(position < 0 ? position + extent : position, bounds.lowerBound), bounds.upperBound) }
    let (first, last) = (clamped(start), clamped(end))
    let stride = min(step.magnitude, UInt(max(extent, 1)))
    let distance = step > 0 ? last - first : first - last
    let count = distance <= 0 ? 0 : (distance - 1) / Int(stride) + 1
    return (count == 0 ? 0 : first, step > 0 ? Int(stride) : -Int(stride), count)
  }

  private static func split(_ node: ImportedNode, _ sizes: [Int]?, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(x))
    let extent = builder.shape(x)[axis]
    guard extent != Shape.free else { throw Diagnostic.freeBatch("it splits the free batch") }
    let parts = node.source.outputs.count
    if case let said = node.attributes.int("num_outputs", default: parts), said != parts {
      throw Diagnostic(.badInput, "attribute 'num_outputs' is \(said), but there are \(parts) outputs")
    }
    // Since opset 18 the last part may be smaller; before, all are alike.
    let even = (extent + parts - 1) / parts
    let sizes = sizes ?? (0..<parts).map { max(min(even, extent - $0 * even), 0) }
    guard sizes.count == parts, sizes.allSatisfy({ (0...extent).contains($0) }), sizes.reduce(0, +) == extent,
      node.version >= 18 || node.optional(1) != nil || node.attributes.ints("split") != nil || extent % parts == 0
    else { throw Diagnostic(.badInput, "parts \(sizes) do not make up an axis of \(extent)") }
    var start = 0
    return try sizes.map { size in
      defer { start += size }
      return try builder.slice(x, axis: axis, from: start, count: size)
    }
  }

  private static func importPad(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let pads = try builder.integers(node[1], "the pads")
    let value = try node.optional(2).map { try builder.tensor($0, "the padding's value") }
    guard value?.count ?? 1 == 1 else { throw Diagnostic(.badInput, "the padding's value has \(value?.count ?? 0) elements, not one") }
    let axes = try node.optional(3).map { try builder.integers($0, "the axes") }
    return [try padded(node, pads, axes: axes, value: value, &builder)]
  }

  /// Padding; a value that the op cannot say is put there by a select.
  private static func padded(_ node: ImportedNode, _ pads: [Int], axes: [Int]?, value: Tensor?, _ builder: inout GraphBuilder) throws
    -> ValueID
  {
    let x = try node[0]
    let rank = builder.rank(x)
    let axes = try normalizedAxes(axes ?? Array(0..<rank), rank: rank)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ $0.magnitude < 1 << 31 }) else {
      throw Diagnostic(.badInput, "pads \(pads.prefix(16)) do not fit \(axes.count) axes")
    }
    var pad = Pad()
    let word = node.attributes.string("mode", default: "constant")
    guard let mode = Pad.Mode(rawValue: word), mode != .wrap || node.version >= 19 else {
      throw Diagnostic(.badInput, "attribute 'mode' is '\(word)'")
    }
    pad.mode = mode
    pad.pads = Array(repeating: 0, count: 2 * rank)
    for (place, axis) in axes.enumerated() {
      pad.pads[axis] = pads[place]
      pad.pads[axis + rank] = pads[place + axes.count]
    }
    if pad.pads.allSatisfy({ $0 == 0 }) { return x }
    guard mode == .constant, let value else { return try builder.emit(.pad(pad), x) }
    let number = value.double(at: 0)
    let exact = value.element == builder.element(x) ? value.reshaped([]) : try .number(number, builder.element(x))
    pad.value = Float(number)
    if number.isNaN || (try? Tensor.number(Double(pad.value), exact.element)) == exact { return try builder.emit(.pad(pad), x) }
    return try padded(x, pad, with: exact, &builder)
  }

  /// Padding with a number that f32 does not hold:
  ///
  ///     %m = pad(true)          // where x is; false is put around it
  ///     %y = select(%m, pad(%x), value)
  private static func padded(_ x: ValueID, _ pad: Pad, with value: Tensor, _ builder: inout GraphBuilder) throws -> ValueID {
    var pad = pad
    pad.value = 0
    let rank = builder.rank(x)
    let extents = (0..<rank).map { pad.pads[$0] == 0 && pad.pads[$0 + rank] == 0 ? 1 : builder.shape(x)[$0] }
    let inside = try builder.expand(builder.constant(.integers(.bool, [], [1])), Shape(extents))
    return try builder.select(builder.emit(.pad(pad), inside), builder.emit(.pad(pad), x), builder.constant(value))
  }
}

extension GraphBuilder {
  /// `count` elements along one axis, all of the others.
  mutating func slice(_ x: ValueID, axis: Int, from start: Int, count: Int) throws -> ValueID {
    var slice = Slice()
    slice.starts = Array(repeating: 0, count: rank(x))
    slice.steps = Array(repeating: 1, count: rank(x))
    slice.extents = shape(x).dimensions
    slice.starts[axis] = count == 0 ? 0 : start
    slice.extents[axis] = count
    return try emit(.slice(slice), x)
  }
}
