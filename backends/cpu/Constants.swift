import GraphIR
import ReferenceKernels

/// Values that no input changes: a graph's constants, and what is computed of nothing else.
///
/// What weights are dequantized to is computed when somebody first asks: kernels on codes never do, and it is four times as much.
///
/// A class because what was computed is kept; one thread compiles.
final class Constants {
  /// Whether a value depends on an input, by index.
  let isVariable: [Bool]
  private var known: [Tensor?]
  private var late: [Int: Node] = [:]
  /// Why a value that was asked for could not be computed.
  private(set) var fault: (any Error)?

  /// Throws what a node throws that is computed now, with the node's name.
  init(_ graph: Graph) throws {
    known = graph.values.map { value in if case .constant(let tensor) = value.definition { tensor } else { nil } }
    var isVariable = [Bool](repeating: false, count: graph.values.count)
    for input in graph.inputs { isVariable[Int(input.index)] = true }
    for node in graph.nodes where node.operands.contains(where: { isVariable[Int($0.index)] }) {
      for result in node.results { isVariable[Int(result.index)] = true }
    }
    self.isVariable = isVariable
    for node in graph.nodes where node.results.contains(where: { !isVariable[Int($0.index)] }) {
      if case .dequantize = node.op { late[Int(node.results[0].index)] = node } else { try compute(node) }
    }
  }

  /// The value with an index; nil for one that is computed while running.
  subscript(index: Int) -> Tensor? {
    guard index < known.count else { return nil }
    if let node = late.removeValue(forKey: index) {
      do { try compute(node) } catch { fault = fault ?? error }
    }
    return known[index]
  }

  private func compute(_ node: Node) throws {
    let operands = node.operands.compactMap { self[Int($0.index)] }
    if let fault { throw fault }
    do {
      for (result, tensor) in zip(node.results, try Reference.fold(node.op, operands)) { known[Int(result.index)] = tensor }
    } catch let error as Diagnostic {
      throw error.at("node '\(node.origin)'")
    }
  }
}
