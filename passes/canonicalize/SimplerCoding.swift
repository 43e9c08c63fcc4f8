import GraphIR

/// A quantize or dequantize without a zero point of 0, and with one number where all numbers by channel are the same; nil when it is as
/// simple as can be, or another op.
func simplerCoding(_ op: Op, _ operands: [ValueID], _ graph: inout Graph) -> (op: Op, operands: [ValueID])? {
  switch op {
  case .quantize(var a):
    guard let parameters = simplerParameters(operands, &graph) else { return nil }
    if isScalar(parameters, graph) { a.axis = Quantize().axis }
    return changed(op, operands, .quantize(a), [operands[0]] + parameters)
  case .dequantize(var a):
    guard graph.constant(operands[0]) == nil, let parameters = simplerParameters(operands, &graph) else { return nil }
    if isScalar(parameters, graph) { a.axis = AxisAttribute().axis }
    return changed(op, operands, .dequantize(a), [operands[0]] + parameters)
  default: return nil
  }
}

private func changed(_ op: Op, _ operands: [ValueID], _ newOp: Op, _ newOperands: [ValueID]) -> (op: Op, operands: [ValueID])? {
  op == newOp && operands == newOperands ? nil : (newOp, newOperands)
}

private func isScalar(_ parameters: [ValueID], _ graph: Graph) -> Bool { parameters.allSatisfy { graph.type(of: $0).shape.rank == 0 } }

/// Scale and zero point; nil when one is not constant.
private func simplerParameters(_ operands: [ValueID], _ graph: inout Graph) -> [ValueID]? {
  var result: [ValueID] = []
  for (place, parameter) in operands.enumerated().dropFirst() {
    guard let tensor = graph.constant(parameter) else { return nil }
    if place == 2 && tensor.doubles.allSatisfy({ $0 == 0 }) { continue }
    result.append(uniform(tensor).map { graph.addConstant($0, name: graph[parameter].name) } ?? parameter)
  }
  return result
}

/// The one number that a vector repeats; nil when numbers differ, or it is one number already.
private func uniform(_ tensor: Tensor) -> Tensor? {
  guard tensor.shape.rank == 1, tensor.count > 0 else { return nil }
  let isUniform = tensor.withBytes { bytes in
    let width = tensor.element.storageBytes
    return bytes.indices.allSatisfy { bytes[$0] == bytes[$0 % width] }
  }
  return isUniform ? tensor.slice(batch: 0..<1).reshaped([]) : nil
}
