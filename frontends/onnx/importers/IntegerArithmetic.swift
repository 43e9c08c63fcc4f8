import GraphIR

extension OperatorTable {
  private static let windowAttributes: [String: AttributeKind] = [
    "auto_pad": .string, "dilations": .ints, "group": .int, "kernel_shape": .ints, "pads": .ints, "strides": .ints,
  ]

  /// Operators that compute with codes. Their sums are found in f64, where every one of them is exact.
  static let integerArithmetic: [OperatorEntry] = [
    OperatorEntry("ConvInteger", .since(10), inputs: 2...4, windowAttributes) { node, builder in
      let x = try builder.centered(node[0], zero: node.optional(2), axis: nil)
      let weights = try builder.centered(node[1], zero: node.optional(3), axis: 0)
      let conv = try node.conv(x: builder.shape(x), weights: builder.shape(weights))
      return [try builder.cast(try builder.emit(.conv(conv), x, weights), to: .int32)]
    },
    OperatorEntry("MatMulInteger", .since(10), inputs: 2...4) { node, builder in
      let a = try builder.centered(node[0], zero: node.optional(2), axis: builder.rank(try node[0]) - 2)
      let b = try builder.centered(node[1], zero: node.optional(3), axis: builder.rank(try node[1]) - 1)
      return [try builder.cast(try builder.matmul(a, b), to: .int32)]
    },
    OperatorEntry("QLinearConv", .since(10), inputs: 8...9, windowAttributes, importQLinearConv),
    OperatorEntry("QLinearMatMul", .since(10), inputs: 8...8, importQLinearMatMul),
  ]

  private static func importQLinearConv(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try builder.centered(node[0], zero: node[2], axis: nil)
    let weights = try builder.centered(node[3], zero: node[5], axis: 0)
    let conv = try node.conv(x: builder.shape(x), weights: builder.shape(weights))
    let bias = try node.optional(8).map { [try builder.cast($0, to: .float64)] } ?? []
    let sum = try builder.emit(.conv(conv), [x, weights] + bias)
    let ones = Array(repeating: 1, count: builder.rank(sum) - 2)
    let weightScale = try node[4]
    let isPerFilter = builder.rank(weightScale) == 1 && builder.shape(weightScale)[0] != 1
    let aligned = try builder.reshape(weightScale, isPerFilter ? builder.shape(weightScale).dimensions + ones : [])
    return [try builder.requantized(sum, [try node[1], aligned], to: node[6], zero: node[7])]
  }

  private static func importQLinearMatMul(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (a, b) = (try node[0], try node[3])
    for parameter in try node.all where builder.rank(parameter) > 1 && parameter != a && parameter != b {
      throw Diagnostic(.unsupported, "scales and zero points of shape \(builder.shape(parameter)) are not supported")
    }
    let left = try builder.centered(a, zero: node[2], axis: builder.rank(a) - 2)
    let right = try builder.centered(b, zero: node[5], axis: builder.rank(b) - 1)
    let sum = try builder.matmul(left, right)
    let aScale = try builder.aligned(node[1], axis: builder.rank(a) - 2, rank: builder.rank(a))
    return [try builder.requantized(sum, [aScale, try node[4]], to: node[6], zero: node[7])]
  }
}

extension GraphBuilder {
  /// A list along `axis` shaped to broadcast against a value of `rank`; one number as such.
  mutating func aligned(_ list: ValueID, axis: Int, rank: Int) throws -> ValueID {
    if shape(list).elementCount == 1 { return try reshape(list, []) }
    guard self.rank(list) == 1, axis >= 0 else { throw Diagnostic(.unsupported, "a scale or zero point of shape \(shape(list))") }
    return try reshape(list, shape(list).dimensions + Array(repeating: 1, count: rank - axis - 1))
  }

  /// Codes less their zero point, in f64.
  mutating func centered(_ codes: ValueID, zero: ValueID?, axis: Int?) throws -> ValueID {
    let wide = try cast(codes, to: .float64)
    guard let zero else { return wide }
    let aligned = try self.aligned(zero, axis: axis ?? -1, rank: rank(codes))
    return try emit(.binary(.sub), wide, cast(aligned, to: .float64))
  }

  /// `round(sum · (product of scales / result scale)) + zero`, saturated; the factor and its product with the sum are rounded to f32.
  mutating func requantized(_ sum: ValueID, _ scales: [ValueID], to result: ValueID, zero: ValueID) throws -> ValueID {
    let type = element(zero)
    guard let range = type.integerRange else { throw Diagnostic(.badInput, "the zero point is \(type.rawValue)") }
    let factor = try emit(.binary(.div), try emit(.binary(.mul), scales[0], scales[1]), try reshape(result, []))
    let scaled = try emit(.binary(.mul), cast(sum, to: .float32), cast(factor, to: .float32))
    let quantize = Quantize(to: type, lo: range.lowerBound, hi: range.upperBound)
    return try emit(.quantize(quantize), scaled, constant(.scalar(1)), try reshape(zero, []))
  }
}
