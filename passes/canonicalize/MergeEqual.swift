import GraphIR
import PluginAPI

extension Pass {
  /// Keeps the first of several nodes that compute the same, and the first of several equal constants. Exact.
  ///
  ///     %a = sigmoid(%x)       // before
  ///     %b = sigmoid(%x)
  ///     %y = add(%a, %b)
  ///
  ///     %a = sigmoid(%x)       // after
  ///     %y = add(%a, %a)
  ///
  /// Ops of foreign plug-ins are not merged: nothing says that they compute the same twice.
  public static let mergeEqual = Pass("merge-equal", "computes equal nodes once") { graph, _ in
    var constants: [Tensor: ValueID] = [:]
    var known: [Computation: [ValueID]] = [:]
    return try graph.rewritten { candidate, new, _ in
      let operands = candidate.operands.map { operand -> ValueID in
        guard let tensor = new.constant(operand) else { return operand }
        if let first = constants[tensor] { return first }
        constants[tensor] = operand
        return operand
      }
      let node = candidate.node
      let computation = Computation(node.op, operands)
      if let results = known[computation] { return results }
      let results = try new.append(node.op, operands, origin: node.origin)
      if case .custom = node.op {} else { known[computation] = results }
      return results
    }
  }
}

/// What a node computes, apart from its names.
private struct Computation: Hashable {
  let op: Op
  let operands: [ValueID]
  /// The bits of all numbers among the attributes, which tell -0 from 0.
  let bits: [UInt32]

  init(_ op: Op, _ operands: [ValueID]) {
    self.op = op
    self.operands = operands
    bits = op.attributes.flatMap { Computation.bits(of: $0.value) }
  }

  private static func bits(of value: AttributeValue) -> [UInt32] {
    switch value {
    case .float(let number): [number.bitPattern]
    case .call(_, let values): values.flatMap(bits(of:))
    case .int, .bool, .word, .string, .ints: []
    }
  }
}
