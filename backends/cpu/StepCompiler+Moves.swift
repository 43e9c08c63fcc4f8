import CCPUKernels
import GraphIR

extension StepCompiler {
  /// Where a result's elements come from: a step in the source for each axis, and where the first lies. In elements.
  struct Source {
    var steps: [Int]
    var first = 0
  }

  /// Row-major steps of a shape; the batch counts as one sample.
  private func rowMajor(_ shape: Shape) -> [Int] {
    var steps = [Int](repeating: 1, count: shape.rank)
    for axis in stride(from: shape.rank - 2, through: 0, by: -1) { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    return steps
  }

  func transpose(_ a: Transpose, _ node: Node) -> Step? {
    let steps = rowMajor(type(node.operands[0]).shape)
    return moved(node, Source(steps: a.order.map { steps[$0] }), "transpose")
  }

  func slice(_ a: Slice, _ node: Node) -> Step? {
    let steps = rowMajor(type(node.operands[0]).shape)
    let first = zip(a.starts, steps).reduce(0) { $0 + $1.0 * $1.1 }
    return moved(node, Source(steps: zip(a.steps, steps).map { $0 * $1 }, first: first), "slice")
  }

  func expand(_ node: Node) -> Step? {
    let (x, y) = (type(node.operands[0]).shape, type(node.results[0]).shape)
    return moved(node, Source(steps: broadcastSteps(x, to: y)), "expand")
  }

  /// Steps that repeat a shape along the axes of a greater one.
  private func broadcastSteps(_ x: Shape, to y: Shape) -> [Int] {
    [Int](repeating: 0, count: y.rank - x.rank) + zip(rowMajor(x), x.dimensions).map { $1 == 1 ? 0 : $0 }
  }

  /// The axes that are copied at once: those of a sample, or all.
  private func axes(_ y: ValueID) -> Range<Int> { (isPerSample(y) ? 1 : 0)..<type(y).shape.rank }

  private func moved(_ node: Node, _ source: Source, _ kernel: String) -> Step? {
    let (x, y) = (node.operands[0], node.results[0])
    let axes = axes(y)
    guard isVariable[Int(x.index)], isPerSample(x) == isPerSample(y), axes.count <= 8 else { return nil }
    let bytes = type(y).element.storageBytes
    let (from, to) = (inner(x, axes.lowerBound) * bytes, inner(y, axes.lowerBound) * bytes)
    let samples = isPerSample(y) ? Extent(count: 1, isPerSample: true) : Extent(count: 1, isPerSample: false)
    let list = packer.pack(axes.map { Int64(type(y).shape[$0]) } + axes.map { Int64(source.steps[$0]) })
    return Step(kernel: kernel) { frame in
      for sample in 0..<samples(frame.samples) {
        bitline_copy_strided(
          Int64(bytes), Int32(axes.count), list.elements(Int64.self), list.elements(Int64.self) + axes.count,
          frame.values[Int(x.index)] + sample * from + source.first * bytes, frame.values[Int(y.index)] + sample * to)
      }
    }
  }

  /// Arithmetic on operands of which one, or each, repeats along some axes: what repeats is written out first.
  func broadcastBinary(_ kernel: bitline_binary_kind, _ node: Node) -> Step? {
    let (y, isa) = (node.results[0], level.isa)
    let parts = node.operands.compactMap { broadcastOperand($0, to: y) }
    guard type(y).element == .float32, parts.count == 2 else { return nil }
    let (a, b, count) = (parts[0], parts[1], parts[0].count)
    let room = (count + 15) / 16 * 16
    let samples = Extent(count: 1, isPerSample: isPerSample(y))
    return Step(kernel: "binary_f32_broadcast", workspaceBytes: { _, _ in 2 * room * 4 }) { frame in
      let workspace = frame.workspace.assumingMemoryBound(to: Float.self)
      for sample in 0..<samples(frame.samples) {
        bitline_binary_f32(
          isa, kernel, Int64(count), 1, 1, 0, a.elements(frame, sample, workspace), b.elements(frame, sample, workspace + room),
          frame.write(y, as: Float.self) + sample * count)
      }
    }
  }

  private func broadcastOperand(_ x: ValueID, to y: ValueID) -> BroadcastOperand? {
    let axes = axes(y)
    let steps = broadcastSteps(type(x).shape, to: type(y).shape)
    guard axes.count <= 8, type(x).element == .float32 else { return nil }
    let count = inner(y, axes.lowerBound)
    let list = packer.pack(axes.map { Int64(type(y).shape[$0]) } + axes.map { Int64(steps[$0]) })
    if isVariable[Int(x.index)] {
      guard isPerSample(x) == isPerSample(y), type(x).shape.rank == type(y).shape.rank else { return nil }
      return BroadcastOperand(
        index: Int(x.index), sampleCount: inner(x, axes.lowerBound), count: count, rank: axes.count, list: list, constant: nil)
    }
    guard let tensor = constant(x), axes.lowerBound == 0 || steps[0] == 0 else { return nil }
    let written = packer.pack(count: count * 4) { written in
      tensor.withElements(Float.self) {
        guard let base = $0.baseAddress else { return }
        bitline_copy_strided(4, Int32(axes.count), list.elements(Int64.self), list.elements(Int64.self) + axes.count, base, written)
      }
    }
    return BroadcastOperand(index: 0, sampleCount: 0, count: count, rank: axes.count, list: list, constant: written)
  }

  func elementary(_ kind: UnaryKind, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let kernel: bitline_elementary
    switch kind {
    case .exp: kernel = BITLINE_ELEMENTARY_EXP
    case .sigmoid: kernel = BITLINE_ELEMENTARY_SIGMOID
    case .tanh: kernel = BITLINE_ELEMENTARY_TANH
    default: return nil
    }
    guard isRead(x, .float32) else { return nil }
    let count = count(x)
    return Step(kernel: "\(kind)_f32") { frame in
      bitline_elementary_f32(isa, kernel, Int64(count(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self))
    }
  }

  func softmax(_ a: AxisAttribute, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let shape = type(x).shape
    guard isRead(x, .float32), a.axis > 0 || !isPerSample(x) else { return nil }
    let (outer, length, inner) = (outer(x, a.axis), Int64(shape[a.axis]), Int64(inner(x, a.axis + 1)))
    return Step(kernel: "softmax_f32") { frame in
      bitline_softmax_f32(
        isa, Int64(outer(frame.samples)), length, inner, frame.read(x, as: Float.self), frame.write(y, as: Float.self))
    }
  }
}

/// One side of arithmetic that may repeat along axes.
private struct BroadcastOperand: Sendable {
  /// The slot, unless it is constant.
  let index: Int
  /// Its elements in a sample, and those of the result.
  let sampleCount: Int
  let count: Int
  let rank: Int
  /// The result's extents, then a step for each.
  let list: PackedBytes
  /// Already written out.
  let constant: PackedBytes?

  func elements(_ frame: borrowing Frame, _ sample: Int, _ room: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
    if let constant { return constant.elements(Float.self) }
    let source = frame.values[index].assumingMemoryBound(to: Float.self) + sample * sampleCount
    if sampleCount == count { return UnsafePointer(source) }
    bitline_copy_strided(4, Int32(rank), list.elements(Int64.self), list.elements(Int64.self) + rank, source, room)
    return UnsafePointer(room)
  }
}
