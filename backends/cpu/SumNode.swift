import GraphIR

/// An integer layer that gives its sums, or the numbers that they stand for.
///
/// ```
/// %x = sub (cast %q {to=f64}), (cast %z {to=f64})      %z may be constant, or missing
/// %s = cast (conv %x, <f64>) {to=i32}                  or matmul, dense
/// %y = add (mul (cast %s {to=f32}), %f), <bias>        if nobody else reads %s
/// ```
///
/// The codes are the first operand of its node; what else is computed while running comes behind it. Its sums are exact.
struct SumNode: Sendable {
  /// A number of the graph, or the operand that holds it.
  enum Parameter<Number: Sendable>: Sendable {
    case constant(Number)
    case operand(Int)
  }

  /// Whole numbers of i8, as the layer's weights lie.
  let weights: Tensor
  /// The code of 0.
  let zero: Parameter<Int>
  /// What sums in f32 are multiplied with, one or as many as filters; nil: the sums are the result.
  var factors: Parameter<[Float]>?
  var hasOneFactor = true
  /// By filter.
  var bias: [Float]?
}

extension SumNode {
  /// The layer whose sums a `cast` makes i32. `mayRun`: whether there is a kernel for it.
  init?(cast: Node, layer: Node, _ graph: Graph, _ isVariable: [Bool], _ constants: Constants, _ mayRun: (Node, Shape) -> Bool) {
    guard graph.type(of: layer.results[0]).element == .float64, layer.operands.count == 2,
      let numbers = constants[Int(layer.operands[1].index)], let weights = CodedNode.wholeNumbers(numbers),
      mayRun(layer, weights.shape), let source = IntegerSource(layer.operands[0], graph, isVariable, constants)
    else { return nil }
    let filters = layer.filters(weights.shape)
    guard filters > 0, weights.count / filters <= CodedNode.mostInputs else { return nil }
    self.weights = weights
    zero = source.zero.map { .constant($0) } ?? .operand(1)
  }
}

extension Node {
  /// Results of an integer layer for each of its inputs' positions.
  func filters(_ weights: Shape) -> Int {
    if case .matmul = op { return weights[1] }
    return weights[0]
  }
}

/// Where an integer layer's numbers come from: codes, and the code of 0.
struct IntegerSource {
  let codes: ValueID
  /// The code of 0 if it is known; else the value that holds it.
  let zero: Int?
  let zeroValue: ValueID?
  /// The nodes between, from the one that the layer reads on.
  let nodes: [NodeID]

  init?(_ value: ValueID, _ graph: Graph, _ isVariable: [Bool], _ constants: Constants) {
    func cast(_ value: ValueID) -> (NodeID, ValueID)? {
      guard let producer = graph.producer(of: value), case .cast = graph[producer].op else { return nil }
      let codes = graph[producer].operands[0]
      let element = graph.type(of: codes).element
      return (element == .uint8 || element == .int8) && isVariable[Int(codes.index)] ? (producer, codes) : nil
    }
    if let (node, codes) = cast(value) {
      (self.codes, zero, zeroValue, nodes) = (codes, 0, nil, [node])
      return
    }
    guard let producer = graph.producer(of: value), case .binary(.sub) = graph[producer].op,
      let (node, codes) = cast(graph[producer].operands[0]), graph.type(of: codes).shape == graph.type(of: value).shape
    else { return nil }
    self.codes = codes
    let taken = graph[producer].operands[1]
    let element = graph.type(of: codes).element
    if let number = constants[Int(taken.index)] {
      guard number.count == 1, let code = Int(exactly: number.doubles[0]), element.integerRange?.contains(code) == true else { return nil }
      (zero, zeroValue, nodes) = (code, nil, [producer, node])
    } else {
      guard let (other, code) = cast(taken), graph.type(of: code).element == element, graph.type(of: code).shape.elementCount == 1 else {
        return nil
      }
      (zero, zeroValue, nodes) = (nil, code, [producer, node, other])
    }
  }
}
