import GraphIR

/// What each op means, computed the plainest way. Every backend is checked against it; none shares code with another through it.
///
/// Float ops compute in f64 and round once to the element type (for +, -, ·, / and square root of narrower floats that is the same as
/// computing in the type itself, because 53 ≥ 2·24 + 2 bits). Integer ops wrap. Ops of the numeric contract compute in f32 and i32, as
/// their attributes say. Nothing traps: each file says what it makes of values that ONNX leaves undefined.
public enum Reference {
  /// The results of one op. Throws a diagnostic when the operands are not of types that the op takes, or an index is out of range.
  ///
  /// A free batch in the op's attributes is bound to dimension 0 of the first operand; `Op.bound(batch:)` first where that is a constant's.
  public static func evaluate(_ op: Op, _ operands: [Tensor]) throws -> [Tensor] {
    let op = bound(op, to: operands)
    return try op.resultTypes(for: operands.map(\.type)).map { type in
      try requireRoom(for: type)
      return try evaluate(op, operands, type)
    }
  }

  /// What a computed constant may take however little it is made of, in bytes.
  public static let foldedBytes = 512 << 20
  /// How many times its operands' bytes a larger one may take: weights that are stored in few bits grow so much.
  public static let foldedGrowth = 32

  /// The results of one op on constants, computed when a graph is compiled. Throws as `evaluate`, and when a result is far larger than what it is
  /// made of: a short file must not fill the memory.
  public static func fold(_ op: Op, _ operands: [Tensor]) throws -> [Tensor] {
    let before = operands.reduce(0) { $0 + $1.count * $1.element.storageBytes }
    for type in try op.resultTypes(for: operands.map(\.type)) {
      guard let bytes = type.shape.elementCount?.multipliedReportingOverflow(by: type.element.storageBytes), !bytes.overflow,
        bytes.partialValue <= max(foldedBytes, foldedGrowth * before)
      else { throw Diagnostic(.badInput, "a constant of type \(type) made of \(before) bytes is too large", hint: "make it an input") }
    }
    return try evaluate(op, operands)
  }

  private static func evaluate(_ op: Op, _ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    switch op {
    case .unary(let kind): unary(kind, operands[0])
    case .binary(let kind): binary(kind, operands[0], operands[1], type)
    case .select: select(operands, type)
    case .clip(let a): clip(a, operands[0])
    case .cast(let a): cast(operands[0], a)
    case .conv(let a): conv(a, operands, type)
    case .dense(let a): dense(a, operands, type)
    case .matmul: try matmul(operands[0], operands[1], type)
    case .pool(let a): pool(a, operands[0], type)
    case .reduce(let a): reduce(a, operands[0], type)
    case .softmax(let a): softmax(operands[0], axis: a.axis)
    case .cumulate(let a): cumulate(a, operands[0])
    case .topK(let a): topK(a, operands[0], type.shape)
    case .reshape: operands[0].reshaped(type.shape)
    case .transpose(let a): transpose(operands[0], a.order, type.shape)
    case .expand: expand(operands[0], to: type.shape)
    case .concat(let a): concat(operands, axis: a.axis, type)
    case .slice(let a): slice(a, operands[0], type.shape)
    case .pad(let a): pad(a, operands[0], type.shape)
    case .gather(let a): try gather(operands[0], operands[1], axis: a.axis, type.shape)
    case .scatter(let a): try scatter(a, operands)
    case .quantize(let a): try quantize(a, operands)
    case .dequantize(let a): dequantize(axis: a.axis, operands)
    case .binaryConv(let a): try binaryConv(a, operands, type)
    case .binaryDense(let a): try binaryDense(a, operands, type)
    case .rescale(let a): rescale(a, operands)
    case .custom(let a): throw Diagnostic(.unsupported, "'\(a.name)' is an op of a foreign plug-in; there is no reference for it")
    }
  }

  /// The op with a free batch in its attributes bound to the extent that its operand has.
  private static func bound(_ op: Op, to operands: [Tensor]) -> Op {
    guard let first = operands.first, let batch = first.shape.dimensions.first else { return op }
    if case .expand(let a) = op, a.shape.rank != first.shape.rank { return op }
    return op.bound(batch: batch)
  }

  /// Throws when a result's shape is unbound, or its bytes cannot be counted.
  private static func requireRoom(for type: TensorType) throws {
    guard !type.shape.hasFreeBatch else { throw Diagnostic(.badInput, "no operand says how long the batch of \(type) is") }
    guard let count = type.shape.elementCount, !count.multipliedReportingOverflow(by: type.element.storageBytes).overflow else {
      throw Diagnostic(.badInput, "a result of \(type) is too large")
    }
  }

  /// The batch that inputs bind a graph to; 0 for a graph without a free batch.
  private static func batch(of inputs: [Tensor], _ graph: Graph) throws -> Int {
    guard inputs.count == graph.inputs.count else {
      throw Diagnostic(.badInput, "\(inputs.count) inputs given to a graph of \(graph.inputs.count)")
    }
    let batch = zip(graph.inputs, inputs).first { graph.type(of: $0.0).shape.hasFreeBatch }?.1.shape.dimensions.first ?? 0
    for (id, input) in zip(graph.inputs, inputs) {
      let wanted = TensorType(graph[id].type.element, graph[id].type.shape.bound(batch: batch))
      guard input.type == wanted else { throw Diagnostic(.badInput, "input '\(graph[id].name)' is \(input.type), not \(wanted)") }
    }
    return batch
  }

  /// All values of a graph for one batch of inputs, by value index. Throws a diagnostic when the inputs are not what the graph takes.
  public static func run(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
    let batch = try batch(of: inputs, graph)
    var values = [Tensor?](repeating: nil, count: graph.values.count)
    for (index, value) in graph.values.enumerated() {
      switch value.definition {
      case .input(let place): values[index] = inputs[place]
      case .constant(let tensor): values[index] = tensor
      case .result: break
      }
    }
    for node in graph.nodes {
      let operands = node.operands.map { operand -> Tensor in
        guard let tensor = values[Int(operand.index)] else { preconditionFailure("\(operand) is used before it is computed") }
        return tensor
      }
      for (result, tensor) in zip(node.results, try evaluate(node.op.bound(batch: batch), operands)) { values[Int(result.index)] = tensor }
    }
    return values.map { value in
      guard let value else { preconditionFailure("a value has no producer") }
      return value
    }
  }
}
