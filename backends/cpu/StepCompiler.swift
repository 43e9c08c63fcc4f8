import CCPUKernels
import GraphIR
import ReferenceKernels

/// Chooses and prepares the kernel of each node. A node that no kernel takes runs by its reference kernel.
struct StepCompiler {
  let graph: Graph
  let level: InstructionLevel
  let constants: [Tensor?]
  let isVariable: [Bool]
  let split: BatchSplit?

  func step(for node: Node) -> Step {
    let step: Step? =
      switch node.op {
      case .conv(let a): conv(a, node)
      case .dense(let a): dense(a, node)
      case .matmul: matmul(node)
      case .binaryConv(let a): binaryConv(a, node)
      case .binaryDense(let a): binaryDense(a, node)
      case .rescale(let a): rescale(a, node)
      case .quantize(let a): quantize(a, node)
      case .dequantize(let a): dequantize(a, node)
      case .pool(let a): pool(a, node)
      case .reduce(let a): mean(a, node)
      case .unary(.relu): activation(.relu, node)
      case .clip(let a): activation(.clip(a.lo, a.hi), node)
      case .binary(let kind): binary(kind, node)
      case .concat(let a): concat(a, node)
      case .unary, .select, .cast, .softmax, .reshape, .transpose, .expand, .slice, .pad, .gather, .custom: nil
      }
    return step ?? reference(node)
  }

  func constant(_ id: ValueID) -> Tensor? { constants[Int(id.index)] }

  func type(_ id: ValueID) -> TensorType { graph.type(of: id) }

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

  /// The number of a value's elements.
  func count(_ id: ValueID) -> Extent { outer(id, type(id).shape.rank) }

  /// Whether dimension 0 of a value is the batch.
  func isPerSample(_ id: ValueID) -> Bool { isVariable[Int(id.index)] && (split != nil || type(id).shape.hasFreeBatch) }

  /// Whether a value is computed while running and has elements of a type.
  func isRead(_ id: ValueID, _ element: DataType) -> Bool { isVariable[Int(id.index)] && type(id).element == element }
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
