import GraphIR

extension OperatorTable {
  private static let constantAttributes: [String: AttributeKind] = [
    "value": .tensor, "value_float": .float, "value_floats": .floats, "value_int": .int, "value_ints": .ints,
  ]

  /// Operators that make constants, hand values on, or ask for shapes.
  static let constants: [OperatorEntry] = [
    OperatorEntry("Constant", 1...11, inputs: 0...0, ["value": .tensor], importConstant),
    OperatorEntry("Constant", .since(12), inputs: 0...0, constantAttributes, importConstant),
    OperatorEntry("ConstantOfShape", .since(9), inputs: 1...1, ["value": .tensor], importConstantOfShape),
    OperatorEntry("Identity", .since(1), inputs: 1...1) { node, _ in [try node[0]] },
    OperatorEntry("Dropout", 6...6, inputs: 1...1, outputs: 1...2, ["ratio": .float, "is_test": .int]) { node, _ in
      guard try node.attributes.flag("is_test", default: false) else { throw Diagnostic(.unsupported, "training is not supported") }
      return [try node[0]]
    },
    OperatorEntry("Dropout", 7...11, inputs: 1...1, outputs: 1...2, ["ratio": .float]) { node, builder in try passed(node, &builder) },
    OperatorEntry("Dropout", .since(12), inputs: 1...3, outputs: 1...2, ["seed": .int]) { node, builder in
      if let mode = node.optional(2), try builder.number(mode, "the training mode") != 0 {
        throw Diagnostic(.unsupported, "training is not supported")
      }
      return try passed(node, &builder)
    },
    OperatorEntry("Shape", 1...14, inputs: 1...1, importShape),
    OperatorEntry("Shape", .since(15), inputs: 1...1, ["start": .int, "end": .int], importShape),
    OperatorEntry("Size", .since(1), inputs: 1...1) { node, builder in
      let shape = builder.shape(try node[0])
      guard let count = shape.elementCountPerSample, count < 1 << 40 else { throw Diagnostic(.badInput, "\(shape) is too large") }
      return [builder.batchConstant([]) { [shape.hasFreeBatch ? count * $0 : count] }]
    },
    OperatorEntry("Cast", 6...18, inputs: 1...1, ["to": .int], importCast),
    OperatorEntry("Cast", 19...23, inputs: 1...1, ["to": .int, "saturate": .int], importCast),
    OperatorEntry("Cast", .since(24), inputs: 1...1, ["to": .int, "saturate": .int, "round_mode": .string], importCast),
    OperatorEntry("CastLike", 15...18, inputs: 2...2, importCastLike),
    OperatorEntry("CastLike", .since(19), inputs: 2...2, ["saturate": .int, "round_mode": .string], importCastLike),
    OperatorEntry("Range", .since(11), inputs: 3...3, ["stash_type": .int], importRange),
  ]

  private static func importConstant(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    guard node.attributes.values.count == 1 else { throw Diagnostic(.badInput, "it has \(node.attributes.values.count) values, not one") }
    let attributes = node.attributes
    let tensor: Tensor? =
      attributes.tensor("value") ?? attributes.floats("value_floats").map { Tensor.vector($0) }
      ?? attributes.ints("value_ints").map { Tensor.integers(.int64, [$0.count], $0) }
    if let tensor { return [builder.constant(tensor)] }
    if attributes.values["value_int"] != nil {
      return [builder.constant(Tensor.integers(.int64, [], [attributes.int("value_int", default: 0)]))]
    }
    return [builder.constant(Tensor.scalar(attributes.float("value_float", default: 0)))]
  }

  /// One number, broadcast: a large shape takes no memory here.
  private static func importConstantOfShape(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let extents = try builder.integers(node[0], "the shape")
    guard extents.allSatisfy({ $0 >= 0 }) else { throw Diagnostic(.badInput, "the shape \(extents) has a negative extent") }
    let value = node.attributes.tensor("value") ?? .scalar(0)
    guard value.count == 1 else { throw Diagnostic(.badInput, "attribute 'value' has \(value.count) elements, not one") }
    return [try builder.expand(builder.constant(value.reshaped([])), Shape(extents))]
  }

  /// The input, and a mask of true when it is asked for.
  private static func passed(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    // Before opset 10 the mask was of the input's type.
    guard node.resultCount > 1, node.version >= 10 else { return [x] }
    return [x, try builder.expand(builder.constant(Tensor.integers(.bool, [], [1])), builder.shape(x))]
  }

  private static func importShape(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let rank = builder.rank(x)
    func clamped(_ position: Int) -> Int { min(max(position < 0 ? position + rank : position, 0), rank) }
    let start = clamped(node.attributes.int("start", default: 0))
    let end = clamped(node.attributes.int("end", default: rank))
    return [builder.shapeConstant(of: x, start..<max(start, end))]
  }

  private static func importCast(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    guard let code = Int32(exactly: node.attributes.int("to", default: 0)) else {
      throw Diagnostic(.badInput, "attribute 'to' is no element type")
    }
    let element = try OnnxElement.named(code)
    return [try cast(node, to: element, &builder)]
  }

  private static func importCastLike(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    [try cast(node, to: builder.codeType(of: node[1]), &builder)]
  }

  private static func cast(_ node: ImportedNode, to element: OnnxElement, _ builder: inout GraphBuilder) throws -> ValueID {
    let x = try node[0]
    guard element.isWhole else { return try narrowed(x, to: element, &builder) }
    var cast = Cast(to: try element.requireDataType())
    if builder.element(x) == cast.to { return builder.codeType(of: x).isWhole ? x : try builder.emit(.cast(cast), x) }
    if SmallFloat(cast.to) != nil {
      cast.saturates = try node.attributes.flag("saturate", default: true)
      let word = node.attributes.string("round_mode", default: "up")
      guard let rounding = SmallFloat.Rounding(rawValue: word) else { throw Diagnostic(.badInput, "attribute 'round_mode' is '\(word)'") }
      if cast.to == .float8e8m0 { cast.rounding = rounding }
    }
    return try builder.emit(.cast(cast), x)
  }

  /// The low bits of the number truncated toward zero, in the type that carries them.
  private static func narrowed(_ x: ValueID, to element: OnnxElement, _ builder: inout GraphBuilder) throws -> ValueID {
    guard let bits = element.bits else { throw Diagnostic(.unsupported, "element type '\(element)' is not supported") }
    let carrier = try element.requireDataType()
    let whole = builder.element(x).isInteger ? x : try builder.cast(x, to: .int32)
    let wide = try builder.cast(whole, to: carrier)
    // Shifted up, the high bits are lost; shifted back, what is left keeps its sign.
    let factor = Double(1 << (8 - bits))
    let result = try builder.binary(.div, builder.binary(.mul, wide, factor), factor)
    builder.setCodeType(element, of: result)
    return result
  }

  private static func importRange(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (start, limit, delta) = (try node[0], try node[1], try node[2])
    let type = builder.element(start)
    let (first, end, step) = try (
      builder.number(start, "the start"), builder.number(limit, "the limit"), builder.number(delta, "the delta")
    )
    let count = max(((end - first) / step).rounded(.up), 0)
    guard step != 0, count < 0x1p24 else { throw Diagnostic(.badInput, "a range from \(first) to \(end) by \(step)") }
    let values = (0..<Int(count)).map { first + Double($0) * step }
    guard type.isFloat || [first, end, step].allSatisfy({ $0.magnitude < 0x1p52 }) else {
      throw Diagnostic(.unsupported, "a range beyond 2^52")
    }
    return [builder.constant(type.isFloat ? .vector(values, type) : .integers(type, [values.count], values.map { Int($0) }))]
  }
}
