import CCPUKernels
import GraphIR

extension StepCompiler {
  /// A convolution of inputs and weights rounded to bf16.
  func bf16Conv(
    _ a: Conv, _ node: Node, _ weights: Tensor, _ bias: [Float]?, _ shape: inout bitline_conv_shape, _ addend: ValueID?
  ) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let plain: Int32 = layout(x) == .plain ? 1 : 0
    let bytes = bitline_conv_blocked_bf16_plan_bytes(isa, &shape, plain)
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          bitline_conv_blocked_bf16_prepare(isa, &shape, plain, weights.baseAddress, $0, a.activation.kernelActivation, plan)
        }
      }
    }
    let batch = batch(x)
    return Step(
      kernel: bf16Name("conv_blocked_bf16") + (addend == nil ? "" : "_add"),
      workspaceBytes: { _, _ in bitline_conv_blocked_bf16_workspace_bytes(plan.base) }, packedBytes: bytes
    ) { frame in
      bitline_conv_blocked_bf16_run(
        plan.base, Int64(batch(frame.samples)), frame.read(x, as: Float.self), addend.map { frame.read($0, as: Float.self) },
        frame.write(y, as: Float.self), frame.workspace, frame.team)
    }
  }

  /// A dense layer of them.
  func bf16Dense(
    _ node: Node, rows: Extent, _ inputs: Int, _ filters: Int, _ weights: Tensor, strides: (filter: Int, input: Int), _ bias: [Float]?,
    _ activation: Activation
  ) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let bytes = bitline_dense_bf16_plan_bytes(isa, Int64(inputs), Int64(filters))
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          bitline_dense_bf16_prepare(
            isa, Int64(inputs), Int64(filters), weights.baseAddress, Int64(strides.filter), Int64(strides.input), $0,
            activation.kernelActivation, plan)
        }
      }
    }
    return Step(
      kernel: bf16Name("dense_bf16"),
      workspaceBytes: { samples, _ in bitline_dense_bf16_workspace_bytes(plan.base, Int64(rows(samples))) }, packedBytes: bytes
    ) { frame in
      bitline_dense_bf16_run(
        plan.base, Int64(rows(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.workspace, frame.team)
    }
  }

  /// Without an instruction for it, the same numbers take more time than f32 would.
  private func bf16Name(_ kernel: String) -> String { bitline_bf16_is_native(level.isa) != 0 ? kernel : "\(kernel)_emulated" }
}
