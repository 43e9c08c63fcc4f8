import GraphIR

/// One op made ready for the machine: computes a node's result and counts what that took.
protocol Kernel: Sendable {
  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor
}

/// What becomes of a node.
enum Selection: Sendable {
  case kernel(any Kernel)
  /// The result is the operand under another shape: nothing moves.
  case alias
  case host(because: String)

  init(_ node: Node, in graph: Graph) {
    let types = node.operands.map { graph.type(of: $0) }
    let isFloat = types.allSatisfy { $0.element == .float32 }
    let result = graph.type(of: node.results[0])
    switch node.op {
    case .reshape: self = .alias
    case .conv(let a) where isFloat: self = .kernel(FloatLayer(a, types, result))
    case .dense(let a) where isFloat: self = .kernel(FloatLayer(a, types))
    case .binaryConv(let a):
      let walk = WindowWalk(a.window, input: types[0].shape, kernel: Array(types[1].shape.dimensions.dropFirst(2)), output: result.shape)
      self = Selection.binary(node, in: graph, walk, tile: a.tile, a.readout)
    case .binaryDense(let a): self = Selection.binary(node, in: graph, WindowWalk(), tile: a.tile, a.readout)
    case .pool(let a) where Selection.isPlain(types[0].element): self = .kernel(PoolKernel(a, types[0].shape, result.shape))
    case .rescale(let a): self = .kernel(RescaleKernel(activation: a.activation))
    case .quantize(let a) where a.to == .uint8 || a.to == .int8: self = .kernel(QuantizeKernel(attributes: a))
    case .dequantize(let a) where (types[0].element == .uint8 || types[0].element == .int8) && types[1].element == .float32:
      self = .kernel(DequantizeKernel(axis: a.axis))
    case .unary(.relu) where isFloat: self = .kernel(BoundKernel(activation: .relu))
    case .clip(let a) where isFloat: self = .kernel(BoundKernel(activation: .clip(a.lo, a.hi)))
    case .binary(let kind) where isFloat && types[0].shape == types[1].shape:
      self = ArithmeticKernel(kind).map { .kernel($0) } ?? .host(because: "the arithmetic unit has no '\(kind.rawValue)'")
    case .conv, .dense, .pool, .quantize, .dequantize, .unary(.relu), .clip:
      self = .host(because: "the machine has no kernel for these types")
    case .binary: self = .host(because: "the machine has no kernel for these types or for broadcasting")
    case .unary, .select, .cast, .matmul, .reduce, .softmax, .cumulate, .topK, .transpose, .expand, .concat, .slice, .pad, .gather,
      .scatter,
      .custom:
      self = .host(because: "the machine has no kernel for '\(node.op.name)'")
    }
  }

  private static func isPlain(_ element: DataType) -> Bool { element == .float32 || element == .uint8 || element == .int8 }

  private static func binary(_ node: Node, in graph: Graph, _ walk: WindowWalk, tile: Int, _ readout: Readout) -> Selection {
    guard let weights = graph.constant(node.operands[1]) else { return .host(because: "its weights are computed") }
    let order = node.operands.count == 3 ? graph.constant(node.operands[2])?.integers : nil
    if node.operands.count == 3 && order == nil { return .host(because: "the order of its inputs is computed") }
    return .kernel(BinaryLayer(walk, weights: weights, order: order, tile: tile, readout, graph.type(of: node.results[0]).shape))
  }
}

extension Tensor {
  /// A tensor of a type's shape with `batch` samples, filled by `body`.
  static func filled<Element: BitwiseCopyable>(
    _ element: DataType, _ shape: Shape, as _: Element.Type, _ body: (UnsafeMutablePointer<Element>) -> Void
  ) -> Tensor {
    Tensor(element, shape) { bytes in
      if let base = bytes.assumingMemoryBound(to: Element.self).baseAddress { body(base) }
    }
  }

  /// Elements from the first on; not called for an empty tensor.
  func withPointer<Element: BitwiseCopyable>(_ type: Element.Type, _ body: (UnsafePointer<Element>) -> Void) {
    withElements(type) { if let base = $0.baseAddress { body(base) } }
  }
}
