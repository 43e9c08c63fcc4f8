import GraphIR

extension GraphEmitter {
  /// Writes one op. The switch is exhaustive: an op is either written or refused with a reason.
  mutating func emit(_ node: Node) throws {
    switch node.op {
    case .unary(let kind): main(GraphEmitter.operatorName(kind), operands(node))
    case .binary(let kind): try emit(kind, node)
    case .select: main("Where", operands(node))
    case .clip(let a): try emit(a, node)
    case .cast(let a): try emit(a, node)
    case .conv(let a):
      try activated(
        "Conv", operands(node), window(a.window, kernel: nil) + (a.groups == 1 ? [] : [("group", .int(a.groups))]), a.activation)
    case .dense(let a): try activated("Gemm", operands(node), [("transB", .int(1))], a.activation)
    case .matmul: main("MatMul", operands(node))
    case .pool(let a): emit(a, node)
    case .reduce(let a): emit(a, node)
    case .softmax(let a): main("Softmax", operands(node), [("axis", .int(a.axis))])
    case .reshape(let a): try emitReshape(a.shape, node)
    case .transpose(let a): main("Transpose", operands(node), [("perm", .ints(a.order))])
    case .expand(let a):
      // A free batch is there already: 1 keeps it.
      main("Expand", operands(node) + [integers(a.shape.bound(batch: 1).dimensions, "shape")])
    case .concat(let a): main("Concat", operands(node), [("axis", .int(a.axis))])
    case .slice(let a): emit(a, node)
    case .pad(let a): try emit(a, node)
    case .gather(let a): main("Gather", operands(node), [("axis", .int(a.axis))])
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

  private mutating func emit(_ a: Pool, _ node: Node) {
    var attributes = window(a.window, kernel: a.kernel)
    if a.roundUp { attributes.append(("ceil_mode", .int(1))) }
    if a.kind == .average && a.countPadding { attributes.append(("count_include_pad", .int(1))) }
    main(a.kind == .max ? "MaxPool" : "AveragePool", operands(node), attributes)
  }

  private mutating func emit(_ a: Reduce, _ node: Node) {
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
    main(name, operands(node) + [axes], attributes)
  }

  // MARK: Element by element

  private mutating func emit(_ a: Cast, _ node: Node) throws {
    let from = graph.type(of: node.operands[0]).element
    guard a.to != .bit, from != .bit || a.to != .bool else {
      throw Diagnostic(.unsupported, "from \(from.rawValue) to \(a.to.rawValue) has no like in ONNX")
    }
    main("Cast", operands(node), [("to", .int(Int(OnnxElement(a.to).rawValue)))])
  }

  private mutating func emit(_ a: Clip, _ node: Node) throws {
    let element = graph.type(of: node.operands[0]).element
    let inputs = operands(node)
    if element.isFloat {
      main("Clip", inputs + [try bound(a.lo, element, "lo"), try bound(a.hi, element, "hi")])
      return
    }
    func whole(_ value: Float) -> Float {
      guard let range = element.integerRange else { return value }
      return value <= Float(range.lowerBound) ? -.infinity : value >= Float(range.upperBound) ? .infinity : value.rounded(.towardZero)
    }
    main("Clip", inputs + [try bound(whole(a.lo), element, "lo"), try bound(whole(a.hi), element, "hi")])
  }

  /// Bounds of narrow integers are written as Clip: few programs have Min and Max for them.
  private mutating func emit(_ kind: BinaryKind, _ node: Node) throws {
    let inputs = operands(node)
    let element = graph.type(of: node.operands[0]).element
    let isNarrow = element.isInteger && element.storageBytes < 4
    let bound = graph.constant(node.operands[1])
    if isNarrow, let bound, bound.shape.rank == 0, kind == .min || kind == .max {
      main("Clip", kind == .min ? [inputs[0], "", inputs[1]] : [inputs[0], inputs[1]])
      return
    }
    if kind == .remainder { return main("Mod", inputs, [("fmod", .int(1))]) }
    main(GraphEmitter.operatorName(kind), inputs)
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
    main("Reshape", inputs + [integers(extents, "shape")], isEmpty ? [("allowzero", .int(1))] : [])
  }

  private mutating func emit(_ a: Slice, _ node: Node) {
    let shape = graph.type(of: node.operands[0]).shape
    let inputs = operands(node)
    let axes = shape.dimensions.indices.filter { a.extents[$0] != shape[$0] || a.starts[$0] != 0 || a.steps[$0] != 1 }
    if axes.isEmpty { return main("Identity", inputs) }
    let ends = axes.map { axis -> Int in
      if a.extents[axis] == 0 { return a.starts[axis] }
      let end = a.starts[axis] + (a.extents[axis] - 1) * a.steps[axis] + (a.steps[axis] < 0 ? -1 : 1)
      // Before the front: counted from the back, so that it isn't taken for the last.
      return end < 0 ? -shape[axis] - 1 : end
    }
    let starts = integers(axes.map { a.starts[$0] }, "starts")
    main("Slice", inputs + [starts, integers(ends, "ends"), integers(axes, "axes"), integers(axes.map { a.steps[$0] }, "steps")])
  }

  private mutating func emit(_ a: Pad, _ node: Node) throws {
    let element = graph.type(of: node.operands[0]).element
    var inputs = operands(node) + [integers(a.pads, "pads")]
    if a.mode == .constant && a.value != 0 { inputs.append(constant(try .number(Double(a.value), element), "value")) }
    main("Pad", inputs, [("mode", .string(a.mode.rawValue))])
  }
}
