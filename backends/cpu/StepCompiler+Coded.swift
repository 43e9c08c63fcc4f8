import CCPUKernels
import GraphIR

extension StepCompiler {
  /// Whether there is a kernel for a convolution or dense layer of codes with weights of a shape.
  func runsOnCodes(_ node: Node, weights: Shape) -> Bool {
    switch node.op {
    case .dense: return weights.rank == 2
    case .conv(let a):
      guard let shape = codedShape(a, node, weights) else { return false }
      return a.groups == 1 || isDepthwise(shape)
    default: return false
    }
  }

  /// What runs for a node that computes on codes.
  func codedStep(_ node: Node, _ coded: CodedNode) -> Step {
    switch coded.kind {
    case .sum(let other): codedSum(node, coded, other)
    case .mean: codedMean(node, coded)
    case .layer(let layer):
      switch node.op {
      case .conv(let a): codedConv(a, node, coded, layer)
      default: codedDense(node, coded, layer)
      }
    }
  }

  func codedShape(_ a: Conv, _ node: Node, _ weights: Shape) -> bitline_conv_shape? {
    shape(
      a.window, input: type(node.operands[0]).shape, kernel: Array(weights.dimensions.dropFirst(2)), output: type(node.results[0]).shape,
      filters: weights[0], groups: a.groups)
  }

  private func isDepthwise(_ shape: bitline_conv_shape) -> Bool {
    shape.groups == shape.channels && shape.filters == shape.channels && shape.groups > 1
  }

  /// Calls `body` with the layer as kernels take it.
  private func withLayer<R>(_ coded: CodedNode, _ layer: CodedLayer, _ body: (inout bitline_int8_layer) -> R) -> R {
    layer.weights.withElements(Int8.self) { weights in
      layer.scales.withUnsafeBufferPointer { scales in
        withOptional(layer.bias) { bias in
          withOptional(layer.factors) { factors in
            var layer = bitline_int8_layer(
              from: coded.from.kernelCoding, to: coded.to.kernelCoding, lo: Int32(coded.codes.lowerBound),
              hi: Int32(coded.codes.upperBound), weights: weights.baseAddress, scales: scales.baseAddress, bias: bias, factors: factors)
            return body(&layer)
          }
        }
      }
    }
  }

  private func codedConv(_ a: Conv, _ node: Node, _ coded: CodedNode, _ layer: CodedLayer) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard var shape = codedShape(a, node, layer.weights.shape) else {
      preconditionFailure("a coded convolution has extents of the kernels'")
    }
    if isDepthwise(shape) { return codedDepthwise(node, coded, layer, &shape) }
    let plain: Int32 = layout(x) == .plain ? 1 : 0
    let samples = Int64(expectedSamples)
    let plan = withLayer(coded, layer) { layer in
      packer.pack(count: bitline_conv_i8_plan_bytes(isa, &shape, &layer, plain, samples, 0)) {
        bitline_conv_i8_prepare(isa, &shape, &layer, plain, samples, 0, $0)
      }
    }
    let tile = bitline_conv_i8_winograd_tile(plan.base)
    let batch = batch(x)
    return Step(
      kernel: tile == 0 ? "conv_i8" : "conv_i8_winograd_\(tile)x\(tile)",
      workspaceBytes: { bitline_conv_i8_workspace_bytes(plan.base, Int64(batch($0)), Int32($1)) }, packedBytes: plan.bytes.count
    ) { frame in
      bitline_conv_i8_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.values[Int(y.index)], frame.workspace, frame.team)
    }
  }

  private func codedDepthwise(_ node: Node, _ coded: CodedNode, _ layer: CodedLayer, _ shape: inout bitline_conv_shape) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let plan = withLayer(coded, layer) { layer in
      packer.pack(count: bitline_depthwise_i8_plan_bytes(isa, &shape)) { bitline_depthwise_i8_prepare(isa, &shape, &layer, $0) }
    }
    let batch = batch(x)
    return Step(
      kernel: "depthwise_i8", workspaceBytes: { bitline_depthwise_i8_workspace_bytes(plan.base, Int32($1)) },
      packedBytes: plan.bytes.count
    ) { frame in
      bitline_depthwise_i8_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.values[Int(y.index)], frame.workspace, frame.team)
    }
  }

  private func codedDense(_ node: Node, _ coded: CodedNode, _ layer: CodedLayer) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let (filters, inputs) = (Int64(layer.weights.shape[0]), Int64(layer.weights.shape[1]))
    let plan = withLayer(coded, layer) { layer in
      packer.pack(count: bitline_dense_i8_plan_bytes(isa, inputs, filters)) { bitline_dense_i8_prepare(isa, inputs, filters, &layer, $0) }
    }
    let batch = batch(x)
    return Step(
      kernel: "dense_i8", workspaceBytes: { samples, _ in bitline_dense_i8_workspace_bytes(plan.base, Int64(batch(samples))) },
      packedBytes: plan.bytes.count
    ) { frame in
      bitline_dense_i8_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.values[Int(y.index)], frame.workspace)
    }
  }

  private func codedSum(_ node: Node, _ coded: CodedNode, _ other: Coding) -> Step {
    let (a, b, y, isa) = (node.operands[0], node.operands[1], node.results[0], level.isa)
    let plan = bitline_add_codes_plan(
      a: coded.from.kernelCoding, b: other.kernelCoding, to: coded.to.kernelCoding, lo: Int32(coded.codes.lowerBound),
      hi: Int32(coded.codes.upperBound))
    let count = count(y)
    return Step(kernel: "add_codes") { frame in
      withUnsafePointer(to: plan) {
        bitline_add_codes(
          isa, $0, Int64(count(frame.samples)), frame.values[Int(a.index)], frame.values[Int(b.index)], frame.values[Int(y.index)],
          frame.team)
      }
    }
  }

  private func codedMean(_ node: Node, _ coded: CodedNode) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let plan = bitline_mean_codes_plan(
      from: coded.from.kernelCoding, to: coded.to.kernelCoding, lo: Int32(coded.codes.lowerBound), hi: Int32(coded.codes.upperBound))
    let (batch, blocks, positions) = (batch(x), type(x).shape.channelBlocks, Int64(type(x).shape.positions))
    return Step(kernel: "mean_codes") { frame in
      withUnsafePointer(to: plan) {
        bitline_mean_codes_blocked(
          isa, $0, Int64(batch(frame.samples) * blocks), positions, frame.values[Int(x.index)], frame.values[Int(y.index)])
      }
    }
  }
}

extension Coding {
  var kernelCoding: bitline_coding { bitline_coding(scale: scale, zero: Int32(zero), is_signed: element == .int8 ? 1 : 0) }
}
