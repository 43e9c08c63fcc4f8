import GraphIR

extension OperatorTable {
  /// Operators that are one op of the IR, element by element.
  static let elementwise: [OperatorEntry] =
    [
      unary("Abs", 6, .abs), unary("Neg", 6, .neg), unary("Ceil", 6, .ceil), unary("Floor", 6, .floor), unary("Round", 11, .round),
      unary("Reciprocal", 6, .reciprocal), unary("Sqrt", 6, .sqrt), unary("Exp", 6, .exp), unary("Log", 6, .log), unary("Erf", 9, .erf),
      unary("Sign", 9, .sign), unary("Sin", 7, .sin), unary("Cos", 7, .cos), unary("Tan", 7, .tan), unary("Asin", 7, .asin),
      unary("Acos", 7, .acos), unary("Atan", 7, .atan), unary("Sinh", 9, .sinh), unary("Cosh", 9, .cosh), unary("Asinh", 9, .asinh),
      unary("Acosh", 9, .acosh), unary("Atanh", 9, .atanh), unary("Tanh", 6, .tanh), unary("Sigmoid", 6, .sigmoid), unary("Relu", 6, .relu),
      unary("Softplus", 1, .softplus), unary("Not", 1, .not),
    ]
    + binary("Add", .add) + binary("Sub", .sub) + binary("Mul", .mul) + binary("Div", .div)
    + [
      OperatorEntry("Pow", .since(7), inputs: 2...2, importPower),
      variadic("Min", 6, .min), variadic("Max", 6, .max), variadic("Sum", 6, .add),
      OperatorEntry("Mean", .since(6), inputs: 1...OperatorEntry.many, importMean),
    ]

  private static func unary(_ name: String, _ since: Int, _ kind: UnaryKind) -> OperatorEntry {
    OperatorEntry(name, .since(since), inputs: 1...1) { node, builder in [try builder.emit(.unary(kind), node[0])] }
  }

  private static func binary(_ name: String, _ kind: BinaryKind) -> [OperatorEntry] {
    [
      OperatorEntry(name, 6...6, inputs: 2...2, ["broadcast": .int, "axis": .int]) { node, builder in
        [try builder.emit(.binary(kind), node[0], try alignedByAxis(node, &builder))]
      },
      OperatorEntry(name, .since(7), inputs: 2...2) { node, builder in [try builder.emit(.binary(kind), node[0], node[1])] },
    ]
  }

  private static func variadic(_ name: String, _ since: Int, _ kind: BinaryKind) -> OperatorEntry {
    OperatorEntry(name, .since(since), inputs: 1...OperatorEntry.many) { node, builder in [try folded(node, kind, &builder)] }
  }

  /// The operands joined by a binary op, from the first on.
  private static func folded(_ node: ImportedNode, _ kind: BinaryKind, _ builder: inout GraphBuilder) throws -> ValueID {
    var result = try node[0]
    for operand in try node.all.dropFirst() { result = try builder.emit(.binary(kind), result, operand) }
    return result
  }

  private static func importMean(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let sum = try folded(node, .add, &builder)
    return [try builder.emit(.binary(.div), sum, builder.scalar(Double(node.operands.count), like: sum))]
  }

  /// The exponent may be of another type than the base; the result is of the base's.
  private static func importPower(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (base, exponent) = (try node[0], try node[1])
    let type = builder.element(base)
    if type == builder.element(exponent) { return [try builder.emit(.binary(.pow), base, exponent)] }
    if type.isFloat { return [try builder.emit(.binary(.pow), base, builder.cast(exponent, to: type))] }
    let wide = try builder.emit(.binary(.pow), builder.cast(base, to: .float64), builder.cast(exponent, to: .float64))
    return [try builder.cast(wide, to: type)]
  }
}

/// The second operand of a binary operator before opset 7, lined up with the first by `axis` instead of from the right.
func alignedByAxis(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> ValueID {
  let (a, b) = (try node[0], try node[1])
  guard try node.attributes.flag("broadcast", default: false) else {
    guard builder.shape(a) == builder.shape(b) else {
      throw Diagnostic(.badInput, "operands \(builder.shape(a)) and \(builder.shape(b)) differ, and 'broadcast' is not set")
    }
    return b
  }
  let missing = builder.rank(a) - builder.rank(b)
  let axis = try normalizedAxis(node.attributes.int("axis", default: missing), rank: builder.rank(a) + 1)
  guard missing >= axis else { throw Diagnostic(.badInput, "an operand of rank \(builder.rank(b)) does not fit behind axis \(axis)") }
  return try builder.reshape(b, builder.shape(b).dimensions + Array(repeating: 1, count: missing - axis))
}

extension GraphBuilder {
  /// The value in another element type; the value itself when it has it.
  mutating func cast(_ id: ValueID, to type: DataType) throws -> ValueID {
    element(id) == type ? id : try emit(.cast(Cast(to: type)), id)
  }

  /// The same elements in another shape; the value itself when it has it.
  mutating func reshape(_ id: ValueID, _ dimensions: [Int]) throws -> ValueID {
    let old = shape(id)
    let new = Shape(dimensions)
    if old == new { return id }
    guard old.hasFreeBatch == new.hasFreeBatch, !dimensions.dropFirst().contains(Shape.free),
      !old.hasFreeBatch || old.elementCountPerSample == new.elementCountPerSample
    else {
      throw Diagnostic.freeBatch("a reshape of \(old) to \(new) mixes the free batch with other axes")
    }
    // Scales and biases are listed where they are used, not behind a node.
    if isConstant(id), let tensor = graph.constant(id), tensor.count <= 1 << 16, new.elementCount == tensor.count {
      return constant(tensor.reshaped(new))
    }
    return try emit(.reshape(Reshape(shape: new)), id)
  }
}
