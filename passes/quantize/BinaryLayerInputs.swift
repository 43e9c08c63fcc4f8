import Calibration
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
}
