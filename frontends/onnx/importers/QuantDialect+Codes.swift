import GraphIR

/// The dialect's operators on numbers that are codes already.
extension OperatorTable {
  /// Drops low bits: `(round(round(x / scale + zero) / 2^(in - out)) - zero) · scale`, the outer rounding by mode.
  static func importTrunc(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, scale, zero) = (try node[0], try node[1], try node[2])
    let (before, after) = try (builder.number(node[3], "the bit width"), builder.number(node[4], "the output's bit width"))
    guard let dropped = Int(exactly: before - after), (0...31).contains(dropped) else {
      throw Diagnostic(.unsupported, "\(before) bits truncated to \(after)")
    }
    let codes = try builder.unary(.round, builder.binary(.add, builder.binary(.div, x, scale), zero))
    let mode = node.attributes.string("rounding_mode", default: "FLOOR").uppercased()
    let kept = try builder.rounded(builder.binary(.div, codes, Double(1 << dropped)), mode)
    return [try builder.binary(.mul, builder.binary(.sub, kept, zero), scale)]
  }

  /// The same, to a scale of the output's own, and held within its range.
  static func importTruncTo(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, scale, zero, outputScale) = (try node[0], try node[1], try node[2], try node[4])
    let bits = try builder.number(node[5], "the output's bit width")
    let isSigned = try node.attributes.flag("signed", default: true)
    let narrows = try node.attributes.flag("narrow", default: false)
    guard let width = Int(exactly: bits), (1...24).contains(width) else { throw Diagnostic(.unsupported, "a bit width of \(bits)") }
    let one = narrows ? 1 : 0
    let range = isSigned ? (-(1 << (width - 1)) + one)...((1 << (width - 1)) - 1) : 0...((1 << width) - 1 - one)
    let ratio = try builder.tensor(builder.binary(.div, outputScale, scale), "the ratio of scales")
    // The nearest power of 2.
    let factors = try ratio.doubles.map { value -> Double in
      guard value > 0, value.isFinite else { throw Diagnostic(.badInput, "a ratio of scales of \(value)") }
      let isUpper = value.significand * value.significand > 2
      return Double(sign: .plus, exponent: Int(value.exponent) + (isUpper ? 1 : 0), significand: 1)
    }
    let factor = builder.numbers(ratio.shape, factors, like: x)
    let codes = try builder.unary(.round, builder.binary(.add, builder.binary(.div, x, scale), zero))
    let held = try builder.clip(
      builder.binary(.div, codes, factor), lo: Float(range.lowerBound), hi: Float(range.upperBound))
    let kept = try builder.rounded(held, node.attributes.string("rounding_mode", default: "FLOOR").uppercased())
    return [try builder.binary(.mul, builder.binary(.sub, kept, builder.binary(.div, zero, factor)), outputScale)]
  }

  /// `scale · (how many thresholds x reaches) + bias`, with thresholds `[C, n]` for each channel, or `[1, n]` for all.
  static func importThresholds(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, thresholds) = (try node[0], try node[1])
    _ = try node.attributes.required("out_dtype", node.attributes.values["out_dtype"])
    let (shape, table) = (builder.shape(x).dimensions, builder.shape(thresholds).dimensions)
    let layout = node.attributes.string("data_layout", default: "NCHW")
    let axis = layout.hasSuffix("C") ? shape.count - 1 : 1
    guard layout.contains("C"), shape.count >= 2, table.count == 2, table[0] == 1 || table[0] == shape[axis] else {
      throw Diagnostic(.badInput, "thresholds \(Shape(table)) do not fit \(Shape(shape)) in layout '\(layout)'")
    }
    let ones = Array(repeating: 1, count: shape.count - axis - 1)
    let aligned = try builder.reshape(thresholds, [table[0]] + ones + [table[1]])
    let reached = try builder.binary(.greaterOrEqual, builder.reshape(x, shape + [1]), aligned)
    let count = try builder.reduce(builder.cast(reached, to: builder.element(x)), .sum, [shape.count], keepAxes: false)
    let (scale, bias) = (node.attributes.float("out_scale", default: 1), node.attributes.float("out_bias", default: 0))
    let result = try builder.binary(.add, builder.binary(.mul, count, Double(scale)), Double(bias))
    guard builder.element(x) == .float32, let step = step(of: (0...table[1]).prefix(257).map { Float($0) * scale + bias }) else {
      return [result]
    }
    let type: DataType = step.codes.lowerBound < 0 ? .int8 : .uint8
    return [try builder.throughCodes(result, scale: builder.scalar(Double(step.size), like: x), axis: 0, to: type, step.codes)]
  }

  /// A step of which all results are whole multiples, exactly, by codes of one byte; nil when there is none.
  private static func step(of results: [Float]) -> (size: Float, codes: ClosedRange<Int>)? {
    guard results.count > 1, let last = results.last else { return nil }
    let scale = (results[1] - results[0]).magnitude
    for size in [scale, scale / 2] where size.isNormal {
      let codes = results.map { ($0 / size).rounded() }
      guard zip(codes, results).allSatisfy({ $0 * size == $1 }), last.isFinite else { continue }
      let (lo, hi) = (codes.min() ?? 0, codes.max() ?? 0)
      if lo >= 0 ? hi <= 255 : lo >= -128 && hi <= 127 { return (size, Int(min(lo, 0))...Int(max(hi, 0))) }
    }
    return nil
  }
}
