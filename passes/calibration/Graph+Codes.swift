import GraphIR

extension Graph {
  /// The codes that a value is the numbers of; nil when it was not made by `dequantize` of codes of one byte.
  package func codes(behind id: ValueID) -> ValueID? {
    guard let node = definition(of: id), case .dequantize = node.op else { return nil }
    let codes = node.operands[0]
    return type(of: codes).element == .uint8 || type(of: codes).element == .int8 ? codes : nil
  }

  /// The `quantize` that made codes, seen through ops that only choose or move them.
  package func quantizer(of codes: ValueID) -> NodeID? {
    guard let producer = producer(of: codes) else { return nil }
    switch self[producer].op {
    case .quantize: return producer
    case .pool, .reshape, .transpose, .slice, .pad: return quantizer(of: self[producer].operands[0])
    default: return nil
    }
  }

  /// The node that computes a value; nil for inputs and constants.
  package func definition(of id: ValueID) -> Node? { producer(of: id).map { self[$0] } }
}
