import CCPUKernels
import GraphIR

extension StepCompiler {
  /// Whether there is a kernel for an integer layer with weights of a shape. What it reads beside codes is of the whole run, not of samples.
  func runsToSums(_ node: Node, weights: Shape) -> Bool {
    let known = node.operands.dropFirst().allSatisfy { !isVariable[Int($0.index)] }
    switch node.op {
    case .matmul: return known && weights.rank == 2 && weights.dimensions.allSatisfy { Int32(exactly: $0) != nil }
    case .dense(let a): return known && a.activation == .none && weights.dimensions.allSatisfy { Int32(exactly: $0) != nil }
    case .conv(let a): return known && a.groups == 1 && a.activation == .none && codedShape(a, node, weights) != nil
    default: return false
    }
  }

  /// What runs for an integer layer that gives sums.
  func sumsStep(_ node: Node, _ sums: SumNode) -> Step {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let signed: Int32 = type(x).element == .int8 ? 1 : 0
    let finish = sumsFinish(node, sums)
    if case .conv(let a) = node.op {
      guard var shape = codedShape(a, node, sums.weights.shape) else {
        preconditionFailure("an integer convolution has extents of the kernels'")
      }
      let plan = packer.pack(count: bitline_conv_sums_i8_plan_bytes(isa, &shape, signed)) { plan in
        sums.weights.withElements(Int8.self) { bitline_conv_sums_i8_prepare(isa, &shape, signed, $0.baseAddress, plan) }
      }
      let batch = batch(x)
      return Step(
        kernel: sums.factors == nil ? "conv_sums_i8" : "conv_sums_i8_rescale",
        workspaceBytes: { bitline_sums_i8_workspace_bytes(plan.base, Int32($1)) }, packedBytes: plan.bytes.count
      ) { frame in
        finish(frame) { zero, finish in
          bitline_conv_sums_i8_run(
            plan.base, Int64(batch(frame.samples)), frame.values[Int(x.index)], zero, finish, frame.values[Int(y.index)], frame.workspace,
            frame.team)
        }
      }
    }
    let rank = type(x).shape.rank
    let rows = outer(x, rank - 1)
    let (inputs, filters) = (Int64(type(x).shape[rank - 1]), Int64(node.filters(sums.weights.shape)))
    let strides: (filter: Int64, input: Int64) = if case .matmul = node.op { (1, filters) } else { (inputs, 1) }
    let many = Int64(rows(expectedSamples))
    let plan = packer.pack(count: bitline_matmul_sums_i8_plan_bytes(isa, inputs, filters, many)) { plan in
      sums.weights.withElements(Int8.self) {
        bitline_matmul_sums_i8_prepare(isa, inputs, filters, many, signed, $0.baseAddress, strides.filter, strides.input, plan)
      }
    }
    return Step(
      kernel: sums.factors == nil ? "matmul_sums_i8" : "matmul_sums_i8_rescale",
      workspaceBytes: { bitline_sums_i8_workspace_bytes(plan.base, Int32($1)) }, packedBytes: plan.bytes.count
    ) { frame in
      finish(frame) { zero, finish in
        bitline_matmul_sums_i8_run(
          plan.base, Int64(rows(frame.samples)), frame.values[Int(x.index)], zero, finish, frame.values[Int(y.index)], frame.workspace,
          frame.team)
      }
    }
  }

  private typealias SumsFinish =
    @Sendable (_ frame: borrowing Frame, _ body: (_ zero: Int32, UnsafePointer<bitline_sums_finish>) -> Void) -> Void

  /// Finds the code of 0 and the factors of a run.
  private func sumsFinish(_ node: Node, _ sums: SumNode) -> SumsFinish {
    let isSigned = type(node.operands[0]).element == .int8
    let bias = sums.bias.map { packer.pack($0) }
    var known: PackedBytes?
    if case .constant(let factors) = sums.factors { known = packer.pack(factors) }
    let factors = known
    let operands = node.operands
    return { frame, body in
      let zero: Int32
      switch sums.zero {
      case .constant(let code): zero = Int32(code)
      case .operand(let place):
        zero = isSigned ? Int32(frame.read(operands[place], as: Int8.self)[0]) : Int32(frame.read(operands[place], as: UInt8.self)[0])
      }
      var finish = bitline_sums_finish()
      if case .operand(let place) = sums.factors { finish.factors = frame.read(operands[place], as: Float.self) }
      if let factors { finish.factors = factors.elements(Float.self) }
      finish.by_filter = sums.hasOneFactor ? 0 : 1
      if let bias { finish.bias = bias.elements(Float.self) }
      body(zero, &finish)
    }
  }

  /// The greatest or the least of all elements.
  func extreme(_ a: Reduce, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard a.kind == .max || a.kind == .min, isRead(x, .float32), a.axes.sorted() == Array(0..<type(x).shape.rank), split == nil
    else { return nil }
    let count = count(x)
    let least: Int32 = a.kind == .min ? 1 : 0
    return Step(kernel: "extreme_f32") { frame in
      frame.write(y, as: Float.self)[0] = bitline_extreme_f32(isa, least, Int64(count(frame.samples)), frame.read(x, as: Float.self))
    }
  }

  /// With one scale, and perhaps one zero point, that are found while running.
  func quantizeByValue(_ a: Quantize, _ node: Node) -> Step? {
    let (x, scale, y, isa) = (node.operands[0], node.operands[1], node.results[0], level.isa)
    guard a.to == .uint8 || a.to == .int8, isRead(x, .float32), isRead(scale, .float32), split == nil else { return nil }
    let zero = node.operands.count == 3 ? node.operands[2] : nil
    guard type(scale).shape.elementCount == 1, zero.map({ isRead($0, a.to) && type($0).shape.elementCount == 1 }) ?? true else {
      return nil
    }
    let count = count(x)
    return Step(kernel: "quantize_f32") { frame in
      var code: Int32 = 0
      if let zero {
        code = a.to == .int8 ? Int32(frame.read(zero, as: Int8.self)[0]) : Int32(frame.read(zero, as: UInt8.self)[0])
      }
      bitline_quantize_f32(
        isa, 1, 1, Int64(count(frame.samples)), frame.read(x, as: Float.self), frame.read(scale, as: Float.self), &code, Int32(a.lo),
        Int32(a.hi), frame.write(y, as: UInt8.self))
    }
  }
}
