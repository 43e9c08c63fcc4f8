import GraphIR

extension CodedNode {
  /// A layer of `QLinearConv`, `QLinearMatMul` and `QGemm` as they are imported: whole numbers in f64, cast to f32, times a factor.
  ///
  /// ```
  /// %x = cast %q {to=f64}                    less its zero, if it has one
  /// %s = conv %x, <f64>, <f64>               or dense; the bias may be a sum of its own
  /// %y = mul (cast %s {to=f32}), <factors>
  /// %r = quantize %y {scale=1}
  /// ```
  struct WholeLayer {
    /// From the layer on.
    var nodes: [NodeID]
    let from: Coding
    let codes: ValueID
    /// What only the layer reads of the way to it.
    let source: [NodeID]
    let layer: CodedLayer
  }

  /// The whole-number layer whose scaled sums a value is; nil when it is none. `constants` and `uses` are by value.
  static func wholeLayer(of value: ValueID, _ graph: Graph, _ constants: Constants, _ uses: [Int]) -> WholeLayer? {
    /// The only reader's operand that is computed, and the constant beside it.
    func split(_ id: NodeID) -> (computed: ValueID, constant: Tensor)? {
      let operands = graph[id].operands
      if let constant = constants[Int(operands[1].index)] { return (operands[0], constant) }
      return constants[Int(operands[0].index)].map { (operands[1], $0) }
    }
    func single(_ value: ValueID) -> NodeID? { uses[Int(value.index)] == 1 ? graph.producer(of: value) : nil }
    guard let scaling = single(value), case .binary(.mul) = graph[scaling].op, let (sums, factors) = split(scaling),
      factors.element == .float32, let narrow = single(sums), case .cast = graph[narrow].op
    else { return nil }
    var nodes = [narrow, scaling]
    guard var id = single(graph[narrow].operands[0]), graph.type(of: graph[id].results[0]).element == .float64 else { return nil }
    var bias: [Double]?
    if case .binary(.add) = graph[id].op, let (computed, constant) = split(id), let layer = single(computed) {
      bias = constant.doubles
      nodes.insert(id, at: 0)
      id = layer
    }
    nodes.insert(id, at: 0)
    let node = graph[id]
    var activation = Activation.none
    switch node.op {
    case .conv(let a): activation = a.activation
    case .dense(let a): activation = a.activation
    default: return nil
    }
    let type = graph.type(of: node.results[0])
    guard activation == .none, let numbers = constants[Int(node.operands[1].index)], let weights = wholeNumbers(numbers),
      type.shape.rank >= 2, let (from, codes, source) = wholeCodes(node.operands[0], graph, constants, uses)
    else { return nil }
    let filters = weights.shape[0]
    guard filters > 0, weights.count / filters <= mostInputs else { return nil }
    if node.operands.count == 3 {
      guard bias == nil, let given = constants[Int(node.operands[2].index)]?.doubles else { return nil }
      bias = given
    }
    /// One number for each filter, along axis 1 alone.
    func byFilter<Number>(_ numbers: [Number], _ shape: Shape) -> [Number]? {
      if numbers.count == 1 { return [Number](repeating: numbers[0], count: filters) }
      let place = type.shape.rank - 2
      let aligned = shape.rank > place && shape[shape.rank - 1 - place] == filters
      return numbers.count == filters && aligned ? numbers : nil
    }
    guard let each = byFilter(factors.floats, factors.shape), each.allSatisfy({ Coding.scales.contains($0) }) else { return nil }
    if let given = bias {
      let shape = nodes.count == 4 ? split(nodes[1])?.constant.shape : Shape([filters] + type.shape.dimensions.dropFirst(2).map { _ in 1 })
      guard let shape, let spread = byFilter(given, shape), spread.allSatisfy({ $0.magnitude <= 0x1p52 }) else { return nil }
      bias = spread
    }
    let layer = CodedLayer(weights: weights, scales: [Float](repeating: 1, count: filters), bias: bias, factors: each)
    return WholeLayer(nodes: nodes, from: from, codes: codes, source: source, layer: layer)
  }

  /// Whole numbers of a byte.
  static func wholeNumbers(_ tensor: Tensor) -> Tensor? {
    guard tensor.element == .float64 else { return nil }
    let numbers = tensor.doubles.compactMap { Int8(exactly: $0) }
    return numbers.count == tensor.count ? Tensor(.int8, tensor.shape, numbers) : nil
  }

  /// The codes that are cast, and what is taken off them.
  private static func wholeCodes(
    _ value: ValueID, _ graph: Graph, _ constants: Constants, _ uses: [Int]
  ) -> (Coding, ValueID, [NodeID])? {
    guard let producer = graph.producer(of: value) else { return nil }
    var (cast, zero, source) = (producer, 0, [producer])
    if case .binary(.sub) = graph[producer].op {
      let operands = graph[producer].operands
      guard let zeros = constants[Int(operands[1].index)], zeros.count == 1, let whole = Int(exactly: zeros.doubles[0]),
        let before = graph.producer(of: operands[0])
      else { return nil }
      (cast, zero) = (before, whole)
      source.append(before)
    }
    guard case .cast = graph[cast].op, let coding = Coding(zero: zero, element: graph.type(of: graph[cast].operands[0]).element)
    else { return nil }
    return (coding, graph[cast].operands[0], source)
  }
}
