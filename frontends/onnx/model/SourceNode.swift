import GraphIR

/// One node as the file says it, with its operator's version found.
struct SourceNode {
  /// The node's name, or its operator and place when it has none.
  let origin: String
  let domain: String
  let operatorName: String
  /// The version of the domain's operator set.
  let version: Int
  /// Names of values; empty where an optional one is left out.
  let inputs: [String]
  let outputs: [String]
  let attributes: NodeAttributes
  /// The bodies among the attributes, by name.
  var bodies: [String: SourceBody] = [:]

  /// Names of all values that must be there before: inputs, and what bodies take from outside.
  var needs: [String] { inputs + bodies.values.flatMap(\.captures) }

  /// The operator as it is said in messages.
  var qualifiedName: String { domain.isEmpty ? operatorName : "\(domain).\(operatorName)" }
}

/// A graph in a node. Names are those outside, or told apart from them by a prefix.
struct SourceBody {
  let inputs: [String]
  let outputs: [String]
  /// In running order.
  let nodes: [SourceNode]
  let initializers: [(name: String, tensor: Tensor, element: OnnxElement)]
  /// Names of values outside that are used.
  let captures: [String]
}

/// A node whose operands are values of the graph being built: what an importer is given.
struct ImportedNode {
  let source: SourceNode
  /// nil where an optional operand is left out.
  let operands: [ValueID?]

  var attributes: NodeAttributes { source.attributes }
  var version: Int { source.version }
  /// How many results the node names, left-out ones at the end not counted.
  var resultCount: Int { (source.outputs.lastIndex { !$0.isEmpty } ?? -1) + 1 }

  /// An operand that must be there.
  subscript(_ index: Int) -> ValueID {
    get throws {
      guard let operand = optional(index) else { throw Diagnostic(.badInput, "operand \(index) is missing") }
      return operand
    }
  }

  /// An operand that may be left out.
  func optional(_ index: Int) -> ValueID? { index < operands.count ? operands[index] : nil }

  /// All operands, none of which may be left out.
  var all: [ValueID] { get throws { try operands.indices.map { try self[$0] } } }
}

/// An axis counted from either end, as one counted from the front.
func normalizedAxis(_ axis: Int, rank: Int) throws -> Int {
  guard axis >= -rank && axis < rank else { throw Diagnostic(.badInput, "axis \(axis) is outside a rank of \(rank)") }
  return axis < 0 ? axis + rank : axis
}

/// Axes counted from either end, each at most once.
func normalizedAxes(_ axes: [Int], rank: Int) throws -> [Int] {
  let normal = try axes.map { try normalizedAxis($0, rank: rank) }
  guard Set(normal).count == normal.count else { throw Diagnostic(.badInput, "axes \(axes) repeat") }
  return normal
}
