import GraphIR

/// Weights with each filter multiplied by its number, in f64 and rounded once: a constant, `dequantize` of constants with another scale, or
/// a sum of such. Nil when the weights are anything else, or a product is not finite.
func scaleFilters(_ weights: ValueID, by factors: [Double], origin: String, _ graph: inout Graph) throws -> ValueID? {
  if let tensor = graph.constant(weights) {
    return scaled(tensor, by: factors).map { graph.addConstant($0, name: graph[weights].name) }
  }
  guard let node = graph.definition(of: weights) else { return nil }
  let name = graph[weights].name
  switch node.op {
  case .binary(.add):
    guard node.operands.allSatisfy({ graph.type(of: $0) == graph.type(of: weights) }),
      let a = try scaleFilters(node.operands[0], by: factors, origin: origin, &graph),
      let b = try scaleFilters(node.operands[1], by: factors, origin: origin, &graph)
    else { return nil }
    return try graph.append1(node.op, [a, b], origin: node.origin, name: name)
  case .dequantize(let a):
    guard let (codes, scale) = scaledCodes(node, axis: a.axis, by: factors, graph) else { return nil }
    let codesID =
      codes == graph.constant(node.operands[0]) ? node.operands[0] : graph.addConstant(codes, name: graph[node.operands[0]].name)
    let scaleID = graph.addConstant(scale, name: graph[node.operands[1]].name)
    let zero = node.operands.dropFirst(2)
    return try graph.append1(.dequantize(AxisAttribute(axis: 0)), [codesID, scaleID] + zero, origin: node.origin, name: name)
  default: return nil
  }
}

/// Rows along axis 0 times their factors.
private func scaled(_ tensor: Tensor, by factors: [Double]) -> Tensor? {
  guard tensor.element == .float32, tensor.shape.rank > 0, tensor.shape[0] == factors.count else { return nil }
  let row = tensor.count / max(factors.count, 1)
  let products = tensor.floats.enumerated().map { Float(Double($1) * factors[$0 / max(row, 1)]) }
  return products.allSatisfy(\.isFinite) ? Tensor(.float32, tensor.shape, products) : nil
}

/// Codes and scales of a constant `dequantize`, one scale for each filter, times the factors.
private func scaledCodes(_ node: Node, axis: Int, by factors: [Double], _ graph: Graph) -> (codes: Tensor, scale: Tensor)? {
  guard let codes = graph.constant(node.operands[0]), let scale = graph.constant(node.operands[1]), scale.element == .float32,
    node.operands.dropFirst().allSatisfy({ axis == 0 || graph.type(of: $0).shape.rank == 0 })
  else { return nil }
  let perFilter = scale.shape.rank == 0 ? [Float](repeating: scale.floats[0], count: factors.count) : scale.floats
  guard codes.element == .bit else { return scaled(.vector(perFilter), by: factors).map { (codes, $0) } }
  guard let magnitudes = scaled(.vector(perFilter), by: factors.map(\.magnitude)) else { return nil }
  return factors.contains { $0 < 0 } ? (flipped(codes, where: factors.map { $0 < 0 }), magnitudes) : (codes, magnitudes)
}

/// Bits with the sign of whole rows turned.
private func flipped(_ bits: Tensor, where isTurned: [Bool]) -> Tensor {
  let row = bits.count / max(isTurned.count, 1)
  return Tensor(.bit, bits.shape, bits.elements(Int8.self).enumerated().map { isTurned[$0 / max(row, 1)] ? -$1 : $1 })
}
