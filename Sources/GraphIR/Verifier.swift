/// Checks that a graph holds together. Run after every pass, in every build; it collects all faults.
///
/// Invariants:
/// 1. Every operand, result and output names a value of the graph.
/// 2. A value used by a node is an input, a constant, or a result of an earlier node.
/// 3. Result types are what the op infers from its operands' types.
/// 4. A shape is free in dimension 0 only; no extent is negative otherwise.
/// 5. There is an output; output names are unique and not empty.
/// 6. Input names are unique.
/// 7. The order operand of a binary layer, if constant, is a permutation.
///
/// That a value's definition names it back, and that a constant has its tensor's type, cannot be otherwise: only `Graph.append` makes them.
public struct Verifier {
  private let graph: Graph
  private var faults: [Diagnostic] = []

  /// All faults of `graph`; empty when it holds together.
  public static func faults(in graph: Graph) -> [Diagnostic] {
    var verifier = Verifier(graph: graph)
    verifier.checkValues()
    verifier.checkNodes()
    verifier.checkBorders()
    return verifier.faults
  }

  private init(graph: Graph) { self.graph = graph }

  private mutating func report(_ message: String, at place: String) {
    faults.append(Diagnostic(.internal, message, place: place))
  }

  private func isKnown(_ id: ValueID) -> Bool { id.index >= 0 && id.index < graph.values.count }

  private mutating func checkValues() {
    for (index, value) in graph.values.enumerated() {
      let place = "\(ValueID(index))"
      if value.type.shape.dimensions.dropFirst().contains(where: { $0 < 0 }) || value.type.shape.dimensions.first.map({ $0 < -1 }) == true {
        report("shape \(value.type.shape) is not a shape", at: place)
      }
    }
  }

  private mutating func checkNodes() {
    var isComputed = graph.values.map { value in if case .result = value.definition { false } else { true } }
    for node in graph.nodes {
      let place = "\(node.results.first.map { "\($0) = " } ?? "")\(node.op.name) (origin '\(node.origin)')"
      guard (node.operands + node.results).allSatisfy(isKnown) else {
        report("names a value that does not exist", at: place)
        continue
      }
      for operand in node.operands where !isComputed[Int(operand.index)] { report("uses \(operand) before it is computed", at: place) }
      for result in node.results { isComputed[Int(result.index)] = true }
      checkTypes(of: node, at: place)
    }
  }

  private mutating func checkTypes(of node: Node, at place: String) {
    do {
      let inferred = try node.op.resultTypes(for: node.operands.map { graph.type(of: $0) })
      let stated = node.results.map { graph.type(of: $0) }
      if inferred != stated { report("results are \(stated), the op makes \(inferred)", at: place) }
    } catch { report("\(error)", at: place) }
    switch node.op {
    case .binaryConv, .binaryDense:
      if node.operands.count == 3, let order = graph.constant(node.operands[2]), order.integers?.sorted() != Array(0..<order.count) {
        report("the order is not a permutation", at: place)
      }
    default: break
    }
  }

  private mutating func checkBorders() {
    if graph.outputs.isEmpty { report("there is no output", at: "outputs") }
    for output in graph.outputs where !isKnown(output.value) { report("output '\(output.name)' names no value", at: "outputs") }
    var names = Set<String>()
    for output in graph.outputs where output.name.isEmpty || !names.insert(output.name).inserted {
      report("output name '\(output.name)' is empty or used twice", at: "outputs")
    }
    names.removeAll()
    for input in graph.inputs where !names.insert(graph[input].name).inserted {
      report("input name '\(graph[input].name)' is used twice", at: "inputs")
    }
  }
}
