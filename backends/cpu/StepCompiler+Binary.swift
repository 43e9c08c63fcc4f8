import CCPUKernels
import GraphIR

extension StepCompiler {
  /// What binary layers share: constant weights, and an order and a readout that the kernels take.
  struct BinaryParameters {
    let weights: Tensor
    let order: [Int32]?
    var readout: bitline_readout
  }

  func binaryParameters(_ node: Node, tile: Int, _ readout: Readout) -> BinaryParameters? {
    let element = type(node.operands[0]).element
    guard isVariable[Int(node.operands[0].index)], let weights = constant(node.operands[1]), let tile = Int32(exactly: tile)
    else { return nil }
    var order: [Int32]?
    if node.operands.count == 3 {
      // An order that is none is for the reference kernel to refuse.
      guard let given = constant(node.operands[2])?.elements(Int32.self), given.sorted() == Array(0..<Int32(given.count))
      else { return nil }
      order = given
    }
    var converted = bitline_readout(tile: tile, bits: 0, top: 0, lsb: 0, signed_codes: element == .int8 ? 1 : 0)
    if case .adc(let bits, let lsb, let top) = readout {
      guard (1...22).contains(bits) else { return nil }
      converted.bits = Int32(bits)
      converted.top = Int32(top)
      converted.lsb = lsb
    }
    return BinaryParameters(weights: weights, order: order, readout: converted)
  }

  func binaryConv(_ a: BinaryConv, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard var parameters = binaryParameters(node, tile: a.tile, a.readout) else { return nil }
    let weights = parameters.weights
    guard
      var shape = shape(
        a.window, input: type(x).shape, kernel: Array(weights.shape.dimensions.dropFirst(2)), output: type(y).shape,
        filters: weights.shape[0],
        groups: 1)
    else { return nil }
    let bytes = bitline_conv_binary_plan_bytes(isa, &shape, &parameters.readout)
    let plan = packer.pack(count: bytes) { plan in
      weights.withElements(Int8.self) { weights in
        withOptional(parameters.order) { bitline_conv_binary_prepare(isa, &shape, &parameters.readout, weights.baseAddress, $0, plan) }
      }
    }
    let batch = batch(x)
    return Step(
      kernel: "conv_binary", workspaceBytes: { samples, _ in bitline_conv_binary_workspace_bytes(plan.base, Int64(batch(samples))) },
      packedBytes: bytes
    ) { frame in
      bitline_conv_binary_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.write(y, as: Int32.self), frame.workspace)
    }
  }

  func binaryDense(_ a: BinaryDense, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard var parameters = binaryParameters(node, tile: a.tile, a.readout) else { return nil }
    let (filters, inputs) = (Int64(parameters.weights.shape[0]), Int64(parameters.weights.shape[1]))
    let bytes = bitline_dense_binary_plan_bytes(isa, inputs, filters, &parameters.readout)
    let plan = packer.pack(count: bytes) { plan in
      parameters.weights.withElements(Int8.self) { weights in
        withOptional(parameters.order) {
          bitline_dense_binary_prepare(isa, inputs, filters, &parameters.readout, weights.baseAddress, $0, plan)
        }
      }
    }
    let batch = batch(x)
    return Step(
      kernel: "dense_binary", workspaceBytes: { samples, _ in bitline_dense_binary_workspace_bytes(plan.base, Int64(batch(samples))) },
      packedBytes: bytes
    ) { frame in
      bitline_dense_binary_run(
        plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], frame.write(y, as: Int32.self), frame.workspace)
    }
  }

  func rescale(_ a: Rescale, _ node: Node) -> Step? {
    let (y, isa, bases) = (node.results[0], level.isa, node.operands.count / 2)
    let sums = (0..<bases).map { node.operands[2 * $0] }
    let parameters = (0..<bases).compactMap { constant(node.operands[2 * $0 + 1])?.elements(Float.self) }
    guard parameters.count == bases, sums.allSatisfy({ isRead($0, .int32) }), let offset = constant(node.operands[2 * bases])?.floats
    else { return nil }
    let channels = type(y).shape[1]
    let packed = packer.pack((parameters + [offset]).flatMap { $0 })
    let (outer, inner, activation) = (outer(y, 1), inner(y, 2), a.activation.kernelActivation)
    // The lists of addresses are made in the workspace: sums, then scales.
    let listBytes = 2 * bases * MemoryLayout<UnsafeRawPointer?>.stride
    return Step(kernel: "rescale", workspaceBytes: { _, _ in listBytes }, packedBytes: packed.bytes.count) { frame in
      let sumList = frame.workspace.bindMemory(to: UnsafePointer<Int32>?.self, capacity: bases)
      let scaleList = (frame.workspace + listBytes / 2).bindMemory(to: UnsafePointer<Float>?.self, capacity: bases)
      for base in 0..<bases {
        sumList[base] = frame.read(sums[base], as: Int32.self)
        scaleList[base] = packed.elements(Float.self) + base * channels
      }
      bitline_rescale(
        isa, Int64(outer(frame.samples)), Int64(channels), Int64(inner), Int32(bases), sumList, scaleList,
        packed.elements(Float.self) + bases * channels, activation, frame.write(y, as: Float.self))
    }
  }
}
