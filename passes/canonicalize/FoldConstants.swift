import GraphIR
import PluginAPI
import ReferenceKernels

extension Pass {
  /// Computes nodes whose operands are all constants, by the reference kernels.
  ///
  ///     %c = add(%a, %b)       // before; %a and %b are constants
  ///     %y = mul(%x, %c)
  ///
  ///     %y = mul(%x, %c)       // after; %c is a constant
  ///
  /// Stays as it is: `dequantize`, whose codes are the border between the integer and the float world; whatever would make the graph much
  /// larger (more than `growthLimit` times its operands, when not small anyway); results over `byteLimit`; ops of foreign plug-ins.
  public static let foldConstants = Pass("fold-constants", "computes what depends on constants alone") { graph, _ in
    try graph.rewritten { candidate, new, old in
      let operands = candidate.operands.compactMap { new.constant($0) }
      guard operands.count == candidate.operands.count, candidate.node.op.isFoldable, try isWorthKeeping(candidate.node.op, operands) else {
        return nil
      }
      let results: [Tensor]
      do {
        results = try Reference.evaluate(candidate.node.op, operands)
      } catch let fault as Diagnostic where fault.kind == .unsupported {
        return nil
      }
      return zip(results, candidate.node.results).map { new.addConstant($0, name: old[$1].name) }
    }
  }
}

/// Bytes that a folded result may take.
private let byteLimit = 64 << 20
/// Bytes below which a result may be of any size in relation to its operands.
private let smallResult = 64 << 10
private let growthLimit = 16

private func isWorthKeeping(_ op: Op, _ operands: [Tensor]) throws -> Bool {
  func bytes(_ types: [TensorType]) -> Int? {
    types.reduce(0 as Int?) { sum, type in
      guard let sum, let count = type.shape.elementCount, count <= byteLimit else { return nil }
      return sum + count * type.element.storageBytes
    }
  }
  guard let before = bytes(operands.map(\.type)), let after = bytes(try op.resultTypes(for: operands.map(\.type))) else { return false }
  return after <= byteLimit && (after <= smallResult || after <= growthLimit * before)
}

extension Op {
  /// Whether a node of constants may become a constant.
  fileprivate var isFoldable: Bool {
    switch self {
    case .dequantize, .custom: false
    case .unary, .binary, .select, .clip, .cast, .conv, .dense, .matmul, .pool, .reduce, .softmax, .cumulate, .topK, .reshape, .transpose,
      .expand, .concat, .slice, .pad, .gather, .scatter, .quantize, .binaryConv, .binaryDense, .rescale:
      true
    }
  }
}
