import GraphIR
import PluginAPI

extension Pass {
  /// Lets ops that only choose or move elements work on codes instead of numbers. Exact: for a positive scale, `(q - zero) · scale`
  /// never falls when q rises, so the largest number is that of the largest code.
  ///
  ///     %d = dequantize(%q, %s)        // before
  ///     %p = pool(%d) {kernel=[2, 2], strides=[2, 2]}
  ///
  ///     %p0 = pool(%q) {kernel=[2, 2], strides=[2, 2]}      // after
  ///     %p = dequantize(%p0, %s)
  ///
  /// Taken: maximum pooling, reshape, transpose, slice, and padding with 0 when there is no zero point.
  public static let sinkDequantize = Pass("sink-dequantize", "pools, reshapes and transposes codes instead of numbers") { graph, _ in
    try graph.rewritten { candidate, new, _ in
      guard let first = candidate.operands.first, let source = new.definition(of: first), case .dequantize(let a) = source.op,
        let axis = axisBehind(candidate.node.op, a.axis, source.operands, new)
      else { return nil }
      let codes = try new.append1(candidate.node.op, [source.operands[0]], origin: candidate.node.origin)
      return try new.append(.dequantize(AxisAttribute(axis: axis)), [codes] + source.operands.dropFirst(), origin: source.origin)
    }
  }
}

/// The axis of the dequantize behind `op`; nil when `op` cannot work on the codes.
private func axisBehind(_ op: Op, _ axis: Int, _ operands: [ValueID], _ graph: Graph) -> Int? {
  let isOneNumber = operands.dropFirst().allSatisfy { graph.type(of: $0).shape.rank == 0 }
  switch op {
  case .pool(let a):
    let isPositive = graph.scalar(operands[1]).map { $0 > 0 && $0.isFinite } ?? false
    return a.kind == .max && isOneNumber && isPositive && graph.type(of: operands[0]).element.isInteger ? 0 : nil
  case .pad(let a):
    let isZero = a.value.bitPattern == 0 && operands.count == 2 && (graph.scalar(operands[1]).map { $0 >= 0 && $0.isFinite } ?? false)
    return isOneNumber && graph.type(of: operands[0]).element.isInteger && (a.mode != .constant || isZero) ? 0 : nil
  case .reshape, .slice: return isOneNumber ? 0 : nil
  case .transpose(let a): return isOneNumber ? 0 : a.order.firstIndex(of: axis)
  default: return nil
  }
}
