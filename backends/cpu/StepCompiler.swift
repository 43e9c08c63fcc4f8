import CCPUKernels
import GraphIR
import ReferenceKernels

/// Chooses and prepares the kernel of each node. A node that no kernel takes runs by its reference kernel.
struct StepCompiler {
  let level: InstructionLevel
  /// Whether sums must be computed as they are written, without transforms.
  let exact: Bool
  /// Whether inputs and weights of float layers are rounded to bf16 where that is faster.
  let roundsToBF16: Bool
  /// Whether floating-point results are the reference's bytes: sums in f64, in its order.
  let isOrdered: Bool
  let split: BatchSplit?
  let packer: Packer
  let constants: Constants
  /// By slot: type, layout, and whether it depends on an input.
  var types: [TensorType]
  var layouts: [ValueLayout]
  var isVariable: [Bool]
  /// Floating-point values that hold whole numbers, as codes do that are cast: their sums are exact as written, and a cast or a rounding behind them
  /// takes the least error of a transform for a whole step.
  var wholeNumbers: Set<ValueID> = []

  /// Follows whole numbers from the casts that make them through the nodes that only move them.
  mutating func findWholeNumbers(_ nodes: [PlannedNode]) {
    for planned in nodes {
      let node = planned.node
      let isWhole: Bool =
        switch node.op {
        case _ where planned.isConversion: wholeNumbers.contains(node.operands[0])
        case .cast: type(node.operands[0]).element.isInteger
        case .reshape, .transpose, .slice: wholeNumbers.contains(node.operands[0])
        default: false
        }
      if isWhole { wholeNumbers.insert(node.results[0]) }
    }
  }

  func step(for planned: PlannedNode) -> Step {
    let node = planned.node
    if planned.isConversion { return conversion(node) }
    if let coded = planned.coded { return codedStep(node, coded) }
    if let sums = planned.sums { return sumsStep(node, sums) }
    if let bits = planned.bits { return bitsStep(node, bits) }
    if let finish = planned.finish, planned.readsBits { return bitsConv(node, finish) }
    if isOrdered && isInexact(node) && !node.op.isSummedInOrder { return reference(node) }
    if let finish = planned.finish, let step = codesConv(node, finish) { return step }
    if layout(node.results[0]) == .blocked, case .pool(let a) = node.op, let step = blockedPool(a, node) { return step }
    if layout(node.results[0]) == .blocked, case .conv(let a) = node.op, let step = blockedConv(a, node, addend: planned.addend) {
      return step
    }
    if layout(node.operands[0]) == .blocked, case .reduce = node.op { return blockedMean(node) }
    let step: Step? =
      switch node.op {
      case .conv(let a): conv(a, node)
      case .dense(let a): dense(a, node)
      case .matmul: matmul(node)
      case .binaryConv(let a): binaryConv(a, node)
      case .binaryDense(let a): binaryDense(a, node)
      case .rescale(let a): rescale(a, node)
      case .quantize(let a): quantize(a, node) ?? quantizeByValue(a, node)
      case .dequantize(let a): dequantize(a, node)
      case .pool(let a): pool(a, node)
      case .reduce(let a): mean(a, node) ?? extreme(a, node)
      case .unary(.relu): activation(.relu, node)
      case .clip(let a): activation(.clip(a.lo, a.hi), node)
      case .binary(let kind): binary(kind, node)
      case .concat(let a): concat(a, node)
      case .unary(let kind): elementary(kind, node)
      case .softmax(let a): softmax(a, node)
      case .transpose(let a): transpose(a, node)
      case .slice(let a): slice(a, node)
      case .expand: expand(node)
      case .select, .cast, .cumulate, .topK, .reshape, .pad, .gather, .scatter, .custom: nil
      }
    return step ?? reference(node)
  }

  /// Whether a kernel may differ from the reference by more than the sign of a zero.
  func isInexact(_ node: Node) -> Bool {
    switch node.op.tolerance(for: node.operands.map(type)) {
    case .exact, .ulps(0): false
    default: true
    }
  }

  func constant(_ id: ValueID) -> Tensor? { constants[Int(id.index)] }

  func isConstant(_ id: ValueID) -> Bool { !isVariable[Int(id.index)] }

  func type(_ id: ValueID) -> TensorType { types[Int(id.index)] }

  func layout(_ id: ValueID) -> ValueLayout { layouts[Int(id.index)] }

  /// How many samples run together as a rule.
  var expectedSamples: Int { split.map { $0.extent.map { min($0, 8) } ?? 1 } ?? 1 }

  /// Dimension 0 of a value.
  func batch(_ id: ValueID) -> Extent {
    let shape = type(id).shape
    return isPerSample(id) ? Extent(count: 1, isPerSample: true) : Extent(count: shape[0], isPerSample: false)
  }

  /// The product of dimensions `0..<axis` of a value.
  func outer(_ id: ValueID, _ axis: Int) -> Extent {
    let shape = type(id).shape
    if axis == 0 { return Extent(count: 1, isPerSample: false) }
    let rest = shape.dimensions[1..<axis].reduce(1, *)
    return isPerSample(id) ? Extent(count: rest, isPerSample: true) : Extent(count: shape[0] * rest, isPerSample: false)
  }

  /// The product of a value's dimensions from `axis` on; `axis` is not 0 where the batch is.
  func inner(_ id: ValueID, _ axis: Int) -> Int { type(id).shape.dimensions[axis...].reduce(1, *) }

  /// The number of a value's elements, with those that fill up blocks.
  func count(_ id: ValueID) -> Extent {
    if layout(id) == .plain { return outer(id, type(id).shape.rank) }
    let blocks = Extent(count: type(id).shape.channelBlocks * Shape.lanes * type(id).shape.positions, isPerSample: true)
    return isPerSample(id) ? blocks : Extent(count: blocks.count * type(id).shape[0], isPerSample: false)
  }

  /// Whether dimension 0 of a value is the batch.
  func isPerSample(_ id: ValueID) -> Bool { isVariable[Int(id.index)] && (split != nil || type(id).shape.hasFreeBatch) }

  /// Whether a value is computed while running and has elements of a type.
  func isRead(_ id: ValueID, _ element: DataType) -> Bool { isVariable[Int(id.index)] && type(id).element == element }
}

extension Op {
  /// Whether kernels with sums in f64 give the reference's bytes.
  fileprivate var isSummedInOrder: Bool {
    switch self {
    case .conv, .dense, .matmul: true
    default: false
    }
  }
}

extension Activation {
  var kernelActivation: bitline_activation {
    switch self {
    case .none: bitline_activation(kind: BITLINE_ACTIVATION_NONE, lo: 0, hi: 0)
    case .relu: bitline_activation(kind: BITLINE_ACTIVATION_RELU, lo: 0, hi: 0)
    case .clip(let lo, let hi): bitline_activation(kind: BITLINE_ACTIVATION_CLIP, lo: lo, hi: hi)
    }
  }
}
