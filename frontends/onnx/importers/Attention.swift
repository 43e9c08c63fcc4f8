import GraphIR

extension OperatorTable {
  /// Attention and what stands around it in transformers.
  static let attention: [OperatorEntry] = [
    OperatorEntry("Attention", 23...24, inputs: 3...7, outputs: 1...4, attentionAttributes, importAttention),
    OperatorEntry(
      "Attention", .since(25), inputs: 3...7, outputs: 1...4,
      attentionAttributes.merging(["left_window_size": .int, "right_window_size": .int]) { $1 }, importAttention),
    OperatorEntry(
      "RotaryEmbedding", .since(23), inputs: 3...4, ["interleaved": .int, "num_heads": .int, "rotary_embedding_dim": .int], importRotary),
    OperatorEntry(
      "CausalConvWithState", .since(26), inputs: 2...4, outputs: 1...2, ["activation": .string], importCausalConv),
  ]

  private static let attentionAttributes: [String: AttributeKind] = [
    "is_causal": .int, "kv_num_heads": .int, "q_num_heads": .int, "qk_matmul_output_mode": .int, "scale": .float, "softcap": .float,
    "softmax_precision": .int,
  ]

  private static func importAttention(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let attributes = node.attributes
    for side in ["left_window_size", "right_window_size"] {
      let size = attributes.int(side, default: -1)
      guard size == -1 else { throw Diagnostic(.unsupported, "attribute '\(side)' is \(size); attention within a window is not supported") }
    }
    let isFlat = builder.rank(try node[0]) == 3
    let heads = (query: attributes.int("q_num_heads", default: 0), key: attributes.int("kv_num_heads", default: 0))
    let query = try builder.headed(node[0], heads.query)
    var (key, value) = (try builder.headed(node[1], heads.key), try builder.headed(node[2], heads.key))
    let type = builder.element(query)
    guard type.isFloat else { throw Diagnostic(.badInput, "it takes floats, not \(type.rawValue)") }
    if let past = node.optional(4) { key = try builder.concat([past, key], axis: 2) }
    if let past = node.optional(5) { value = try builder.concat([past, value], axis: 2) }
    let past = node.optional(4).map { builder.shape($0)[2] } ?? 0
    let present = [key, value]
    let (queries, size, keys) = (builder.shape(query)[2], builder.shape(query)[3], builder.shape(key)[2])
    let groups = builder.shape(query)[1] / max(builder.shape(key)[1], 1)
    guard groups >= 1, builder.shape(query)[1] == groups * builder.shape(key)[1], size > 0 else {
      throw Diagnostic(.badInput, "\(builder.shape(query)[1]) heads do not share \(builder.shape(key)[1])")
    }
    key = try builder.repeatedEach(key, axis: 1, groups)
    value = try builder.repeatedEach(value, axis: 1, groups)
    // Both factors take the root of the scale, as the specification's function does.
    let given = Double(attributes.float("scale", default: 0))
    let factor = (given == 0 ? 1 / Double(size).squareRoot() : given).squareRoot()
    let left = try builder.binary(.mul, query, factor)
    let right = try builder.binary(.mul, try builder.transpose(key, [0, 1, 3, 2]), factor)
    var scores = try builder.matmul(left, right)
    var seen = scores
    let cap = Double(attributes.float("softcap", default: 0))
    if cap > 0 { scores = try builder.binary(.mul, builder.unary(.tanh, builder.binary(.div, scores, cap)), cap) }
    let mode = attributes.int("qk_matmul_output_mode", default: 0)
    guard (0...3).contains(mode) else { throw Diagnostic(.badInput, "attribute 'qk_matmul_output_mode' is \(mode)") }
    if mode == 1 || cap > 0 { seen = scores }
    if let bias = try bias(node, scores, past: past, queries: queries, keys: keys, &builder) {
      scores = try builder.binary(.add, scores, bias)
    }
    if mode == 2 { seen = scores }
    let precision = attributes.int("softmax_precision", default: 0)
    let softmaxType = precision == 0 ? type : try OnnxElement.named(Int32(clamping: precision)).requireDataType()
    let axis = AxisAttribute(axis: 3)
    let weights = try builder.cast(try builder.emit(.softmax(axis), builder.cast(scores, to: softmaxType)), to: type)
    if mode == 3 { seen = weights }
    var result = try builder.matmul(weights, builder.cast(value, to: type))
    if isFlat { result = try builder.unheaded(result) }
    return [result] + present + [seen]
  }

  /// What is added to the scores: the mask, and what hides later keys and keys that are padding.
  private static func bias(
    _ node: ImportedNode, _ scores: ValueID, past: Int, queries: Int, keys: Int, _ builder: inout GraphBuilder
  ) throws -> ValueID? {
    var parts: [ValueID] = []
    let (zero, hidden) = (try builder.scalar(0, like: scores), try builder.scalar(-.infinity, like: scores))
    if var mask = node.optional(3) {
      let missing = keys - builder.shape(mask)[builder.rank(mask) - 1]
      let isChoice = builder.element(mask) == .bool
      if missing > 0 {
        mask = try builder.padded(mask, axis: builder.rank(mask) - 1, before: 0, after: missing, value: isChoice ? 0 : -.infinity)
      }
      parts.append(isChoice ? try builder.select(mask, zero, hidden) : try builder.cast(mask, to: builder.element(scores)))
    }
    if try node.attributes.flag("is_causal", default: false) {
      guard queries * keys <= placeTableLimit else { throw Diagnostic(.unsupported, "\(queries) queries of \(keys) keys") }
      let isSeen = (0..<queries * keys).map { $0 % keys <= $0 / keys + past ? 1 : 0 }
      parts.append(try builder.select(builder.constant(.integers(.bool, [queries, keys], isSeen)), zero, hidden))
    }
    if let lengths = node.optional(6) {
      let each = try builder.reshape(builder.cast(lengths, to: .int64), [builder.shape(lengths)[0], 1, 1, 1])
      let isSeen = try builder.binary(.less, builder.list([1, 1, 1, keys], Array(0..<keys)), each)
      parts.append(try builder.select(isSeen, zero, hidden))
    }
    guard let first = parts.first else { return nil }
    return try parts.dropFirst().reduce(first) { try builder.binary(.add, $0, $1) }
  }

  private static func importRotary(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let input = try node[0]
    let isFlat = builder.rank(input) == 3
    // [batch, heads, steps, size]
    let x = try builder.headed(input, node.attributes.int("num_heads", default: 0))
    let shape = builder.shape(x).dimensions
    let said = node.attributes.int("rotary_embedding_dim", default: 0)
    let turned = said == 0 ? shape[3] : said
    guard turned > 0, turned % 2 == 0, turned <= shape[3] else {
      throw Diagnostic(.badInput, "\(turned) of \(shape[3]) numbers are turned")
    }
    let caches = try (1...2).map { place -> ValueID in
      var cache = try node[place]
      if let ids = node.optional(3) {
        cache = try builder.gather(cache, builder.countedFromFront(ids, extent: builder.shape(cache)[0]), axis: 0)
      }
      guard builder.rank(cache) == 3, builder.shape(cache)[2] == turned / 2 else {
        throw Diagnostic(.badInput, "a cache of \(builder.shape(cache)) does not fit \(turned) turned numbers")
      }
      return try builder.reshape(cache, [builder.shape(cache)[0], 1, builder.shape(cache)[1], turned / 2])
    }
    let part = try builder.slice(x, axis: 3, from: 0, count: turned)
    let interleaved = try node.attributes.flag("interleaved", default: false)
    let lead = Array(shape[..<3])
    let pairs = try builder.reshape(part, lead + (interleaved ? [turned / 2, 2] : [2, turned / 2]))
    let pairAxis = interleaved ? 4 : 3
    let (first, second) = (try builder.pick(pairs, axis: pairAxis, 0), try builder.pick(pairs, axis: pairAxis, 1))
    let real = try builder.binary(.sub, builder.binary(.mul, caches[0], first), builder.binary(.mul, caches[1], second))
    let imaginary = try builder.binary(.add, builder.binary(.mul, caches[1], first), builder.binary(.mul, caches[0], second))
    let single = interleaved ? lead + [turned / 2, 1] : lead + [1, turned / 2]
    let joined = try builder.concat([builder.reshape(real, single), builder.reshape(imaginary, single)], axis: pairAxis)
    var result = try builder.reshape(joined, lead + [turned])
    if turned < shape[3] {
      result = try builder.concat([result, builder.slice(x, axis: 3, from: turned, count: shape[3] - turned)], axis: 3)
    }
    return [isFlat ? try builder.unheaded(result) : result]
  }

  /// A convolution along the steps that sees none but earlier ones: those of the last call stand before the first.
  private static func importCausalConv(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, weights) = (try node[0], try node[1])
    let kernel = builder.shape(weights)
    guard builder.rank(x) == 3, kernel.rank == 3, kernel[2] >= 1 else {
      throw Diagnostic(.badInput, "weights \(kernel) do not fit an input \(builder.shape(x))")
    }
    let before = kernel[2] - 1
    var padded = x
    if let past = node.optional(3) {
      if before > 0 { padded = try builder.concat([past, x], axis: 2) }
    } else {
      padded = try builder.padded(x, axis: 2, before: before, after: 0)
    }
    let conv = Conv(window: Window(), groups: builder.shape(x)[1])
    var result = try builder.emit(.conv(conv), [padded, weights] + [node.optional(2)].compactMap { $0 })
    switch node.attributes.string("activation", default: "none") {
    case "none": break
    case "silu", "swish":
      let wide = builder.element(x) == .float64 ? result : try builder.cast(result, to: .float32)
      result = try builder.cast(builder.binary(.mul, wide, builder.unary(.sigmoid, wide)), to: builder.element(x))
    case let other: throw Diagnostic(.badInput, "attribute 'activation' is '\(other)'")
    }
    return [result, try builder.slice(padded, axis: 2, from: builder.shape(padded)[2] - before, count: before)]
  }
}

extension GraphBuilder {
  /// `[batch, steps, heads · size]` as `[batch, heads, steps, size]`; what has four axes stays.
  mutating func headed(_ x: ValueID, _ heads: Int) throws -> ValueID {
    let shape = shape(x).dimensions
    if shape.count == 4 { return x }
    guard shape.count == 3, heads > 0, shape[2] % heads == 0 else {
      throw Diagnostic(.badInput, "\(self.shape(x)) does not divide into \(heads) heads")
    }
    return try transpose(try reshape(x, [shape[0], shape[1], heads, shape[2] / heads]), [0, 2, 1, 3])
  }

  /// `[batch, heads, steps, size]` as `[batch, steps, heads · size]`.
  mutating func unheaded(_ x: ValueID) throws -> ValueID {
    let shape = shape(x).dimensions
    return try reshape(try transpose(x, [0, 2, 1, 3]), [shape[0], shape[2], shape[1] * shape[3]])
  }
}
