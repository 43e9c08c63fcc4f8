import GraphIR

extension OperatorTable {
  /// Operators on sequences. A sequence is a list of values at import and is nothing in the graph: `ModelImporter` imports them.
  static let sequences: [OperatorEntry] = [
    OperatorEntry("SequenceEmpty", .since(11), inputs: 0...0, ["dtype": .int], atImport),
    OperatorEntry("SequenceConstruct", .since(11), inputs: 1...OperatorEntry.many, atImport),
    OperatorEntry("SequenceInsert", .since(11), inputs: 2...3, atImport),
    OperatorEntry("SequenceErase", .since(11), inputs: 1...2, atImport),
    OperatorEntry("SequenceAt", .since(11), inputs: 2...2, atImport),
    OperatorEntry("SequenceLength", .since(11), inputs: 1...1, atImport),
    OperatorEntry("SplitToSequence", .since(11), inputs: 1...2, ["axis": .int, "keepdims": .int], atImport),
    OperatorEntry("ConcatFromSequence", .since(11), inputs: 1...1, ["axis": .int, "new_axis": .int], atImport),
  ]

  private static func atImport(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    preconditionFailure("'\(node.source.operatorName)' is imported with what sequences hold")
  }
}

extension ModelImporter {
  /// What a name stands for that is no value of the graph.
  enum SequenceResult {
    case sequence([ValueID])
    case value(ValueID)
  }

  /// The result of a node on sequences; nil for a node of other operators. Throws when one of those is given a sequence.
  mutating func sequenceResult(of node: ImportedNode) throws -> SequenceResult? {
    let name = node.source.domain.isEmpty ? node.source.operatorName : ""
    switch name {
    case "SequenceEmpty": return .sequence([])
    case "SequenceConstruct": return .sequence(try node.all)
    case "SequenceInsert":
      var list = try sequence(node)
      let place = try node.optional(2).map { try position($0, in: list.count + 1, wrapsAt: list.count) } ?? list.count
      list.insert(try node[1], at: place)
      return .sequence(list)
    case "SequenceErase":
      var list = try sequence(node)
      list.remove(at: try node.optional(1).map { try position($0, in: list.count, wrapsAt: list.count) } ?? list.count - 1)
      return .sequence(list)
    case "SequenceAt":
      let list = try sequence(node)
      return .value(list[try position(node[1], in: list.count, wrapsAt: list.count)])
    case "SequenceLength": return .value(builder.constant(.integers(.int64, [], [try sequence(node).count])))
    case "SplitToSequence": return .sequence(try split(node))
    case "ConcatFromSequence":
      var parts = try sequence(node)
      guard let first = parts.first else { throw Diagnostic(.badInput, "it joins an empty sequence") }
      let isNew = try node.attributes.flag("new_axis", default: false)
      let rank = builder.rank(first) + (isNew ? 1 : 0)
      _ = try node.attributes.required("axis", node.attributes.values["axis"])
      let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: rank)
      if isNew { parts = try parts.map { try builder.withNewAxis($0, at: axis) } }
      return .value(try builder.concat(parts, axis: axis))
    default:
      if let used = node.source.inputs.first(where: { sequences[$0] != nil }) {
        throw Diagnostic(.unsupported, "operand '\(used)' is a sequence", hint: "sequences are taken apart by Sequence operators only")
      }
      return nil
    }
  }

  private func sequence(_ node: ImportedNode) throws -> [ValueID] {
    guard let list = sequences[node.source.inputs[0]] else { throw Diagnostic(.badInput, "operand 0 is not a sequence") }
    return list
  }

  /// A constant position below `count`; one below 0 counts from the end of `length` elements.
  private mutating func position(_ id: ValueID, in count: Int, wrapsAt length: Int) throws -> Int {
    let given = try builder.number(id, "the position")
    let place = Int(exactly: given).map { $0 < 0 ? $0 + length : $0 }
    guard let place, (0..<count).contains(place) else {
      throw Diagnostic(.badInput, "position \(given) is outside a sequence of \(length)")
    }
    return place
  }

  private mutating func split(_ node: ImportedNode) throws -> [ValueID] {
    let x = try node[0]
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(x))
    let extent = builder.shape(x)[axis]
    guard extent != Shape.free else { throw Diagnostic.freeBatch("it splits the free batch") }
    var sizes = Array(repeating: 1, count: min(extent, OperatorTable.stepLimit + 1))
    if let given = node.optional(1) {
      sizes = try builder.integers(given, "the sizes")
      if builder.rank(given) == 0, let size = sizes.first {
        guard size > 0 else { throw Diagnostic(.badInput, "parts of \(size)") }
        sizes = stride(from: 0, to: extent, by: size).map { min(size, extent - $0) }
      }
    }
    guard sizes.count <= OperatorTable.stepLimit else {
      throw Diagnostic(.unsupported, "more than \(OperatorTable.stepLimit) parts")
    }
    guard sizes.allSatisfy({ (0...extent).contains($0) }), sizes.reduce(0, +) == extent else {
      throw Diagnostic(.badInput, "sizes \(sizes.prefix(16)) do not add up to \(extent)")
    }
    // keepdims counts only where no sizes are given.
    let drops = node.optional(1) == nil && node.attributes.int("keepdims", default: 1) == 0
    var start = 0
    return try sizes.map { size in
      defer { start += size }
      return drops ? try builder.pick(x, axis: axis, start) : try builder.slice(x, axis: axis, from: start, count: size)
    }
  }
}

extension GraphBuilder {
  /// The value with an axis of 1 put in.
  mutating func withNewAxis(_ x: ValueID, at axis: Int) throws -> ValueID {
    var shape = self.shape(x).dimensions
    shape.insert(1, at: axis)
    return try reshape(x, shape)
  }
}
