import GraphIR

/// Whether a graph treats samples apart from each other, so that a batch may be cut anywhere.
///
/// It does when every value that depends on an input has the batch as dimension 0, free or of one fixed extent, and every op keeps to its
/// sample.
struct BatchSplit {
  /// The fixed extent; nil when the batch is free.
  let extent: Int?

  /// Nil when the graph must run whole. `isVariable` says which values depend on an input, by value index.
  init?(_ graph: Graph, isVariable: [Bool]) {
    guard let first = graph.inputs.first, let batch = graph.type(of: first).shape.dimensions.first, batch != 0 else { return nil }
    extent = batch == Shape.free ? nil : batch
    for (index, value) in graph.values.enumerated() where isVariable[index] {
      guard value.type.shape.dimensions.first == batch else { return nil }
    }
    let variable = { (id: ValueID) in isVariable[Int(id.index)] }
    for node in graph.nodes where node.results.contains(where: variable) {
      guard BatchSplit.keepsToSamples(node, graph, variable) else { return nil }
    }
  }

  private static func keepsToSamples(_ node: Node, _ graph: Graph, _ isVariable: (ValueID) -> Bool) -> Bool {
    let variable = node.operands.map(isVariable)
    let shapes = node.operands.map { graph.type(of: $0).shape }
    let rank = graph.type(of: node.results[0]).shape.rank
    /// Whether every variable operand is as deep as the result, and every other one has nothing along the batch.
    let isAligned = zip(variable, shapes).allSatisfy { $0 ? $1.rank == rank : $1.rank < rank || $1.dimensions.first == 1 }
    let onlyFirst = variable[0] && !variable.dropFirst().contains(true)
    switch node.op {
    case .unary, .clip, .cast: return true
    case .binary, .select: return isAligned
    case .conv, .dense, .pool, .binaryConv, .binaryDense: return onlyFirst
    case .matmul: return rank > 2 ? isAligned : onlyFirst
    case .reduce(let a): return !a.axes.contains(0)
    case .softmax(let a): return a.axis > 0
    case .cumulate(let a): return a.axis > 0
    case .topK(let a): return a.axis > 0
    case .scatter: return false
    case .reshape: return true
    case .transpose(let a): return a.order.first == 0
    case .expand: return isAligned
    case .concat(let a): return a.axis > 0 && !variable.contains(false)
    case .slice(let a): return a.starts[0] == 0 && a.steps[0] == 1 && a.extents[0] == shapes[0][0]
    case .pad(let a): return a.pads[0] == 0 && a.pads[rank] == 0
    case .gather(let a): return variable[0] ? a.axis > 0 && !variable[1] : a.axis == 0
    case .quantize(let a): return onlyFirst && (a.axis > 0 || shapes.dropFirst().allSatisfy { $0.rank == 0 })
    case .dequantize(let a): return onlyFirst && (a.axis > 0 || shapes.dropFirst().allSatisfy { $0.rank == 0 })
    case .rescale: return zip(variable.indices, variable).allSatisfy { ($0 % 2 == 0 && $0 < variable.count - 1) == $1 }
    case .custom: return false
    }
  }
}
