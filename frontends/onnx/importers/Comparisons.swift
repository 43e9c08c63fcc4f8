import GraphIR

extension OperatorTable {
  /// Operators that compare, choose, or work on truth values.
  static let comparisons: [OperatorEntry] = [
    binary("Equal", 7, .equal), binary("Less", 7, .less), binary("Greater", 7, .greater), binary("LessOrEqual", 12, .lessOrEqual),
    binary("GreaterOrEqual", 12, .greaterOrEqual), binary("And", 7, .and), binary("Or", 7, .or), binary("Xor", 7, .xor),
    OperatorEntry("Where", .since(9), inputs: 3...3) { node, builder in [try builder.emit(.select, try node.all)] },
    OperatorEntry("IsNaN", .since(9), inputs: 1...1) { node, builder in
      let x = try node[0]
      return [try builder.emit(.unary(.not), try builder.emit(.binary(.equal), x, x))]
    },
    OperatorEntry("IsInf", .since(10), inputs: 1...1, ["detect_negative": .int, "detect_positive": .int], importIsInf),
  ]

  private static func binary(_ name: String, _ since: Int, _ kind: BinaryKind) -> OperatorEntry {
    OperatorEntry(name, .since(since), inputs: 2...2) { node, builder in [try builder.emit(.binary(kind), node[0], node[1])] }
  }

  private static func importIsInf(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    var wanted: [Double] = []
    if try node.attributes.flag("detect_negative", default: true) { wanted.append(-.infinity) }
    if try node.attributes.flag("detect_positive", default: true) { wanted.append(.infinity) }
    var result: ValueID?
    for infinity in wanted {
      let hit = try builder.emit(.binary(.equal), x, builder.scalar(infinity, like: x))
      result = try result.map { try builder.emit(.binary(.or), $0, hit) } ?? hit
    }
    if let result { return [result] }
    let same = try builder.emit(.binary(.equal), x, x)
    return [try builder.emit(.binary(.xor), same, same)]
  }
}
