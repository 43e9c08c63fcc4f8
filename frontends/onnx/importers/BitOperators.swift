import GraphIR

extension OperatorTable {
  /// Operators on the bits of integers.
  static let bitOperators: [OperatorEntry] = [
    bitwise("BitwiseAnd", .and), bitwise("BitwiseOr", .or), bitwise("BitwiseXor", .xor),
    OperatorEntry("BitwiseNot", .since(18), inputs: 1...1) { node, builder in
      let x = try node[0]
      try requireInteger(x, builder)
      let ones = Tensor(builder.element(x), []) { bytes in for place in bytes.indices { bytes[place] = 0xff } }
      return [try builder.binary(.xor, x, builder.constant(ones))]
    },
    OperatorEntry("BitShift", .since(11), inputs: 2...2, ["direction": .string]) { node, builder in
      let (x, amount) = (try node[0], try node[1])
      try requireInteger(x, builder)
      guard builder.element(x).integerRange?.lowerBound == 0 else { throw Diagnostic(.badInput, "it shifts unsigned integers") }
      // A power of 2 beyond the type wraps to 0, and division by 0 gives 0: so all bits are shifted out, either way.
      let factor = try builder.binary(.pow, builder.scalar(2, like: x), amount)
      switch node.attributes.string("direction", default: "") {
      case "LEFT": return [try builder.binary(.mul, x, factor)]
      case "RIGHT": return [try builder.binary(.div, x, factor)]
      case let other: throw Diagnostic(.badInput, "attribute 'direction' is '\(other)', not 'LEFT' or 'RIGHT'")
      }
    },
    OperatorEntry("BitCast", .since(26), inputs: 1...1, ["to": .int]) { node, builder in
      guard let code = Int32(exactly: node.attributes.int("to", default: 0)) else {
        throw Diagnostic(.badInput, "attribute 'to' is no element type")
      }
      let element = try OnnxElement.named(code)
      let x = try node[0]
      guard element.isWhole, builder.codeType(of: x).isWhole else {
        throw Diagnostic(.unsupported, "bits of '\(builder.codeType(of: x))' as '\(element)' are not supported")
      }
      let type = try element.requireDataType()
      return [builder.element(x) == type ? x : try builder.emit(.cast(Cast(to: type, reinterprets: true)), x)]
    },
  ]

  private static func requireInteger(_ x: ValueID, _ builder: GraphBuilder) throws {
    guard builder.element(x).isInteger else { throw Diagnostic(.badInput, "it takes integers, not \(builder.element(x).rawValue)") }
  }

  private static func bitwise(_ name: String, _ kind: BinaryKind) -> OperatorEntry {
    OperatorEntry(name, .since(18), inputs: 2...2) { node, builder in
      try requireInteger(node[0], builder)
      return [try builder.binary(kind, node[0], node[1])]
    }
  }
}
