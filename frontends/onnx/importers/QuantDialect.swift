import GraphIR

/// The operators that Brevitas, FINN and QONNX write for quantized networks of few bits. Most such files do not import their domain.
extension OperatorTable {
  private static let domains = ["onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general"]
  private static let attributes: [String: AttributeKind] = ["signed": .int, "narrow": .int, "rounding_mode": .string]

  static let quantDialect: [OperatorEntry] = domains.flatMap { domain in
    [
      OperatorEntry("Quant", 1...2, domain: domain, inputs: 4...4, attributes, importQuant),
      OperatorEntry("IntQuant", 1...2, domain: domain, inputs: 4...4, attributes, importQuant),
      OperatorEntry("BipolarQuant", 1...2, domain: domain, inputs: 2...2) { node, builder in
        [try builder.bipolar(node[0], sign: node[0], scale: node[1])]
      },
      OperatorEntry("Trunc", 1...1, domain: domain, inputs: 5...5, ["rounding_mode": .string], importTrunc),
      OperatorEntry("Trunc", 2...2, domain: domain, inputs: 6...6, attributes, importTruncTo),
      OperatorEntry(
        "MultiThreshold", 1...2, domain: domain, inputs: 2...2,
        ["data_layout": .string, "out_bias": .float, "out_dtype": .string, "out_scale": .float], importThresholds),
    ]
  }

  /// `(round(clamp(x / scale + zero)) - zero) · scale`, in that order; one signed bit is ±1 instead.
  private static func importQuant(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, scale) = (try node[0], try node[1])
    _ = try node.attributes.required("signed", node.attributes.values["signed"])
    _ = try node.attributes.required("narrow", node.attributes.values["narrow"])
    let isSigned = try node.attributes.flag("signed", default: false)
    let narrows = try node.attributes.flag("narrow", default: false)
    let bits = try builder.number(node[3], "the bit width")
    guard let width = Int(exactly: bits), (1...31).contains(width) else { throw Diagnostic(.unsupported, "a bit width of \(bits)") }
    let zero = try node[2]
    let hasZero = builder.isConstant(zero) ? try builder.tensor(zero, "the zero point").doubles.contains { $0 != 0 } : true
    if width == 1 && isSigned {
      guard !hasZero else { throw Diagnostic(.unsupported, "one bit with a zero point is not supported") }
      return [try builder.bipolar(x, sign: try builder.emit(.binary(.div), x, scale), scale: scale)]
    }
    let one = narrows ? 1 : 0
    let range = isSigned ? (-(1 << (width - 1)) + one)...((1 << (width - 1)) - 1) : 0...((1 << width) - 1 - one)
    let mode = node.attributes.string("rounding_mode", default: "ROUND").uppercased()
    if !hasZero, ["ROUND", "HALF_EVEN"].contains(mode), width <= 8, let plain = try builder.plainScale(scale, of: x) {
      return [try builder.throughCodes(x, scale: plain.scale, axis: plain.axis, to: isSigned ? .int8 : .uint8, range)]
    }
    let shifted = try builder.emit(.binary(.add), try builder.emit(.binary(.div), x, scale), zero)
    let clamped = try builder.clip(shifted, lo: Float(range.lowerBound), hi: Float(range.upperBound))
    let rounded = try builder.rounded(clamped, mode)
    return [try builder.emit(.binary(.mul), try builder.emit(.binary(.sub), rounded, zero), scale)]
  }
}

extension GraphBuilder {
  /// `sign >= 0 ? scale : -scale`; constants become elements of {-1, +1} and a scale.
  fileprivate mutating func bipolar(_ x: ValueID, sign: ValueID, scale: ValueID) throws -> ValueID {
    if isConstant(x) && isConstant(sign), let plain = try plainScale(scale, of: x) {
      let signs = try tensor(sign, "the weights").doubles.map { $0 >= 0 ? 1 : -1 }
      return try emit(.dequantize(AxisAttribute(axis: plain.axis)), constant(.integers(.bit, shape(x), signs)), plain.scale)
    }
    let isPositive = try emit(.binary(.greaterOrEqual), sign, scalar(0, like: sign))
    return try emit(.binary(.mul), try emit(.select, isPositive, scalar(1, like: x), scalar(-1, like: x)), scale)
  }

  /// A scale that is one number, or one for each index of one axis, as `quantize` takes it; nil when it is neither or not f32.
  fileprivate mutating func plainScale(_ scale: ValueID, of x: ValueID) throws -> (scale: ValueID, axis: Int)? {
    guard element(scale) == .float32, element(x) == .float32, rank(scale) <= rank(x) else { return nil }
    let axes = shape(scale).dimensions.indices.filter { shape(scale)[$0] != 1 }
    guard let only = axes.first else { return (try reshape(scale, []), 0) }
    let axis = only + rank(x) - rank(scale)
    guard axes.count == 1, shape(scale)[only] == shape(x)[axis] else { return nil }
    return (try reshape(scale, [shape(scale)[only]]), axis)
  }

  /// `quantize` and `dequantize`, which is the same when there is no zero point and the bounds are whole. Constants are quantized at once.
  mutating func throughCodes(
    _ x: ValueID, scale: ValueID, axis: Int, to type: DataType, _ range: ClosedRange<Int>
  ) throws -> ValueID {
    let quantize = Quantize(to: type, lo: range.lowerBound, hi: range.upperBound, axis: axis)
    var codes = try emit(.quantize(quantize), x, scale)
    if isConstant(codes) { codes = constant(try tensor(codes, "the weights")) }
    return try emit(.dequantize(AxisAttribute(axis: axis)), codes, scale)
  }

  /// Rounding to whole numbers by one of the dialect's rules.
  mutating func rounded(_ x: ValueID, _ mode: String) throws -> ValueID {
    switch mode {
    case "ROUND", "HALF_EVEN": return try emit(.unary(.round), x)
    case "CEIL": return try emit(.unary(.ceil), x)
    case "FLOOR": return try emit(.unary(.floor), x)
    case "UP", "DOWN", "HALF_UP", "HALF_DOWN":
      let size = try emit(.unary(.abs), x)
      let moved = try emit(.binary(mode == "HALF_DOWN" ? .sub : .add), size, scalar(mode.hasPrefix("HALF") ? 0.5 : 0, like: x))
      return try emit(
        .binary(.mul), try emit(.unary(.sign), x), try emit(.unary(mode == "UP" || mode == "HALF_DOWN" ? .ceil : .floor), moved))
    default: throw Diagnostic(.badInput, "attribute 'rounding_mode' is '\(mode)'")
    }
  }
}
