import GraphIR

extension OperatorTable {
  private static let batchNorm: [String: AttributeKind] = ["epsilon": .float, "momentum": .float]

  /// Normalizations, folded to one multiplication and one addition where the statistics are constants.
  static let normalization: [OperatorEntry] = [
    OperatorEntry(
      "BatchNormalization", 6...6, inputs: 5...5, outputs: 1...5, batchNorm.merging(["spatial": .int, "is_test": .int]) { $1 },
      importBatchNorm),
    OperatorEntry("BatchNormalization", 7...8, inputs: 5...5, outputs: 1...5, batchNorm.merging(["spatial": .int]) { $1 }, importBatchNorm),
    OperatorEntry("BatchNormalization", 9...13, inputs: 5...5, outputs: 1...5, batchNorm, importBatchNorm),
    OperatorEntry(
      "BatchNormalization", .since(14), inputs: 5...5, outputs: 1...3, batchNorm.merging(["training_mode": .int]) { $1 }, importBatchNorm),
    OperatorEntry("InstanceNormalization", .since(6), inputs: 3...3, ["epsilon": .float]) { node, builder in
      let x = try node[0]
      guard builder.rank(x) >= 3 else { throw Diagnostic(.badInput, "it takes [N, C, spatial…], not \(builder.shape(x))") }
      let normal = try builder.normalized(x, Array(2..<builder.rank(x)), node.attributes.float("epsilon", default: 1e-5))
      return [try builder.perChannelAffine(normal.y, scale: node[1], bias: node[2])]
    },
    OperatorEntry(
      "GroupNormalization", 18...20, inputs: 3...3, ["epsilon": .float, "num_groups": .int]
    ) { try importGroupNorm($0, isPerGroup: true, &$1) },
    OperatorEntry(
      "GroupNormalization", .since(21), inputs: 3...3, ["epsilon": .float, "num_groups": .int, "stash_type": .int]
    ) { try importGroupNorm($0, isPerGroup: false, &$1) },
    OperatorEntry(
      "LayerNormalization", .since(17), inputs: 2...3, outputs: 1...3, ["axis": .int, "epsilon": .float, "stash_type": .int],
      importLayerNorm),
    OperatorEntry("RMSNormalization", .since(23), inputs: 2...2, ["axis": .int, "epsilon": .float, "stash_type": .int], importRMSNorm),
    OperatorEntry("MeanVarianceNormalization", .since(9), inputs: 1...1, ["axes": .ints]) { node, builder in
      let x = try node[0]
      let axes = try normalizedAxes(node.attributes.ints("axes") ?? [0, 2, 3], rank: builder.rank(x))
      let mean = try builder.reduce(x, .mean, axes, keepAxes: true)
      let centered = try builder.emit(.binary(.sub), x, mean)
      let variance = try builder.reduce(try builder.emit(.binary(.mul), centered, centered), .mean, axes, keepAxes: true)
      // The specification's function adds this to the deviation, not to the variance.
      let deviation = try builder.emit(.binary(.add), try builder.emit(.unary(.sqrt), variance), builder.scalar(1e-9, like: x))
      return [try builder.emit(.binary(.div), centered, deviation)]
    },
    OperatorEntry("LRN", .since(1), inputs: 1...1, ["alpha": .float, "beta": .float, "bias": .float, "size": .int], importLocalResponse),
  ]

  /// `x · scale + shift` for each channel, `scale = gamma / sqrt(var + epsilon)` and `shift = beta - mean · scale`, found in f64 and rounded once.
  private static func importBatchNorm(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let attributes = node.attributes
    guard try attributes.flag("spatial", default: true) else {
      throw Diagnostic(.unsupported, "statistics for each position (spatial=0) are not supported")
    }
    let trains =
      node.version <= 6 ? !(try attributes.flag("is_test", default: false)) : try attributes.flag("training_mode", default: false)
    guard !trains else { throw Diagnostic(.unsupported, "training is not supported") }
    let operands = try node.all
    let x = operands[0]
    let rank = builder.rank(x)
    guard rank >= 2, builder.element(x).isFloat else { throw Diagnostic(.badInput, "it takes floats [N, C, …], not \(builder.type(x))") }
    let channels = Shape([builder.shape(x)[1]])
    let names = ["the scale", "the bias", "the mean", "the variance"]
    for (operand, name) in zip(operands.dropFirst(), names) where builder.shape(operand) != channels {
      throw Diagnostic(.badInput, "\(name) is \(builder.type(operand)), not one number for each of \(channels[0]) channels")
    }
    let epsilon = Double(attributes.float("epsilon", default: 1e-5))
    guard operands.dropFirst().allSatisfy(builder.isConstant) else { return [try computedBatchNorm(operands, epsilon, &builder)] }
    let statistics = try zip(operands.dropFirst(), names).map { try builder.tensor($0, $1).doubles }
    let scale = zip(statistics[0], statistics[3]).map { gamma, variance in gamma / (variance + epsilon).squareRoot() }
    let shift = zip(statistics[1], zip(statistics[2], scale)).map { beta, product in beta - product.0 * product.1 }
    let type = builder.element(x)
    let aligned = Shape(channels.dimensions + Array(repeating: 1, count: rank - 2))
    let scaled = try builder.emit(.binary(.mul), x, builder.constant(Tensor.vector(scale, type).reshaped(aligned)))
    return [try builder.emit(.binary(.add), scaled, builder.constant(Tensor.vector(shift, type).reshaped(aligned)))]
  }

  /// The same, in the order the specification writes, for statistics that are computed.
  private static func computedBatchNorm(_ operands: [ValueID], _ epsilon: Double, _ builder: inout GraphBuilder) throws -> ValueID {
    let x = operands[0]
    let type = builder.element(x)
    let ones = Array(repeating: 1, count: builder.rank(x) - 2)
    let aligned = try operands.dropFirst().map { try builder.reshape(builder.cast($0, to: type), builder.shape($0).dimensions + ones) }
    let deviation = try builder.emit(.unary(.sqrt), try builder.emit(.binary(.add), aligned[3], builder.scalar(epsilon, like: x)))
    let normal = try builder.emit(.binary(.div), try builder.emit(.binary(.sub), x, aligned[2]), deviation)
    return try builder.emit(.binary(.add), try builder.emit(.binary(.mul), normal, aligned[0]), aligned[1])
  }

  private static func importGroupNorm(_ node: ImportedNode, isPerGroup: Bool, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    let groups = node.attributes.int("num_groups", default: 0)
    guard shape.count >= 3, groups > 0, shape[1] % groups == 0, let perGroup = Shape.product(shape.dropFirst()).map({ $0 / groups }) else {
      throw Diagnostic(.badInput, "\(groups) groups do not fit an input \(builder.shape(x))")
    }
    let epsilon = node.attributes.float("epsilon", default: 1e-5)
    let normal = try builder.normalized(builder.reshape(x, [shape[0], groups, perGroup]), [2], epsilon).y
    if isPerGroup {
      return [try builder.reshape(try builder.perChannelAffine(normal, scale: node[1], bias: node[2]), shape)]
    }
    return [try builder.perChannelAffine(try builder.reshape(normal, shape), scale: node[1], bias: node[2])]
  }

  private static func importLayerNorm(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let axis = try normalizedAxis(node.attributes.int("axis", default: -1), rank: builder.rank(x))
    guard node.attributes.int("stash_type", default: 1) == 1 else {
      throw Diagnostic(.unsupported, "a stash_type other than 1 is not supported")
    }
    let epsilon = node.attributes.float("epsilon", default: 1e-5)
    let wide = try builder.cast(x, to: builder.element(x) == .float64 ? .float64 : .float32)
    let normal = try builder.normalized(wide, Array(axis..<builder.rank(x)), epsilon)
    var result = try builder.emit(.binary(.mul), try builder.cast(normal.y, to: builder.element(x)), node[1])
    if let bias = node.optional(2) { result = try builder.emit(.binary(.add), result, bias) }
    return [result, normal.mean, normal.inverseDeviation]
  }

  /// `x / sqrt(mean(x²) + epsilon) · scale`, the division in f32 as `stash_type` 1 says.
  private static func importRMSNorm(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let axis = try normalizedAxis(node.attributes.int("axis", default: -1), rank: builder.rank(x))
    guard node.attributes.int("stash_type", default: 1) == 1 else {
      throw Diagnostic(.unsupported, "a stash_type other than 1 is not supported")
    }
    let wide = try builder.cast(x, to: builder.element(x) == .float64 ? .float64 : .float32)
    let squares = try builder.emit(.binary(.mul), wide, wide)
    let mean = try builder.reduce(squares, .mean, Array(axis..<builder.rank(x)), keepAxes: true)
    let epsilon = try builder.scalar(Double(node.attributes.float("epsilon", default: 1e-5)), like: mean)
    let root = try builder.emit(.unary(.sqrt), try builder.emit(.binary(.add), mean, epsilon))
    let normal = try builder.cast(try builder.emit(.binary(.div), wide, root), to: builder.element(x))
    return [try builder.emit(.binary(.mul), normal, node[1])]
  }

  /// `x / (bias + alpha / size · Σ x²)^beta`, the sum over the channels around: the squares, padded, in shifted slices.
  private static func importLocalResponse(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x)
    let size = node.attributes.int("size", default: 0)
    guard (1...1024).contains(size), shape.rank >= 2 else {
      throw Diagnostic(.badInput, "a size of \(size) does not fit an input \(shape)")
    }
    var pad = Pad()
    pad.pads = Array(repeating: 0, count: 2 * shape.rank)
    pad.pads[1] = (size - 1) / 2
    pad.pads[shape.rank + 1] = size - 1 - (size - 1) / 2
    let squares = try builder.emit(.pad(pad), try builder.emit(.binary(.mul), x, x))
    var sum = try builder.slice(squares, axis: 1, from: 0, count: shape[1])
    for place in 1..<max(size, 1) {
      sum = try builder.emit(.binary(.add), sum, try builder.slice(squares, axis: 1, from: place, count: shape[1]))
    }
    let factor = Double(node.attributes.float("alpha", default: 1e-4)) / Double(size)
    let scaled = try builder.emit(.binary(.mul), sum, builder.scalar(factor, like: x))
    let base = try builder.emit(.binary(.add), scaled, builder.scalar(Double(node.attributes.float("bias", default: 1)), like: x))
    let power = try builder.emit(.binary(.pow), base, builder.scalar(Double(node.attributes.float("beta", default: 0.75)), like: x))
    return [try builder.emit(.binary(.div), x, power)]
  }
}

extension GraphBuilder {
  /// `(x - mean) / sqrt(variance + epsilon)` along axes, and what it was found with.
  fileprivate mutating func normalized(
    _ x: ValueID, _ axes: [Int], _ epsilon: Float
  ) throws -> (y: ValueID, mean: ValueID, inverseDeviation: ValueID) {
    let mean = try reduce(x, .mean, axes, keepAxes: true)
    let centered = try emit(.binary(.sub), x, mean)
    let variance = try reduce(try emit(.binary(.mul), centered, centered), .mean, axes, keepAxes: true)
    let deviation = try emit(.unary(.sqrt), try emit(.binary(.add), variance, scalar(Double(epsilon), like: x)))
    let inverse = try emit(.unary(.reciprocal), deviation)
    return (try emit(.binary(.mul), centered, inverse), mean, inverse)
  }

  /// `x · scale + bias`, one number for each channel (axis 1).
  fileprivate mutating func perChannelAffine(_ x: ValueID, scale: ValueID, bias: ValueID) throws -> ValueID {
    let ones = Array(repeating: 1, count: rank(x) - 2)
    let scaled = try emit(.binary(.mul), x, try reshape(scale, shape(scale).dimensions + ones))
    return try emit(.binary(.add), scaled, try reshape(bias, shape(bias).dimensions + ones))
  }
}
