import GraphIR

extension GraphEmitter {
  /// Writes one op. The switch is exhaustive: an op is either written or refused with a reason.
  mutating func emit(_ node: Node) throws {
    switch node.op {
    case .unary(let kind): try main(GraphEmitter.operatorName(kind), operands(node))
    case .binary(let kind): try emit(kind, node)
    case .select: try main("Where", operands(node))
    case .clip(let a): try emit(a, node)
    case .cast(let a): try emit(a, node)
    case .conv(let a):
      try activated(
        "Conv", operands(node), window(a.window, kernel: nil) + (a.groups == 1 ? [] : [("group", .int(a.groups))]), a.activation)
    case .dense(let a): try activated("Gemm", operands(node), [("transB", .int(1))], a.activation)
    case .matmul: try main("MatMul", operands(node))
    case .pool(let a): try emit(a, node)
    case .reduce(let a): try emit(a, node)
    case .softmax(let a): try main("Softmax", operands(node), [("axis", .int(a.axis))])
    case .reshape(let a): try emitReshape(a.shape, node)
    case .transpose(let a): try main("Transpose", operands(node), [("perm", .ints(a.order))])
    case .expand(let a):
      // A free batch is there already: 1 keeps it.
      try main("Expand", operands(node) + [integers(a.shape.bound(batch: 1).dimensions, "shape")])
    case .concat(let a): try main("Concat", operands(node), [("axis", .int(a.axis))])
    case .slice(let a): try emit(a, node)
    case .pad(let a): try emit(a, node)
    case .gather(let a): try main("Gather", operands(node), [("axis", .int(a.axis))])
    case .quantize(let a): try emit(a, node)
    case .dequantize(let a): try emitDequantize(a, node)
    case .binaryConv(let a): try emit(a, node)
    case .binaryDense(let a): try emit(a, node)
    case .rescale(let a): try emit(a, node)
    case .cumulate, .topK, .scatter: throw Diagnostic(.unsupported, "is not written as ONNX yet")
    case .custom(let a): throw Diagnostic(.unsupported, "\(a.name) is of a foreign plug-in; ONNX has no operator for it")
    }
  }

  mutating func operands(_ node: Node) -> [String] {
    var names: [String] = []
    for operand in node.operands { names.append(self[operand]) }
    return names
  }

  func window(_ window: Window, kernel: [Int]?) -> [(name: String, value: EmittedAttribute)] {
    var attributes: [(name: String, value: EmittedAttribute)] = []
    if let kernel { attributes.append(("kernel_shape", .ints(kernel))) }
    if !window.strides.isEmpty { attributes.append(("strides", .ints(window.strides))) }
    if !window.pads.isEmpty { attributes.append(("pads", .ints(window.pads))) }
    if !window.dilations.isEmpty { attributes.append(("dilations", .ints(window.dilations))) }
    return attributes
  }

  private mutating func emit(_ a: Pool, _ node: Node) throws {
    var attributes = window(a.window, kernel: a.kernel)
    if a.roundUp { attributes.append(("ceil_mode", .int(1))) }
    if a.kind == .average && a.countPadding { attributes.append(("count_include_pad", .int(1))) }
    if dropsWindow(a, node) { require(opset: 22) }
    // A dilated window may see nothing but padding, of which a wider type would not make the lowest code.
    let seesInput = a.window.isUnpadded || a.window.dilations.isEmpty
    if a.kind == .max && seesInput { return try mainOfChoice("MaxPool", operands(node), attributes) }
    try main(a.kind == .max ? "MaxPool" : "AveragePool", operands(node), attributes)
  }

  /// Whether rounding up leaves a last window that starts behind the input and is dropped; up to opset 21 the result's shape counts it.
  private func dropsWindow(_ a: Pool, _ node: Node) -> Bool {
    guard a.roundUp else { return false }
    let (input, output) = (graph.type(of: node.operands[0]).shape, graph.type(of: node.results[0]).shape)
    return a.kernel.indices.contains { axis in
      let reach = (a.kernel[axis] - 1) * a.window.dilation(axis) + 1
      let span = input[axis + 2] + a.window.padBefore(axis) + a.window.padAfter(axis) - reach
      let stride = a.window.stride(axis)
      return (span + stride - 1) / stride + 1 > output[axis + 2]
    }
  }

  private mutating func emit(_ a: Reduce, _ node: Node) throws {
    let name =
      switch a.kind {
      case .sum: "ReduceSum"
      case .mean: "ReduceMean"
      case .max: "ReduceMax"
      case .min: "ReduceMin"
      case .product: "ReduceProd"
      }
    let axes = integers(a.axes, "axes")
    var attributes: [(name: String, value: EmittedAttribute)] = [("keepdims", .int(a.keepAxes ? 1 : 0))]
    if a.axes.isEmpty { attributes.append(("noop_with_empty_axes", .int(1))) }
    let inputs = operands(node) + [axes]
    if a.kind == .max || a.kind == .min { return try mainOfChoice(name, inputs, attributes) }
    try main(name, inputs, attributes)
  }

  // MARK: Element by element

  private mutating func emit(_ a: Cast, _ node: Node) throws {
    let from = graph.type(of: node.operands[0]).element
    guard a.to != .bit, from != .bit || a.to != .bool else {
      throw Diagnostic(.unsupported, "from \(from.rawValue) to \(a.to.rawValue) has no like in ONNX")
    }
    var attributes: [(name: String, value: EmittedAttribute)] = [("to", .element(a.to))]
    if a.reinterprets { return try main("BitCast", operands(node), attributes) }
    if SmallFloat(a.to) != nil && !a.saturates { attributes.append(("saturate", .int(0))) }
    if a.to == .float8e8m0 && a.rounding != .up { attributes.append(("round_mode", .string(a.rounding.rawValue))) }
    try require("Cast", takes: a.to)
    try main("Cast", operands(node), attributes)
  }

  private mutating func emit(_ a: Clip, _ node: Node) throws {
    let inputs = operands(node)
    if element.isFloat {
      try main("Clip", inputs + [try bound(a.lo, element, "lo"), try bound(a.hi, element, "hi")])
      return
    }
    func whole(_ value: Float) -> Float {
      guard let range = element.integerRange else { return value }
      return value <= Float(range.lowerBound) ? -.infinity : value >= Float(range.upperBound) ? .infinity : value.rounded(.towardZero)
    }
    try main("Clip", inputs + [try bound(whole(a.lo), element, "lo"), try bound(whole(a.hi), element, "hi")])
  }

  /// Bounds of narrow integers are written as Clip: few programs have Min and Max for them.
  private mutating func emit(_ kind: BinaryKind, _ node: Node) throws {
    let inputs = operands(node)
    let isNarrow = element.isInteger && element.storageBytes < 4
    let bound = graph.constant(node.operands[1])
    if isNarrow, let bound, bound.shape.rank == 0, kind == .min || kind == .max {
      try main("Clip", kind == .min ? [inputs[0], "", inputs[1]] : [inputs[0], inputs[1]])
      return
    }
    if kind == .remainder { return try main("Mod", inputs, [("fmod", .int(1))]) }
    let isOfBits = element.isInteger && [.and, .or, .xor].contains(kind)
    try main((isOfBits ? "Bitwise" : "") + GraphEmitter.operatorName(kind), inputs)
  }

  private static func operatorName(_ kind: BinaryKind) -> String {
    switch kind {
    case .add: "Add"
    case .sub: "Sub"
    case .mul: "Mul"
    case .div: "Div"
    case .pow: "Pow"
    case .min: "Min"
    case .max: "Max"
    case .remainder: "Mod"
    case .and: "And"
    case .or: "Or"
    case .xor: "Xor"
    case .equal: "Equal"
    case .less: "Less"
    case .lessOrEqual: "LessOrEqual"
    case .greater: "Greater"
    case .greaterOrEqual: "GreaterOrEqual"
    }
  }

  private static func operatorName(_ kind: UnaryKind) -> String {
    // ONNX calls each as we do, with a capital.
    let name = kind.rawValue
    return name.prefix(1).uppercased() + name.dropFirst()
  }

  // MARK: Movement

  private mutating func emitReshape(_ shape: Shape, _ node: Node) throws {
    let inputs = operands(node)
    let isEmpty = shape.dimensions.contains(0)
    guard !isEmpty || !shape.hasFreeBatch else { throw Diagnostic(.unsupported, "to \(shape) cannot be said: 0 stands for the batch") }
    // In ONNX a 0 copies the extent that stands there.
    let extents = shape.bound(batch: 0).dimensions
    try main("Reshape", inputs + [integers(extents, "shape")], isEmpty ? [("allowzero", .int(1))] : [])
  }

  private mutating func emit(_ a: Slice, _ node: Node) throws {
    let shape = graph.type(of: node.operands[0]).shape
    let inputs = operands(node)
    let axes = shape.dimensions.indices.filter { a.extents[$0] != shape[$0] || a.starts[$0] != 0 || a.steps[$0] != 1 }
    if axes.isEmpty { return try main("Identity", inputs) }
    let ends = axes.map { axis -> Int in
      if a.extents[axis] == 0 { return a.starts[axis] }
      let end = a.starts[axis] + (a.extents[axis] - 1) * a.steps[axis] + (a.steps[axis] < 0 ? -1 : 1)
      // Before the front: counted from the back, so that it isn't taken for the last.
      return end < 0 ? -shape[axis] - 1 : end
    }
    let starts = integers(axes.map { a.starts[$0] }, "starts")
    try main("Slice", inputs + [starts, integers(ends, "ends"), integers(axes, "axes"), integers(axes.map { a.steps[$0] }, "steps")])
  }

  private mutating func emit(_ a: Pad, _ node: Node) throws {
    var inputs = operands(node) + [integers(a.pads, "pads")]
    if a.mode == .constant && a.value.bitPattern != 0 {
      guard let value = try? Tensor.number(Double(a.value), element) else {
        throw Diagnostic(.unsupported, "with \(a.value), which is no \(element.rawValue), has no like in ONNX")
      }
      inputs.append(constant(value, "value"))
    }
    try main("Pad", inputs, [("mode", .string(a.mode.rawValue))])
  }
}
