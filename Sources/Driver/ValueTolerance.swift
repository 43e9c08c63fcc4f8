import GraphIR
import ReferenceKernels

/// How far two machines may differ on one value, given how far they may on the values it comes from.
///
/// Where everything before a value is exact and its own op is, every byte must be the same: so it is for networks whose layers are
/// all binary. Behind a float op, machines may round differently, and a code that lies on an edge may fall either way.
public enum ValueTolerance: Hashable, Sendable, CustomStringConvertible {
  case exact
  /// So large a part of the greatest magnitude in the reference.
  case relative(Float)
  /// So many codes: the input of a quantize may differ in its last bits.
  case codes(Int)

  /// What a rounding of one code in `largest` may do to the values behind it, as a part of their magnitude.
  private static let behindCodes: Float = 0.05

  /// A tolerance for each node's results, by node index.
  public static func byNode(of graph: Graph) -> [ValueTolerance] {
    var byValue = [ValueTolerance](repeating: .exact, count: graph.values.count)
    return graph.nodes.map { node in
      let tolerance = after(node, operands: node.operands.map { byValue[Int($0.index)] }, in: graph)
      for result in node.results { byValue[Int(result.index)] = tolerance }
      return tolerance
    }
  }

  private static func after(_ node: Node, operands: [ValueTolerance], in graph: Graph) -> ValueTolerance {
    let own: ValueTolerance =
      switch node.op.tolerance(for: node.operands.map { graph.type(of: $0) }) {
      case .exact: .exact
      case .ulps(let steps): steps == 0 ? .exact : .relative(Float(steps) * 0x1p-23)
      case .relativeToMagnitude(let part): .relative(part)
      }
    guard let worst = operands.filter({ $0 != .exact }).max(by: { $0.weight < $1.weight }) else { return own }
    switch (node.op, worst) {
    case (.quantize, _): return .codes(1)
    case (.pool, .codes(let steps)), (.reshape, .codes(let steps)), (.transpose, .codes(let steps)), (.slice, .codes(let steps)),
      (.concat, .codes(let steps)):
      return .codes(steps)
    case (_, .codes): return .relative(behindCodes)
    case (_, .relative(let part)): return .relative(min(behindCodes, max(part, 2 * part + own.weight)))
    case (_, .exact): return own
    }
  }

  private var weight: Float {
    switch self {
    case .exact: 0
    case .relative(let part): part
    case .codes: 1
    }
  }

  /// As text.
  public var description: String {
    switch self {
    case .exact: "0"
    case .relative(let part): "\(part) of the largest"
    case .codes(let steps): "\(steps) code"
    }
  }

  /// The flat indices of elements of `candidate` that are too far from `reference`, both of one type.
  func violations(reference: Tensor, candidate: Tensor) -> [Int] {
    let (a, b) = (reference.doubles, candidate.doubles)
    let allowed: Double
    switch self {
    case .exact: return a.indices.filter { a[$0] != b[$0] && !(a[$0].isNaN && b[$0].isNaN) || a[$0].sign != b[$0].sign && a[$0] == 0 }
    case .codes(let steps): allowed = Double(steps)
    case .relative(let part): allowed = Double(part) * a.reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 }
    }
    return a.indices.filter { index in
      if a[index] == b[index] || (a[index].isNaN && b[index].isNaN) { return false }
      return !((a[index] - b[index]).magnitude <= allowed)
    }
  }
}
