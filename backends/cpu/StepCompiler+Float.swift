import CCPUKernels
import GraphIR

extension StepCompiler {
  /// The bias operand: its numbers, or nil where there is none; `.none` when it is not constant.
  private func bias(_ node: Node) -> [Float]?? {
    if node.operands.count < 3 { return .some(nil) }
    return constant(node.operands[2]).map { $0.floats }
  }

  func conv(_ a: Conv, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard isRead(x, .float32), let weights = constant(node.operands[1]), let bias = bias(node),
      var shape = shape(
        a.window, input: type(x).shape, kernel: Array(weights.shape.dimensions.dropFirst(2)), output: type(y).shape,
        filters: weights.shape[0],
        groups: a.groups)
    else { return nil }
    let prepare = isOrdered ? bitline_conv_f32_f64_prepare : bitline_conv_f32_prepare
    let bytes = (isOrdered ? bitline_conv_f32_f64_plan_bytes : bitline_conv_f32_plan_bytes)(isa, &shape)
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          prepare(isa, &shape, weights.baseAddress, $0, a.activation.kernelActivation, plan)
        }
      }
    }
    let batch = batch(x)
    if isOrdered {
      return Step(
        kernel: "conv_f32_f64",
        workspaceBytes: { bitline_conv_f32_f64_workspace_bytes(plan.base, Int64(batch($0)), Int32($1)) }, packedBytes: bytes
      ) { frame in
        bitline_conv_f32_f64_run(
          plan.base, Int64(batch(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.workspace, frame.team
        )
      }
    }
    return Step(
      kernel: a.groups > 1 && weights.shape[1] == 1 ? "depthwise_f32" : "conv_f32",
      workspaceBytes: { samples, _ in bitline_conv_f32_workspace_bytes(plan.base, Int64(batch(samples))) }, packedBytes: bytes
    ) { frame in
      bitline_conv_f32_run(
        plan.base, Int64(batch(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.workspace)
    }
  }

  func dense(_ a: Dense, _ node: Node) -> Step? {
    guard isRead(node.operands[0], .float32), let weights = constant(node.operands[1]), let bias = bias(node) else { return nil }
    let (filters, inputs) = (weights.shape[0], weights.shape[1])
    return dense(
      node, rows: batch(node.operands[0]), inputs, filters, weights, strides: (filter: inputs, input: 1), bias, a.activation)
  }

  /// A product with a constant matrix is a dense layer over all rows.
  func matmul(_ node: Node) -> Step? {
    let x = node.operands[0]
    guard isRead(x, .float32), let weights = constant(node.operands[1]), weights.shape.rank == 2 else { return nil }
    let (inputs, filters) = (weights.shape[0], weights.shape[1])
    let rows = outer(x, type(x).shape.rank - 1)
    return dense(node, rows: rows, inputs, filters, weights, strides: (filter: 1, input: filters), nil, .none)
  }

  private func dense(
    _ node: Node, rows: Extent, _ inputs: Int, _ filters: Int, _ weights: Tensor, strides: (filter: Int, input: Int), _ bias: [Float]?,
    _ activation: Activation
  ) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    if roundsToBF16, filters >= Shape.lanes, !wholeNumbers.contains(x) {
      return bf16Dense(node, rows: rows, inputs, filters, weights, strides: strides, bias, activation)
    }
    let prepare = isOrdered ? bitline_dense_f32_f64_prepare : bitline_dense_f32_prepare
    let run = isOrdered ? bitline_dense_f32_f64_run : bitline_dense_f32_run
    let bytes = (isOrdered ? bitline_dense_f32_f64_plan_bytes : bitline_dense_f32_plan_bytes)(isa, Int64(inputs), Int64(filters))
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          prepare(
            isa, Int64(inputs), Int64(filters), weights.baseAddress, Int64(strides.filter), Int64(strides.input), $0,
            activation.kernelActivation, plan)
        }
      }
    }
    return Step(kernel: isOrdered ? "dense_f32_f64" : "dense_f32", packedBytes: bytes) { frame in
      run(plan.base, Int64(rows(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.team)
    }
  }
}

/// Calls `body` with the address of the elements, or with nil.
func withOptional<Element, R>(_ elements: [Element]?, _ body: (UnsafePointer<Element>?) throws -> R) rethrows -> R {
  guard let elements else { return try body(nil) }
  return try elements.withUnsafeBufferPointer { try body($0.baseAddress) }
}
