import GraphIR
import ReferenceKernels

extension StepCompiler {
  /// A node run by its reference kernel: operands are copied out of the arena, results into it.
  func reference(_ node: Node) -> Step {
    let op = unbound(node)
    let operands = node.operands.map { id in (id: id, type: type(id), constant: constant(id), isPerSample: isPerSample(id)) }
    let results = node.results
    return Step(kernel: "reference") { current in
      let tensors = operands.map { operand -> Tensor in
        if let constant = operand.constant { return constant }
        var shape = operand.type.shape
        if operand.isPerSample { shape[0] = current.samples }
        return Tensor(operand.type.element, shape) { bytes in
          bytes.copyMemory(from: UnsafeRawBufferPointer(start: current.values[Int(operand.id.index)], count: bytes.count))
        }
      }
      for (id, tensor) in zip(results, try Reference.evaluate(op, tensors)) {
        tensor.withBytes { bytes in
          if let base = bytes.baseAddress { current.values[Int(id.index)].copyMemory(from: base, byteCount: bytes.count) }
        }
      }
    }
  }

  /// The op with the batch in its attributes free, so that it takes any part of it.
  private func unbound(_ node: Node) -> Op {
    guard isPerSample(node.results[0]) else { return node.op }
    switch node.op {
    case .reshape(var a):
      a.shape[0] = Shape.free
      return .reshape(a)
    case .expand(var a):
      a.shape[0] = Shape.free
      return .expand(a)
    case .slice(var a):
      a.extents[0] = Shape.free
      return .slice(a)
    case .unary, .binary, .select, .clip, .cast, .conv, .dense, .matmul, .pool, .reduce, .softmax, .cumulate, .topK, .transpose, .concat,
      .pad, .gather, .scatter, .quantize, .dequantize, .binaryConv, .binaryDense, .rescale, .custom:
      return node.op
    }
  }
}
