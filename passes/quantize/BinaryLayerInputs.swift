import GraphIR

/// A layer with binary weights, and what it is given.
struct BinaryLayer {
  var id: NodeID
  var input: ValueID
  /// What to call it in a message.
  var label: String
}

extension Graph {
  /// The conv and dense layers whose weights are bits times scales, in running order. Those with groups are left out: no array takes them.
  var binaryLayers: [BinaryLayer] {
    nodeIDs.compactMap { id in
      let node = self[id]
      switch node.op {
      case .conv(let a): guard a.groups == 1 else { return nil }
      case .dense: break
      default: return nil
      }
      guard isBinary(node.operands[1]) else { return nil }
      return BinaryLayer(id: id, input: node.operands[0], label: node.origin.isEmpty ? "\(node.op.name) \(id)" : node.origin)
    }
  }

  /// Whether a value is made of bits: `dequantize` of bits, or a sum of such.
  private func isBinary(_ id: ValueID) -> Bool {
    guard let node = definition(of: id) else { return false }
    switch node.op {
    case .dequantize: return type(of: node.operands[0]).element == .bit
    case .binary(.add): return node.operands.allSatisfy(isBinary)
    default: return false
    }
  }

  /// The codes that a value is the numbers of; nil when it was not made by `dequantize` of codes of one byte.
  func codes(behind id: ValueID) -> ValueID? {
    guard let node = definition(of: id), case .dequantize = node.op else { return nil }
    let codes = node.operands[0]
    return type(of: codes).element == .uint8 || type(of: codes).element == .int8 ? codes : nil
  }

  /// The `quantize` that made codes, seen through ops that only choose or move them.
  func quantizer(of codes: ValueID) -> NodeID? {
    guard let producer = producer(of: codes) else { return nil }
    switch self[producer].op {
    case .quantize: return producer
    case .pool, .reshape, .transpose, .slice, .pad: return quantizer(of: self[producer].operands[0])
    default: return nil
    }
  }

  /// The node that computes a value; nil for inputs and constants.
  func definition(of id: ValueID) -> Node? { producer(of: id).map { self[$0] } }
}
