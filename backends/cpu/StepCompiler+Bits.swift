import CCPUKernels
import GraphIR

extension StepCompiler {
  /// What there are kernels for.
  func choices(_ graph: Graph, usesBits: Bool) -> NodeChoices {
    let variable = zip(graph.nodeIDs, graph.nodes).filter { $1.results.contains { isVariable[Int($0.index)] } }
    return NodeChoices(
      blocked: Set(variable.filter { runsBlocked($1, graph) }.map(\.0)), coded: { runsOnCodes($0, weights: $1) },
      onBits: usesBits ? Set(variable.filter { runsOnBits($1) }.map(\.0)) : [], toSums: { runsToSums($0, weights: $1) })
  }

  /// The most taps along an axis for which every kind of place beside the padding is prepared.
  private static let mostTaps = 16

  /// Whether a window over all places of a value is none too large.
  static func fitsWindow(_ shape: Shape) -> Bool { shape.rank <= 4 && shape.dimensions.dropFirst(2).allSatisfy { $0 <= mostTaps } }

  /// Whether there is a kernel for a node if its codes are bits. With less than sixteen channels a word is nearly empty.
  private func runsOnBits(_ node: Node) -> Bool {
    guard node.operands.count > 1, isRead(node.operands[0], .int8), isConstant(node.operands[1]), type(node.operands[1]).element == .bit,
      case let weights = type(node.operands[1]).shape, weights.rank >= 2, weights[1] >= Shape.lanes,
      node.operands.count < 3 || isOrder(node.operands[2])
    else { return false }
    switch node.op {
    case .binaryDense(let a): return a.readout == .exact
    case .binaryConv(let a):
      guard a.readout == .exact, weights[0] >= Shape.lanes, let shape = convShape(a.window, 1, node, weights) else { return false }
      return max(shape.kernel_height, shape.kernel_width) <= StepCompiler.mostTaps
    default: return false
    }
  }

  /// What runs for a node that makes bits.
  func bitsStep(_ node: Node, _ bits: BitNode) -> Step {
    switch bits {
    case .pack(let crossings): packBits(node, crossings)
    case .layer(let crossings): bitsConv(node, crossings)
    case .pool(let isMinimum): poolBits(node, isMinimum)
    }
  }

  private func packBits(_ node: Node, _ crossings: Crossings<Float>) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let shape = type(x).shape
    let (channels, positions, lanes) = (shape[1], shape.positions, shape.channelBlocks * Shape.lanes)
    let rest = [Float](repeating: .infinity, count: lanes - channels)
    let thresholds = packer.pack(crossings.from + rest + crossings.to + rest)
    var flips = [UInt16](repeating: 0, count: shape.channelBlocks)
    for channel in 0..<channels where !crossings.rises[channel] { flips[channel / Shape.lanes] |= 1 << (channel % Shape.lanes) }
    let packedFlips = packer.pack(flips)
    let batch = batch(x)
    let words = shape.channelWords * positions
    return Step(kernel: "pack_bits_f32", packedBytes: thresholds.bytes.count + packedFlips.bytes.count) { frame in
      for sample in 0..<batch(frame.samples) {
        let fault = bitline_pack_bits_f32(
          isa, Int64(channels), Int64(positions), thresholds.elements(Float.self), thresholds.elements(Float.self) + lanes,
          packedFlips.elements(UInt16.self), frame.read(x, as: Float.self) + sample * lanes * positions,
          frame.write(y, as: UInt64.self) + sample * words)
        if fault != 0 { throw ThirdValue() }
      }
    }
  }

  private func poolBits(_ node: Node, _ isMinimum: [Bool]) -> Step {
    let (x, y) = (node.operands[0], node.results[0])
    let input = type(x).shape
    guard case .pool(let a) = node.op,
      let shape = shape(a.window, input: input, kernel: a.kernel, output: type(y).shape, filters: input[1], groups: 1)
    else { preconditionFailure("a pool of bits has extents of the kernels'") }
    var flips = [UInt64](repeating: 0, count: input.channelWords)
    for (channel, isMinimum) in isMinimum.enumerated() where isMinimum { flips[channel / 64] |= 1 << (channel % 64) }
    let packed = packer.pack(flips)
    let batch = batch(x)
    return Step(kernel: "pool_max_bits", packedBytes: packed.bytes.count) { frame in
      withUnsafePointer(to: shape) {
        bitline_pool_max_bits(
          $0, Int64(batch(frame.samples)), packed.elements(UInt64.self), frame.read(x, as: UInt64.self), frame.write(y, as: UInt64.self))
      }
    }
  }

  /// A binary layer of bits to bits.
  private func bitsConv(_ node: Node, _ crossings: Crossings<Int>) -> Step {
    // Where codes fall, of the sums with their signs turned.
    let least = zip(crossings.to, crossings.rises).map { Int32($1 ? $0 : 1 - $0) }
    let signs = crossings.rises.map { Int8($0 ? 1 : -1) }
    return bitsConv(node, isDense(node) ? "dense_bits" : "conv_bits") { isa, shape, weights in
      packer.pack(count: bitline_conv_bits_plan_bytes(isa, shape, 1)) {
        bitline_conv_bits_prepare(isa, shape, weights, least, signs, $0)
      }
    }
  }

  /// A binary layer of bits with what its sums become.
  func bitsConv(_ node: Node, _ finish: Finish) -> Step {
    guard let m = constant(finish.m)?.floats, let c = constant(finish.c)?.floats else {
      preconditionFailure("a rescale that runs in a convolution has constant factors")
    }
    var ending = finish.kernelFinish
    let name = isDense(node) ? "dense_bits" : "conv_bits"
    return bitsConv(node, finish.quantize == nil ? "\(name)_rescale" : "\(name)_rescale_quantize") { isa, shape, weights in
      packer.pack(count: bitline_conv_bits_plan_bytes(isa, shape, 0)) {
        bitline_conv_bits_prepare_finish(isa, shape, weights, m, c, &ending, $0)
      }
    }
  }

  private func isDense(_ node: Node) -> Bool { if case .binaryDense = node.op { true } else { false } }

  private func bitsConv(
    _ node: Node, _ kernel: String, _ prepare: (bitline_isa, UnsafePointer<bitline_conv_shape>, UnsafePointer<Int8>?) -> PackedBytes
  ) -> Step {
    let (x, y) = (node.operands[0], node.results[0])
    guard let weights = constant(node.operands[1]), var shape = bitsShape(node, weights.shape) else {
      preconditionFailure("a layer of bits has constant weights and extents of the kernels'")
    }
    let plan = weights.withElements(Int8.self) { prepare(level.isa, &shape, $0.baseAddress) }
    let batch = batch(x)
    return Step(
      kernel: kernel, workspaceBytes: { bitline_conv_bits_workspace_bytes(plan.base, Int32($1)) }, packedBytes: plan.bytes.count
    ) { frame in
      bitline_conv_bits_run(
        plan.base, Int64(batch(frame.samples)), frame.read(x, as: UInt64.self), frame.values[Int(y.index)], frame.workspace, frame.team)
    }
  }

  /// The window of a layer of bits; a dense one sees all places.
  private func bitsShape(_ node: Node, _ weights: Shape) -> bitline_conv_shape? {
    if case .binaryConv(let a) = node.op { return convShape(a.window, 1, node, weights) }
    let input = type(node.operands[0]).shape
    let places = [Int](repeating: 1, count: max(0, 4 - input.rank)) + input.dimensions.dropFirst(2)
    let output = Shape([input[0], weights[0], 1, 1])
    return shape(
      Window(), input: Shape([input[0], input[1]] + places), kernel: places, output: output, filters: weights[0], groups: 1)
  }
}
