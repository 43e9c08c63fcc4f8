import GraphIR

extension OperatorTable {
  /// Numbers to codes and back.
  static let quantization: [OperatorEntry] = [
    OperatorEntry("QuantizeLinear", 10...12, inputs: 2...3, importQuantize),
    OperatorEntry("QuantizeLinear", 13...18, inputs: 2...3, ["axis": .int], importQuantize),
    OperatorEntry("QuantizeLinear", 19...20, inputs: 2...3, ["axis": .int, "saturate": .int], importQuantize),
    OperatorEntry(
      "QuantizeLinear", 21...22, inputs: 2...3, ["axis": .int, "saturate": .int, "block_size": .int, "output_dtype": .int], importQuantize),
    OperatorEntry(
      "QuantizeLinear", .since(23), inputs: 2...3,
      ["axis": .int, "saturate": .int, "block_size": .int, "output_dtype": .int, "precision": .int], importQuantize),
    OperatorEntry("DequantizeLinear", 10...12, inputs: 2...3, importDequantize),
    OperatorEntry("DequantizeLinear", 13...20, inputs: 2...3, ["axis": .int], importDequantize),
    OperatorEntry("DequantizeLinear", 21...22, inputs: 2...3, ["axis": .int, "block_size": .int], importDequantize),
    OperatorEntry(
      "DequantizeLinear", .since(23), inputs: 2...3, ["axis": .int, "block_size": .int, "output_dtype": .int], importDequantize),
    OperatorEntry("DynamicQuantizeLinear", .since(11), inputs: 1...1, outputs: 3...3, importDynamicQuantize),
  ]

  private static func importQuantize(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    var (x, scale) = (try node[0], try node[1])
    let zero = node.optional(2)
    guard node.attributes.int("precision", default: 0) <= 1 else {
      throw Diagnostic(.unsupported, "a precision other than f32 is not supported")
    }
    guard [.float32, .float16, .bfloat16].contains(builder.element(x)) || (builder.element(x) == .int32 && node.version < 19) else {
      throw Diagnostic(.unsupported, "quantizing \(builder.element(x).rawValue) is not supported", hint: "f32 is")
    }
    (x, scale) = (try builder.cast(x, to: .float32), try builder.cast(scale, to: .float32))
    guard let code = Int32(exactly: node.attributes.int("output_dtype", default: 0)) else {
      throw Diagnostic(.badInput, "attribute 'output_dtype' is no type")
    }
    // The zero point says the type of the codes; what carries small integers does not, so the attribute goes first.
    let said = code == 0 ? nil : try OnnxElement.named(code)
    let element = said ?? zero.map { builder.codeType(of: $0) } ?? .uint8
    guard let type = element.dataType, element != .int32, element != .int64 else {
      throw Diagnostic(.unsupported, "codes of type '\(element)' are not supported")
    }
    if SmallFloat(type) != nil { return [try smallFloats(node, x, scale, to: type, &builder)] }
    guard let range = element.range else { throw Diagnostic(.unsupported, "codes of type '\(element)' are not supported") }
    if let blocks = try node.blocks(of: builder.shape(x), builder) {
      let parameters = try ([scale] + (zero.map { [$0] } ?? [])).map { try blocks.parameter($0, &builder) }
      let quantize = Quantize(to: type, lo: range.lowerBound, hi: range.upperBound, axis: 0)
      let operands = [try blocks.rows(x, &builder)] + parameters
      let result = try blocks.whole(try builder.emit(.quantize(quantize), operands), &builder)
      builder.setCodeType(element, of: result)
      return [result]
    }
    let axis = try node.quantizationAxis(of: builder.shape(x), &builder)
    scale = try builder.parameter(scale, axis)
    let operands = [x, scale] + (try zero.map { [try builder.parameter($0, axis)] } ?? [])
    let quantize = Quantize(to: type, lo: range.lowerBound, hi: range.upperBound, axis: axis ?? 1)
    let result = try builder.emit(.quantize(quantize), operands)
    builder.setCodeType(element, of: result)
    return [result]
  }

  private static func importDequantize(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let said = node.attributes.int("output_dtype", default: 0)
    guard try said == 0 || said == Int(OnnxElement(builder.element(node[1])).rawValue) else {
      throw Diagnostic(.unsupported, "an output_dtype other than the scale's type is not supported")
    }
    if let blocks = try node.blocks(of: builder.shape(x), builder) {
      let parameters = try [node[1]] + (node.optional(2).map { [$0] } ?? [])
      let operands = [try blocks.rows(x, &builder)] + (try parameters.map { try blocks.parameter($0, &builder) })
      return [try blocks.whole(try builder.emit(.dequantize(AxisAttribute(axis: 0)), operands), &builder)]
    }
    if SmallFloat(builder.element(x)) != nil {
      let scale = try builder.alignedScale(node[1], node.quantizationAxis(of: builder.shape(x), &builder), rank: builder.rank(x))
      return [try builder.binary(.mul, builder.cast(x, to: builder.element(scale)), scale)]
    }
    let axis = try node.quantizationAxis(of: builder.shape(x), &builder)
    let operands = [x, try builder.parameter(node[1], axis)] + (try node.optional(2).map { [try builder.parameter($0, axis)] } ?? [])
    return [try builder.emit(.dequantize(AxisAttribute(axis: axis ?? 1)), operands)]
  }

  /// Small floats are quantized without a zero point: by a division and a cast.
  private static func smallFloats(
    _ node: ImportedNode, _ x: ValueID, _ scale: ValueID, to type: DataType, _ builder: inout GraphBuilder
  ) throws -> ValueID {
    let aligned = try builder.alignedScale(scale, node.quantizationAxis(of: builder.shape(x), &builder), rank: builder.rank(x))
    var cast = Cast(to: type)
    cast.saturates = try node.attributes.flag("saturate", default: true)
    return try builder.emit(.cast(cast), builder.binary(.div, x, aligned))
  }

  /// Scale and zero point from the extremes of the input, with 0 among them; in f32, step by step as the specification writes it.
  private static func importDynamicQuantize(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let nothing = try builder.scalar(0, like: x)
    let all = Array(0..<builder.rank(x))
    let top = try builder.emit(.binary(.max), try builder.reduce(x, .max, all, keepAxes: false), nothing)
    let bottom = try builder.emit(.binary(.min), try builder.reduce(x, .min, all, keepAxes: false), nothing)
    let scale = try builder.emit(.binary(.div), try builder.emit(.binary(.sub), top, bottom), builder.scalar(255, like: x))
    let offset = try builder.emit(.binary(.div), try builder.emit(.binary(.sub), nothing, bottom), scale)
    let zero = try builder.cast(try builder.emit(.unary(.round), try builder.clip(offset, lo: 0, hi: 255)), to: .uint8)
    let codes = try builder.emit(.quantize(Quantize(to: .uint8, lo: 0, hi: 255)), x, scale, zero)
    return [codes, scale, zero]
  }
}

extension ImportedNode {
  /// The axis along which scales run; nil when there is one for all.
  fileprivate func quantizationAxis(of shape: Shape, _ builder: inout GraphBuilder) throws -> Int? {
    let scale = builder.shape(try self[1])
    if scale.rank == 0 || (scale == [1] && (version < 13 || shape.rank == 0)) { return nil }
    guard scale.rank == 1 else { throw Diagnostic(.badInput, "the scale is of shape \(scale)") }
    let axis = attributes.int("axis", default: 1)
    // A single scale in a list is taken for all, whatever the axis: exporters write it so.
    if scale == [1] && (axis < -shape.rank || axis >= shape.rank || shape[axis < 0 ? axis + shape.rank : axis] != 1) { return nil }
    return try normalizedAxis(axis, rank: shape.rank)
  }
}

extension ImportedNode {
  /// The blocks that share a scale; nil when scales are not for blocks.
  fileprivate func blocks(of shape: Shape, _ builder: GraphBuilder) throws -> ScaleBlocks? {
    let size = attributes.int("block_size", default: 0)
    if size == 0 { return nil }
    let axis = try normalizedAxis(attributes.int("axis", default: 1), rank: shape.rank)
    var wanted = shape
    guard size > 0, size < 1 << 31, shape.elementCount != nil else { throw Diagnostic(.unsupported, "blocks of \(size) in \(shape)") }
    wanted[axis] = (shape[axis] + size - 1) / size
    guard builder.shape(try self[1]) == wanted else {
      throw Diagnostic(.badInput, "scales \(builder.shape(try self[1])) for blocks of \(size) in \(shape), which takes \(wanted)")
    }
    return ScaleBlocks(shape: shape.dimensions, axis: axis, size: size, count: wanted[axis])
  }
}

/// Scales for blocks along an axis: made to rows `[blocks, size]`, of which each has one scale.
private struct ScaleBlocks {
  let shape: [Int]
  let axis: Int
  let size: Int
  let count: Int

  private var apart: [Int] { Array(shape[..<axis]) + [count, size] + shape[(axis + 1)...] }
  /// The axis within a block moves behind all others.
  private var order: [Int] { Array(0...axis) + (axis + 2..<shape.count + 1) + [axis + 1] }

  func rows(_ x: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
    let filled = try builder.padded(x, axis: axis, before: 0, after: count * size - shape[axis])
    let moved = try builder.transpose(try builder.reshape(filled, apart), order)
    return try builder.reshape(moved, [shape.reduce(1, *) / max(shape[axis], 1) * count, size])
  }

  func parameter(_ id: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
    try builder.reshape(id, [try builder.boundCount(id)])
  }

  func whole(_ rows: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
    let moved = try builder.reshape(rows, order.map { apart[$0] })
    let back = order.indices.map { place in order.firstIndex(of: place) ?? place }
    var filled = shape
    filled[axis] = count * size
    let result = try builder.reshape(try builder.transpose(moved, back), filled)
    return try builder.padded(result, axis: axis, before: 0, after: shape[axis] - count * size)
  }
}

extension GraphBuilder {
  /// A scale shaped to broadcast against a value of `rank`.
  fileprivate mutating func alignedScale(_ scale: ValueID, _ axis: Int?, rank: Int) throws -> ValueID {
    guard let axis else { return try reshape(scale, []) }
    return try reshape(scale, shape(scale).dimensions + Array(repeating: 1, count: rank - axis - 1))
  }

  /// A scale or zero point: one number as such, or one for each index of the axis.
  fileprivate mutating func parameter(_ id: ValueID, _ axis: Int?) throws -> ValueID {
    if let given = graph.constant(id), given.element.isFloat, given.doubles.contains(where: { !$0.isFinite }) {
      throw Diagnostic(.badInput, "a scale is NaN or infinite")
    }
    guard axis == nil, rank(id) == 1 else { return id }
    return try reshape(id, [])
  }
}
