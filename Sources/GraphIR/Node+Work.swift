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
}
