import CCPUKernels
import GraphIR

extension StepCompiler {
  /// Whether a node may run on values in blocks of channels; a convolution that may, should.
  func runsBlocked(_ node: Node, _ graph: Graph) -> Bool {
    if isOrdered && isInexact(node) { return false }
    switch node.op {
    case .conv(let a):
      guard isRead(node.operands[0], .float32), node.operands.dropFirst().allSatisfy(isConstant),
        let shape = convShape(a.window, a.groups, node, type(node.operands[1]).shape)
      else { return false }
      let isDepthwise = shape.groups == shape.channels && shape.filters == shape.channels && Int(shape.channels) >= Shape.lanes
      return isDepthwise || (a.groups == 1 && isWide(shape))
    case .binaryConv(let a): return runsBlocked(a, node, graph)
    case .pool(let a):
      let element = type(node.operands[0]).element
      let shape = shape(
        a.window, input: type(node.operands[0]).shape, kernel: a.kernel, output: type(node.results[0]).shape, filters: 1, groups: 1)
      return shape != nil && (element == .float32 || (a.kind == .max && (element == .uint8 || element == .int8)))
    case .quantize(let a):
      let constants = node.operands.dropFirst().map { constant($0) }
      return (a.to == .uint8 || a.to == .int8) && isRead(node.operands[0], .float32) && constants.count == 1
        && constants[0]?.count == 1 && constants[0]?.element == .float32
    case .reduce(let a): return a.isMeanOfPlanes
    default: return false
    }
  }

  /// Exact sums, which are the same in any order, and sums of readouts where they can be looked up.
  private func runsBlocked(_ a: BinaryConv, _ node: Node, _ graph: Graph) -> Bool {
    let element = type(node.operands[0]).element
    guard level.isa != BITLINE_ISA_PORTABLE, isVariable[Int(node.operands[0].index)], element == .uint8 || element == .int8,
      isConstant(node.operands[1]), case let weights = type(node.operands[1]).shape, weights[1] >= Shape.lanes,
      node.operands.count < 3 || isOrder(node.operands[2]), var shape = convShape(a.window, 1, node, weights), isWide(shape)
    else { return false }
    guard a.readout != .exact else { return true }
    // Tables are made for all filters, and a tile of four tables of sixteen inputs ends in registers: with fewer filters or shorter tiles,
    // multiplying is as fast (measured).
    guard weights[0] > 2 * Shape.lanes, a.tile == 0 || a.tile > 48, var parameters = binaryParameters(node, tile: a.tile, a.readout) else {
      return false
    }
    let codes = Fusions.codes(node.operands[0], graph)
    return bitline_conv_lookup_takes(level.isa, &shape, &parameters.readout, Int32(codes.lowerBound), Int32(codes.upperBound)) != 0
  }

  func isOrder(_ id: ValueID) -> Bool {
    guard let order = constant(id)?.elements(Int32.self) else { return false }
    return order.sorted() == Array(0..<Int32(order.count))
  }

  /// Positions side by side share weights: one row of them, or all where the window is a point.
  private func isWide(_ shape: bitline_conv_shape) -> Bool {
    let isPoint = shape.kernel_height == 1 && shape.kernel_width == 1
    return Int(shape.filters) >= Shape.lanes && (isPoint ? Int(shape.out_height * shape.out_width) : Int(shape.out_width)) >= 4
  }

  func convShape(_ window: Window, _ groups: Int, _ node: Node, _ weights: Shape) -> bitline_conv_shape? {
    shape(
      window, input: type(node.operands[0]).shape, kernel: Array(weights.dimensions.dropFirst(2)), output: type(node.results[0]).shape,
      filters: weights[0], groups: groups)
  }

  /// A binary convolution with what its sums become.
  func codesConv(_ node: Node, _ finish: Finish) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard case .binaryConv(let a) = node.op, let weights = constant(node.operands[1]), let m = constant(finish.m)?.floats,
      let c = constant(finish.c)?.floats, var shape = convShape(a.window, 1, node, weights.shape)
    else { return nil }
    var ending = finish.kernelFinish
    let (lo, hi) = (Int32(finish.codes.lowerBound), Int32(finish.codes.upperBound))
    let samples = Int64(expectedSamples)
    if a.readout != .exact || bitline_conv_lookup_pays(isa, &shape, lo, hi, samples) != 0 {
      return lookupConv(a, node, finish, m, c, &shape)
    }
    let bytes = bitline_conv_codes_plan_bytes(isa, &shape, lo, hi, samples)
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Int8.self) { weights in
        bitline_conv_codes_prepare(isa, &shape, lo, hi, samples, weights.baseAddress, m, c, &ending, plan)
      }
    }
    let batch = batch(x)
    let way = bitline_conv_codes_winograd_tile(plan.base) > 0 ? "conv_codes_winograd_2x2" : "conv_codes"
    return Step(
      kernel: finish.quantize == nil ? "\(way)_rescale" : "\(way)_rescale_quantize",
      workspaceBytes: { bitline_conv_codes_workspace_bytes(plan.base, Int64(batch($0)), Int32($1)) }, packedBytes: bytes
    ) { frame in
      bitline_conv_codes_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.values[Int(y.index)], frame.workspace, frame.team)
    }
  }

  /// The same, by sums that are looked up, perhaps with a readout behind each tile.
  private func lookupConv(
    _ a: BinaryConv, _ node: Node, _ finish: Finish, _ m: [Float], _ c: [Float], _ shape: inout bitline_conv_shape
  ) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard var parameters = binaryParameters(node, tile: a.tile, a.readout) else { return nil }
    var ending = finish.kernelFinish
    let (lo, hi) = (Int32(finish.codes.lowerBound), Int32(finish.codes.upperBound))
    let plan = withOptional(parameters.order) { order in
      packer.pack(count: bitline_conv_lookup_plan_bytes(isa, &shape, &parameters.readout, lo, order)) { plan in
        parameters.weights.withElements(Int8.self) { weights in
          bitline_conv_lookup_prepare(isa, &shape, &parameters.readout, lo, hi, weights.baseAddress, order, m, c, &ending, plan)
        }
      }
    }
    let batch = batch(x)
    return Step(
      kernel: finish.quantize == nil ? "conv_lookup_rescale" : "conv_lookup_rescale_quantize",
      workspaceBytes: { bitline_conv_lookup_workspace_bytes(plan.base, Int32($1)) }, packedBytes: plan.bytes.count
    ) { frame in
      bitline_conv_lookup_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.values[Int(y.index)], frame.workspace, frame.team)
    }
  }

  func blockedConv(_ a: Conv, _ node: Node, addend: ValueID?) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard let weights = constant(node.operands[1]), var shape = convShape(a.window, a.groups, node, weights.shape) else { return nil }
    let bias = node.operands.count < 3 ? nil : constant(node.operands[2])?.floats
    if a.groups > 1 { return blockedDepthwise(a, node, weights, bias, &shape) }
    let plain: Int32 = layout(x) == .plain ? 1 : 0
    // The op's tolerance is a part of the greatest result, and Winograd's error one of the greatest sum: clipping sets them apart.
    var isExact: Int32 = exact || wholeNumbers.contains(x) ? 1 : 0
    if case .clip = a.activation { isExact = 1 }
    let samples = Int64(expectedSamples)
    if roundsToBF16, !wholeNumbers.contains(x), bitline_conv_blocked_bf16_is_faster(&shape, plain, samples, isExact) != 0 {
      return bf16Conv(a, node, weights, bias, &shape, addend)
    }
    let bytes = bitline_conv_blocked_f32_plan_bytes(isa, &shape, plain, samples, isExact)
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          bitline_conv_blocked_f32_prepare(
            isa, &shape, plain, samples, isExact, weights.baseAddress, $0, a.activation.kernelActivation, plan)
        }
      }
    }
    let (rows, columns) = (bitline_conv_blocked_f32_winograd_rows(plan.base), bitline_conv_blocked_f32_winograd_columns(plan.base))
    let name = rows == 0 ? "conv_blocked_f32" : "conv_winograd_f32_\(rows)x\(columns)"
    let batch = batch(x)
    return Step(
      kernel: addend == nil ? name : "\(name)_add",
      workspaceBytes: { bitline_conv_blocked_f32_workspace_bytes(plan.base, Int64(batch($0)), Int32($1)) }, packedBytes: bytes
    ) { frame in
      bitline_conv_blocked_f32_run(
        plan.base, Int64(batch(frame.samples)), frame.read(x, as: Float.self), addend.map { frame.read($0, as: Float.self) },
        frame.write(y, as: Float.self), frame.workspace, frame.team)
    }
  }

  private func blockedDepthwise(_ a: Conv, _ node: Node, _ weights: Tensor, _ bias: [Float]?, _ shape: inout bitline_conv_shape) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let bytes = bitline_depthwise_blocked_f32_plan_bytes(isa, &shape)
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Float.self) { weights in
        withOptional(bias) {
          bitline_depthwise_blocked_f32_prepare(isa, &shape, weights.baseAddress, $0, a.activation.kernelActivation, plan)
        }
      }
    }
    let batch = batch(x)
    return Step(kernel: "depthwise_blocked_f32", packedBytes: bytes) { frame in
      bitline_depthwise_blocked_f32_run(
        plan.base, Int64(batch(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.team)
    }
  }

  /// Brings a value into another layout.
  func conversion(_ node: Node) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let shape = type(x).shape
    let batch = batch(x)
    let (channels, positions) = (Int64(shape[1]), Int64(shape.positions))
    let (plainCount, blockedCount) = (shape[1] * shape.positions, shape.channelBlocks * Shape.lanes * shape.positions)
    let blocks = layout(y) == .blocked
    if type(x).element.storageBytes == 1 {
      return Step(kernel: blocks ? "block_channels_u8" : "unblock_channels_u8") { frame in
        for sample in 0..<batch(frame.samples) {
          let (source, result) = (frame.read(x, as: UInt8.self), frame.write(y, as: UInt8.self))
          if blocks {
            bitline_block_channels_u8(channels, positions, source + sample * plainCount, result + sample * blockedCount)
          } else {
            bitline_unblock_channels_u8(channels, positions, source + sample * blockedCount, result + sample * plainCount)
          }
        }
      }
    }
    return Step(kernel: blocks ? "block_channels_f32" : "unblock_channels_f32") { frame in
      for sample in 0..<batch(frame.samples) {
        if blocks {
          bitline_block_channels_f32(
            isa, channels, positions, frame.read(x, as: Float.self) + sample * plainCount,
            frame.write(y, as: Float.self) + sample * blockedCount)
        } else {
          bitline_unblock_channels_f32(
            isa, channels, positions, frame.read(x, as: Float.self) + sample * blockedCount,
            frame.write(y, as: Float.self) + sample * plainCount)
        }
      }
    }
  }

  /// Pooling over a value in blocks.
  func blockedPool(_ a: Pool, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let input = type(x).shape
    guard let shape = shape(a.window, input: input, kernel: a.kernel, output: type(y).shape, filters: input[1], groups: 1) else {
      return nil
    }
    let (batch, blocks) = (batch(x), input.channelBlocks)
    let element = type(x).element
    switch a.kind {
    case .max where element != .float32:
      return Step(kernel: "pool_max_blocked_u8") { frame in
        withUnsafePointer(to: shape) {
          bitline_pool_max_blocked_u8(
            isa, $0, element == .int8 ? 1 : 0, Int64(batch(frame.samples) * blocks), frame.read(x, as: UInt8.self),
            frame.write(y, as: UInt8.self))
        }
      }
    case .max:
      return Step(kernel: "pool_max_blocked_f32") { frame in
        withUnsafePointer(to: shape) {
          bitline_pool_max_blocked_f32(
            isa, $0, Int64(batch(frame.samples) * blocks), frame.read(x, as: Float.self), frame.write(y, as: Float.self), frame.team)
        }
      }
    case .average:
      let last = a.kernel.count - 1
      guard let right = Int32(exactly: a.window.padAfter(last)), let bottom = Int32(exactly: last == 0 ? 0 : a.window.padAfter(0))
      else { return nil }
      return Step(kernel: "pool_average_blocked_f32") { frame in
        withUnsafePointer(to: shape) {
          bitline_pool_average_blocked_f32(
            isa, $0, a.countPadding ? 1 : 0, bottom, right, Int64(batch(frame.samples) * blocks), frame.read(x, as: Float.self),
            frame.write(y, as: Float.self))
        }
      }
    }
  }

  /// The mean of each plane of a value in blocks, to a plain value.
  func blockedMean(_ node: Node) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let input = type(x).shape
    let (batch, blocks, positions) = (batch(x), input.channelBlocks, Int32(input.positions))
    let shape = bitline_conv_shape(
      channels: 1, height: 1, width: positions, filters: 1, groups: 1, kernel_height: 1, kernel_width: positions, stride_height: 1,
      stride_width: 1, dilation_height: 1, dilation_width: 1, pad_top: 0, pad_left: 0, out_height: 1, out_width: 1)
    return Step(kernel: "pool_average_blocked_f32") { frame in
      withUnsafePointer(to: shape) {
        bitline_pool_average_blocked_f32(
          isa, $0, 0, 0, 0, Int64(batch(frame.samples) * blocks), frame.read(x, as: Float.self), frame.write(y, as: Float.self))
      }
    }
  }
}

extension Finish {
  var kernelFinish: bitline_finish {
    let activation = activation.kernelActivation
    guard let (quantize, scale) = quantize else { return bitline_finish(activation: activation, quantizes: 0, scale: 1, lo: 0, hi: 0) }
    return bitline_finish(activation: activation, quantizes: 1, scale: scale, lo: Int32(quantize.lo), hi: Int32(quantize.hi))
  }
}
