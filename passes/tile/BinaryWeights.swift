import GraphIR

/// One summand of binary weights in a graph: `dequantize(bits, scale) {axis=0}`.
struct BinaryBasis {
  var bits: ValueID
  /// One number for each filter.
  var scale: [Float]
}

/// The bases whose sum a layer's weights are, in order; nil when the weights are not binary.
func binaryBases(of weights: ValueID, in graph: Graph) -> [BinaryBasis]? {
  guard let producer = graph.producer(of: weights) else { return nil }
  let node = graph[producer]
  switch node.op {
  case .binary(.add):
    guard node.operands.allSatisfy({ graph.type(of: $0) == graph.type(of: weights) }),
      let first = binaryBases(of: node.operands[0], in: graph),
      let second = binaryBases(of: node.operands[1], in: graph)
    else { return nil }
    return first + second
  case .dequantize(let a):
    guard graph.type(of: node.operands[0]).element == .bit, node.operands.count == 2, let scale = graph.constant(node.operands[1]),
      scale.element == .float32, scale.shape.rank == 0 || a.axis == 0
    else { return nil }
    let filters = graph.type(of: weights).shape[0]
    return [
      BinaryBasis(bits: node.operands[0], scale: scale.shape.rank == 0 ? Array(repeating: scale.floats[0], count: filters) : scale.floats)
    ]
  default: return nil
  }
}

extension Node {
  /// What to call it in a message.
  var label: String { origin.isEmpty ? op.name : origin }
}
