import GraphIR
import ReferenceKernels

/// What the elements of a tensor are drawn from.
enum Draw {
  /// Numbers from -1 to 1, times this; of bits, either.
  case spread(Float)
  /// As many of these as there are, then numbers from -1 to 1.
  case special([Float])
  /// Whole numbers of the range; for floats, as floats.
  case whole(ClosedRange<Int>)
  /// For each index of axis 0 one magnitude, with either sign: weights that are binary exactly.
  case twoValued

  /// Numbers at which ops on floats go wrong: ties, zeros of both signs, ends, infinities, NaN.
  static let edges = Draw.special([
    0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1, -1, 3, 88, -104, 1e-30, -1e30, 3e38, .leastNormalMagnitude, .infinity, -.infinity, .nan,
    0.49999997,
  ])
}

/// Builds one case.
struct CaseBuilder {
  private(set) var graph: Graph
  private(set) var inputs: [Tensor] = []
  private let batch: Int
  private var generator: CaseGenerator

  init(_ name: String, batch: Int) {
    graph = Graph(name: name)
    self.batch = batch
    generator = CaseGenerator(seed: name)
  }

  /// An input with a free batch, and a tensor for it.
  mutating func input(_ sample: [Int], _ element: DataType = .float32, _ draw: Draw = .spread(2)) -> ValueID {
    inputs.append(tensor(element, Shape([batch] + sample), draw))
    return graph.addInput("x\(inputs.count - 1)", TensorType(element, Shape([Shape.free] + sample)))
  }

  /// An input without a batch.
  mutating func fixedInput(_ shape: Shape, _ element: DataType = .float32, _ draw: Draw = .spread(2)) -> ValueID {
    inputs.append(tensor(element, shape, draw))
    return graph.addInput("x\(inputs.count - 1)", TensorType(element, shape))
  }

  mutating func constant(_ shape: Shape, _ element: DataType = .float32, _ draw: Draw = .spread(1)) -> ValueID {
    graph.addConstant(tensor(element, shape, draw))
  }

  mutating func constant(_ tensor: Tensor) -> ValueID { graph.addConstant(tensor) }

  /// A permutation, as binary layers take it.
  mutating func order(of count: Int) -> ValueID { constant(.integers(.int32, [count], generator.permutation(of: count))) }

  mutating func callAsFunction(_ op: Op, _ operands: ValueID...) throws -> ValueID {
    try graph.append1(op, operands, origin: "\(op.name)_\(graph.nodes.count)")
  }

  mutating func callAsFunction(_ op: Op, _ operands: [ValueID]) throws -> ValueID {
    try graph.append1(op, operands, origin: "\(op.name)_\(graph.nodes.count)")
  }

  mutating func output(_ value: ValueID) { graph.addOutput("y\(graph.outputs.count)", value) }

  /// The type of a value so far.
  func type(of value: ValueID) -> TensorType { graph.type(of: value) }

  private mutating func tensor(_ element: DataType, _ shape: Shape, _ draw: Draw) -> Tensor {
    guard let count = shape.elementCount else { preconditionFailure("a case draws a tensor of unbound shape \(shape)") }
    switch draw {
    case .spread where element == .bit: return .integers(.bit, shape, (0..<count).map { _ in generator.choice([-1, 1]) })
    case .whole(let range) where !element.isFloat && SmallFloat(element) == nil:
      return .integers(element, shape, (0..<count).map { _ in generator.int(range) })
    case .whole(let range): return floats(element, shape, (0..<count).map { _ in Float(generator.int(range)) })
    case .spread(let width): return floats(element, shape, (0..<count).map { _ in generator.unit() * width })
    case .special(let first): return floats(element, shape, (0..<count).map { $0 < first.count ? first[$0] : generator.unit() })
    case .twoValued:
      let magnitudes = (0..<shape[0]).map { _ in abs(generator.unit()) + 0.125 }
      return floats(element, shape, (0..<count).map { magnitudes[$0 / (count / shape[0])] * generator.choice([-1, 1]) })
    }
  }

  /// A tensor of any type from f32 numbers, converted as `cast` does.
  private func floats(_ element: DataType, _ shape: Shape, _ numbers: [Float]) -> Tensor {
    let tensor = Tensor(.float32, shape, numbers)
    do {
      return try Reference.evaluate(.cast(Cast(to: element)), [tensor])[0]
    } catch { preconditionFailure("numbers do not convert to \(element.rawValue): \(error)") }
  }
}
