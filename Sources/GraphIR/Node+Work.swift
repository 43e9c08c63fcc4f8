extension Node {
  /// Multiply-accumulates for one sample (for the whole batch, when it is bound): conv, dense, matmul and their binary kin; 0 for others.
  public func macs(in graph: Graph) -> Int {
    guard let result = results.first, let outputs = graph.type(of: result).shape.elementCountPerSample else { return 0 }
    let inner: Int?
    switch op {
    case .conv, .binaryConv, .dense, .binaryDense:
      inner = Shape.product(graph.type(of: operands[1]).shape.dimensions.dropFirst())
    case .matmul: inner = graph.type(of: operands[0]).shape.dimensions.last
    case .unary, .binary, .select, .clip, .cast, .pool, .reduce, .softmax, .cumulate, .topK, .reshape, .transpose, .expand, .concat, .slice,
      .pad, .gather, .scatter, .quantize, .dequantize, .rescale, .custom:
      inner = 0
    }
    let (product, overflow) = outputs.multipliedReportingOverflow(by: inner ?? 0)
    return overflow ? Int.max : product
  }

  /// Multiply-accumulates of the layer that the file says: as `macs`, but zeros between the elements of a transposed convolution's input do
  /// not count.
  public func layerMacs(in graph: Graph) -> Int {
    guard case .conv(let a) = op, let source = spreadInput(in: graph), let inputs = graph.type(of: source).shape.elementCountPerSample,
      let weights = Shape.product(graph.type(of: operands[1]).shape.dimensions.dropFirst(2))
    else { return macs(in: graph) }
    let filters = graph.type(of: operands[1]).shape[0] / a.groups
    return Shape.product([inputs, filters, weights]) ?? Int.max
  }

  /// The value whose elements a transposed convolution has zeros between, as the importer writes it; nil for another convolution.
  ///
  ///     x [N, C, H] -> reshape [N, C, H, 1] -> pad [N, C, H, stride] -> reshape [N, C, H·stride] -> pad or crop -> conv
  private func spreadInput(in graph: Graph) -> ValueID? {
    func definition(_ value: ValueID) -> Node? { graph.producer(of: value).map { graph[$0] } }
    var whole = definition(operands[0])
    if let node = whole, case .pad = node.op { whole = definition(node.operands[0]) }
    guard let joined = whole, case .reshape = joined.op, let spread = definition(joined.operands[0]), case .pad(let zeros) = spread.op,
      zeros.mode == .constant, zeros.value == 0, let apart = definition(spread.operands[0]), case .reshape = apart.op
    else { return nil }
    let (input, split) = (graph.type(of: apart.operands[0]).shape, graph.type(of: spread.operands[0]).shape)
    let spatial = input.dimensions.dropFirst(2)
    // Zeros stand behind each element only, on the axes of extent 1: 3, 5, ….
    guard split.dimensions == Array(input.dimensions.prefix(2)) + spatial.flatMap({ [$0, 1] }),
      zeros.pads.enumerated().allSatisfy({ $0.element == 0 || $0.element > 0 && $0.offset >= split.rank + 3 && $0.offset % 2 == 1 })
    else { return nil }
    return apart.operands[0]
  }

  /// Operands that are parameters: constant weights, biases, norms and tables, quantized ones too.
  ///
  /// Not among them: single numbers, truth values, indices and orders, scales and zero points of quantizers, and whole numbers of 32 bits
  /// and more that nothing dequantizes.
  public func parameters(in graph: Graph) -> [ValueID] {
    let (places, areCodes): ([Int], Bool)
    switch op {
    case .dequantize: (places, areCodes) = ([0], true)
    case .quantize, .gather: (places, areCodes) = ([0], false)
    case .select: (places, areCodes) = ([1, 2], false)
    case .scatter: (places, areCodes) = ([0, 2], false)
    case .binaryConv, .binaryDense: (places, areCodes) = ([0, 1], false)
    case .unary, .binary, .clip, .cast, .conv, .dense, .matmul, .pool, .reduce, .softmax, .cumulate, .topK, .reshape, .transpose, .expand,
      .concat, .slice, .pad, .rescale, .custom:
      (places, areCodes) = (Array(operands.indices), false)
    }
    return places.map { operands[$0] }.filter { operand in
      guard let tensor = graph.constant(operand), tensor.shape.rank > 0 else { return false }
      let element = tensor.element
      return element != .bool && (!element.isInteger || element.storageBytes <= 2 || areCodes)
    }
  }
}
