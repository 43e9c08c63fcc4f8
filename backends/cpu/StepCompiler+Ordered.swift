import CCPUKernels
import GraphIR

extension StepCompiler {
  /// A layer with sums in f64, in order; nil where only the reference kernel gives the reference's bytes.
  func orderedStep(_ node: Node) -> Step? {
    guard node.operands.count > 1, isRead(node.operands[0], .float32), let weights = constant(node.operands[1]) else { return nil }
    var bias: [Float]?
    if node.operands.count > 2 {
      guard let numbers = constant(node.operands[2])?.floats else { return nil }
      bias = numbers
    }
    switch node.op {
    case .conv(let a): return orderedConv(a, node, weights, bias)
    case .dense(let a):
      let (filters, inputs) = (weights.shape[0], weights.shape[1])
      return orderedDense(
        node, rows: batch(node.operands[0]), inputs, filters, weights, strides: (filter: inputs, input: 1), bias, a.activation)
    case .matmul where weights.shape.rank == 2:
      let (inputs, filters) = (weights.shape[0], weights.shape[1])
      let rows = outer(node.operands[0], type(node.operands[0]).shape.rank - 1)
      return orderedDense(node, rows: rows, inputs, filters, weights, strides: (filter: 1, input: filters), nil, .none)
    default: return nil
    }
  }

  private func orderedConv(_ a: Conv, _ node: Node, _ weights: Tensor, _ bias: [Float]?) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard var shape = convShape(a.window, a.groups, node, weights) else { return nil }
    let bytes = bitline_conv_f32_f64_plan_bytes(isa, &shape)
    let plan = PackedBytes(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          bitline_conv_f32_f64_prepare(isa, &shape, weights.baseAddress, $0, a.activation.kernelActivation, plan)
        }
      }
    }
    let batch = batch(x)
    let workspace = bitline_conv_f32_f64_workspace_bytes(plan.base)
    return Step(kernel: "conv_f32_f64", workspaceBytes: { _, _ in workspace }, packedBytes: bytes) { frame in
      bitline_conv_f32_f64_run(
        plan.base, Int64(batch(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.workspace)
    }
  }

  private func orderedDense(
    _ node: Node, rows: Extent, _ inputs: Int, _ filters: Int, _ weights: Tensor, strides: (filter: Int, input: Int), _ bias: [Float]?,
    _ activation: Activation
  ) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let bytes = bitline_dense_f32_f64_plan_bytes(isa, Int64(inputs), Int64(filters))
    let plan = PackedBytes(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          bitline_dense_f32_f64_prepare(
            isa, Int64(inputs), Int64(filters), weights.baseAddress, Int64(strides.filter), Int64(strides.input), $0,
            activation.kernelActivation, plan)
        }
      }
    }
    return Step(kernel: "dense_f32_f64", packedBytes: bytes) { frame in
      bitline_dense_f32_f64_run(plan.base, Int64(rows(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self))
    }
  }
}
