import Calibration
import GraphIR
import PluginAPI
import ReferenceKernels

extension Pass {
  /// Makes a convolution by points of a matrix product over a sequence with constant weights, so that a transformer's layers are layers to the
  /// passes after this one. The sums are the same.
  ///
  ///     %y = matmul(%x, %w)                    // before; %x: f32[?x64x256], %w: f32[256x10], a constant
  ///
  ///     %t = transpose(%x) {order=[0, 2, 1]}   // after; %v: f32[10x256x1]
  ///     %c = conv(%t, %v)
  ///     %y = transpose(%c) {order=[0, 2, 1]}
  ///
  /// More than one axis between the batch and the last are one while it lasts.
  static let matmulToConv = Pass("matmul-to-conv", "makes convolutions by points of matrix products with constant weights over sequences") {
    graph, _ in
    try graph.rewritten { candidate, new, _ in
      let (operands, origin) = (candidate.operands, candidate.node.origin)
      guard case .matmul = candidate.node.op, new.type(of: operands[0]).element == .float32 else { return nil }
      let (x, w) = (new.type(of: operands[0]).shape, new.type(of: operands[1]).shape)
      guard x.rank >= 3, w.rank == 2, let weights = try pointWeights(operands[1], in: &new) else { return nil }
      let points = x.dimensions[1..<x.rank - 1].reduce(1, *)
      let swap = Op.transpose(Transpose(order: [0, 2, 1]))
      var rows = operands[0]
      if x.rank > 3 { rows = try new.append1(.reshape(Reshape(shape: [x[0], points, w[0]])), [rows], origin: origin) }
      rows = try new.append1(swap, [rows], origin: origin)
      let sums = try new.append1(.conv(Conv(window: Window())), [rows, weights], origin: origin)
      let results = try new.append1(swap, [sums], origin: origin)
      if x.rank == 3 { return [results] }
      let shape = Shape(x.dimensions.dropLast() + [w[1]])
      return [try new.append1(.reshape(Reshape(shape: shape)), [results], origin: origin)]
    }
  }
}

/// Fixed weights `[K, M]` as those of a window of one point, `[M, K, 1]`; codes stay codes. nil where scales are not by column.
private func pointWeights(_ id: ValueID, in graph: inout Graph) throws -> ValueID? {
  func turned(_ tensor: Tensor) throws -> Tensor {
    let turned = try Reference.evaluate(.transpose(Transpose(order: [1, 0])), [tensor])[0]
    return turned.reshaped(Shape(turned.shape.dimensions + [1]))
  }
  if let numbers = graph.constant(id) { return graph.addConstant(try turned(numbers), name: graph[id].name) }
  guard let node = graph.definition(of: id), case .dequantize(var a) = node.op, let codes = graph.constant(node.operands[0]),
    node.operands.dropFirst().allSatisfy({ graph.type(of: $0).shape.rank == 0 || a.axis == 1 })
  else { return nil }
  a.axis = 0
  return try graph.append1(
    .dequantize(a), [graph.addConstant(turned(codes))] + node.operands.dropFirst(), origin: node.origin, name: graph[id].name)
}
