import GraphIR

/// The operators of onnxruntime's own domain that its quantizer and optimizer write: codes in and out of operators that the standard has for
/// numbers only, and layers fused with what follows.
extension OperatorTable {
  private static let domain = "com.microsoft"
  private static let window: [String: AttributeKind] = [
    "auto_pad": .string, "dilations": .ints, "group": .int, "kernel_shape": .ints, "pads": .ints, "strides": .ints,
  ]

  static let runtimeDialect: [OperatorEntry] = [
    pair("QLinearAdd", .add), pair("QLinearMul", .mul),
    onCodes("QLinearSigmoid", as: "Sigmoid"), onCodes("QLinearLeakyRelu", as: "LeakyRelu", ["alpha": .float]),
    onCodes("QLinearGlobalAveragePool", as: "GlobalAveragePool", ["channels_last": .int]),
    onCodes(
      "QLinearAveragePool", as: "AveragePool",
      [
        "auto_pad": .string, "ceil_mode": .int, "channels_last": .int, "count_include_pad": .int, "kernel_shape": .ints, "pads": .ints,
        "strides": .ints,
      ]),
    onCodes("QLinearSoftmax", as: "Softmax", ["axis": .int, "opset": .int]),
    OperatorEntry("QLinearConcat", 1...1, domain: domain, inputs: 5...OperatorEntry.many, ["axis": .int], importConcat),
    OperatorEntry(
      "QGemm", 1...1, domain: domain, inputs: 6...9, ["alpha": .float, "transA": .int, "transB": .int], importGemm),
    OperatorEntry("QuantizeLinear", 1...1, domain: domain, inputs: 2...3, ["axis": .int]) {
      try standard("QuantizeLinear", $0, $0.operands, &$1)
    },
    OperatorEntry("DequantizeLinear", 1...1, domain: domain, inputs: 2...3, ["axis": .int]) {
      try standard("DequantizeLinear", $0, $0.operands, &$1)
    },
    OperatorEntry("Gelu", 1...1, domain: domain, inputs: 1...1) { try standard("Gelu", $0, $0.operands, &$1) },
    OperatorEntry(
      "FusedConv", 1...1, domain: domain, inputs: 2...4, window.merging(["activation": .string, "activation_params": .floats]) { $1 },
      importFusedConv),
  ]

  /// What the standard operator of that name becomes on these operands and with the attributes of the node, in the version that an attribute
  /// says, or its newest.
  private static func standard(
    _ name: String, _ node: ImportedNode, _ operands: [ValueID?], _ builder: inout GraphBuilder
  ) throws -> [ValueID] {
    let source = SourceNode(
      origin: node.source.origin, domain: "", operatorName: name, version: node.attributes.int("opset", default: OpsetImports.newest),
      inputs: node.source.inputs,
      outputs: node.source.outputs, attributes: node.attributes)
    return try OperatorTable.standard.entry(for: source).importer(ImportedNode(source: source, operands: operands), &builder)
  }

  /// `[x, scale, zero, result scale, result zero]`, a zero point left out being 0.
  private static func onCodes(_ name: String, as standardName: String, _ attributes: [String: AttributeKind] = [:]) -> OperatorEntry {
    OperatorEntry(name, 1...1, domain: domain, inputs: 4...5, attributes) { node, builder in
      guard try !node.attributes.flag("channels_last", default: false) else {
        throw Diagnostic(.unsupported, "channels at the end are not supported", hint: "export with channels_last=0")
      }
      let numbers = try builder.numbers(node[0], scale: node[1], zero: node.optional(2))
      let result = try standard(standardName, node, [numbers], &builder)[0]
      return [try builder.codes(result, scale: node[3], zero: node.optional(4), like: node[0])]
    }
  }

  /// `[a, its scale, zero, b, its scale, zero, result scale, zero]`.
  private static func pair(_ name: String, _ kind: BinaryKind) -> OperatorEntry {
    OperatorEntry(name, 1...1, domain: domain, inputs: 7...8) { node, builder in
      let a = try builder.numbers(node[0], scale: node[1], zero: node.optional(2))
      let b = try builder.numbers(node[3], scale: node[4], zero: node.optional(5))
      return [try builder.codes(builder.binary(kind, a, b), scale: node[6], zero: node.optional(7), like: node[0])]
    }
  }

  /// `[result scale, zero, then x, scale, zero of each part]`.
  private static func importConcat(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let count = node.operands.count - 2
    guard count % 3 == 0 else { throw Diagnostic(.badInput, "\(count) inputs for parts of three") }
    let parts = try stride(from: 2, to: node.operands.count, by: 3).map {
      try builder.numbers(node[$0], scale: node[$0 + 1], zero: node.optional($0 + 2))
    }
    _ = try node.attributes.required("axis", node.attributes.values["axis"])
    let axis = try normalizedAxis(node.attributes.int("axis", default: 0), rank: builder.rank(parts[0]))
    return [try builder.codes(builder.concat(parts, axis: axis), scale: node[0], zero: node.optional(1), like: node[2])]
  }

  /// `alpha · (A - a₀)(B - b₀) · scales + C · alpha · scales`: C are sums. Without a result scale the result is numbers.
  private static func importGemm(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    var a = try builder.centered(node[0], zero: node[2], axis: nil)
    let isTransposed = try node.attributes.flag("transB", default: false)
    var b = try builder.centered(node[3], zero: node[5], axis: isTransposed ? 0 : 1)
    if try node.attributes.flag("transA", default: false) { a = try builder.transposed(a) }
    if isTransposed { b = try builder.transposed(b) }
    var sum = try builder.matmul(a, b)
    if let c = node.optional(6) { sum = try builder.binary(.add, sum, builder.cast(c, to: .float64)) }
    var scale = try builder.reshape(node[1], [])
    let alpha = Double(node.attributes.float("alpha", default: 1))
    if alpha != 1 { scale = try builder.binary(.mul, scale, alpha) }
    let columns = try builder.aligned(node[4], axis: 1, rank: 2)
    guard let result = node.optional(7) else {
      return [try builder.binary(.mul, builder.cast(sum, to: .float32), builder.binary(.mul, scale, columns))]
    }
    let zero = try node.optional(8) ?? builder.scalar(0, like: node[0])
    return [try builder.requantized(sum, [scale, columns], to: result, zero: zero)]
  }

  /// A convolution, plus a fourth operand, then an activation.
  private static func importFusedConv(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    var result = try standard("Conv", node, Array(node.operands.prefix(3)), &builder)[0]
    if let addend = node.optional(3) { result = try builder.binary(.add, result, addend) }
    var parameters: [Float] = []
    if case .floats(let given) = node.attributes.values["activation_params"] { parameters = given }
    func require(_ count: Int) throws {
      guard parameters.count == count else {
        throw Diagnostic(.badInput, "attribute 'activation_params' has \(parameters.count) numbers, not \(count)")
      }
    }
    switch node.attributes.string("activation", default: "") {
    case "": return [result]
    case "Relu": return [try builder.unary(.relu, result)]
    case "Sigmoid": return [try builder.unary(.sigmoid, result)]
    case "Tanh": return [try builder.unary(.tanh, result)]
    case "Clip":
      try require(2)
      return [try builder.clip(result, lo: parameters[0], hi: parameters[1])]
    case "LeakyRelu":
      try require(1)
      let isNegative = try builder.binary(.less, result, 0)
      return [try builder.select(isNegative, builder.binary(.mul, result, Double(parameters[0])), result)]
    case let other: throw Diagnostic(.unsupported, "a convolution fused with '\(other)' is not supported")
    }
  }
}

extension GraphBuilder {
  /// The numbers that codes stand for; one scale and zero point for all.
  fileprivate mutating func numbers(_ codes: ValueID, scale: ValueID, zero: ValueID?) throws -> ValueID {
    let parameters = try [try reshape(scale, [])] + (zero.map { [try reshape($0, [])] } ?? [])
    return try emit(.dequantize(AxisAttribute(axis: 0)), [codes] + parameters)
  }

  /// Codes of numbers, of the zero point's type, or of another value's when there is none.
  fileprivate mutating func codes(_ numbers: ValueID, scale: ValueID, zero: ValueID?, like other: ValueID) throws -> ValueID {
    let type = element(zero ?? other)
    guard let range = type.integerRange else { throw Diagnostic(.badInput, "codes are \(type.rawValue)") }
    let parameters = try [try reshape(scale, [])] + (zero.map { [try reshape($0, [])] } ?? [])
    return try emit(.quantize(Quantize(to: type, lo: range.lowerBound, hi: range.upperBound)), [numbers] + parameters)
  }
}
