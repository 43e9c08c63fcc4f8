import GraphIR

/// Writes a graph as ONNX nodes: the main node of an op under its own origin and result name, what helps it under longer names.
///
///     %3 = conv(%0, %1, %2) {activation=relu} "relu_2" @"Conv_1"
///     -> Conv "Conv_1" -> "relu_2.sum"; Relu "Conv_1/activation" -> "relu_2"
struct GraphEmitter {
  let graph: Graph
  private var names: ValueNames
  private var model: ModelWriter
  private var written: Set<ValueID> = []
  /// Names of nodes: onnxruntime refuses two nodes of one name.
  private var nodeNames: Set<String> = []
  /// The op being written: its origin and the name of its result.
  private(set) var origin = ""
  private var result = ""
  /// The element types that it works on and gives.
  private(set) var element = DataType.float32
  private var resultElement = DataType.float32

  private init(_ graph: Graph) {
    self.graph = graph
    names = ValueNames(graph)
    model = ModelWriter(name: graph.name)
  }

  /// The bytes of a model file; throws everything that cannot be said in ONNX, at once.
  static func emit(_ graph: Graph) throws -> [UInt8] {
    var emitter = GraphEmitter(graph)
    for input in graph.inputs { emitter.model.describe(emitter.names[input], graph.type(of: input), as: .input) }
    var faults: [Diagnostic] = []
    // In ONNX a name stands for one value.
    let inputs = Set(graph.inputs.map { graph[$0].name })
    for output in graph.outputs where inputs.contains(output.name) && emitter.names[output.value] != output.name {
      faults.append(Diagnostic(.unsupported, "output '\(output.name)' is called like an input, which ONNX does not allow"))
    }
    for node in graph.nodes {
      do {
        try emitter.write(node)
      } catch let fault as Diagnostic {
        faults.append(Diagnostic(fault.kind, "'\(node.op.name)' \(fault.message)", place: "node '\(node.origin)'", hint: fault.hint))
      }
    }
    emitter.writeOutputs()
    try Diagnostics.throwIfAny(faults)
    return try emitter.model.finished()
  }

  private mutating func write(_ node: Node) throws {
    for operand in node.operands where graph.type(of: operand).element == .bit && graph.constant(operand) == nil {
      throw Diagnostic(.unsupported, "takes bit elements that are computed; ONNX has none")
    }
    let value = node.results[0]
    result = names[value]
    origin = node.origin
    // The first operand of a select is its condition.
    if let data = node.operands.dropFirst(node.op == .select ? 1 : 0).first { element = graph.type(of: data).element }
    resultElement = graph.type(of: value).element
    try emit(node)
    if !graph.outputs.contains(where: { $0.name == result }) { model.describe(result, graph.type(of: value), as: .inner) }
  }

  private mutating func writeOutputs() {
    for output in graph.outputs {
      if names[output.value] != output.name {
        let input = self[output.value]
        model.node("Identity", name: nodeName("\(output.name)/copy", "Identity"), inputs: [input], output: output.name, [])
      }
      model.describe(output.name, graph.type(of: output.value), as: .output)
    }
  }

  // MARK: What ops are written with

  /// `wish` as the name of a node, or with a number behind it when there is such a node; made up when empty.
  private mutating func nodeName(_ wish: String, _ operatorName: String) -> String {
    nodeNames.claim(wish.isEmpty ? "\(operatorName)_\(model.nodeCount)" : wish, separator: "_")
  }

  /// The name of an operand; a constant becomes an initializer where it is first used.
  subscript(id: ValueID) -> String {
    mutating get {
      if let tensor = graph.constant(id), written.insert(id).inserted { model.initializer(names[id], tensor) }
      return names[id]
    }
  }

  /// The name of a value in the finished file, without using it.
  func name(of id: ValueID) -> String { names[id] }

  /// Raises the model's opset to one in which an operator takes a type; throws when none does.
  mutating func require(_ operatorName: String, takes type: DataType) throws {
    guard let opset = OperatorTypes.opset(of: operatorName, taking: type) else {
      throw Diagnostic(.unsupported, "of \(type.rawValue) has no like in ONNX: \(operatorName) does not take that type")
    }
    require(opset: opset)
  }

  /// Raises the model's opset to one that has what is written.
  mutating func require(opset: Int) { model.require(opset: opset) }

  /// The node that gives the op's result; throws when no opset has it for the op's element type.
  mutating func main(_ operatorName: String, _ inputs: [String], _ attributes: [(name: String, value: EmittedAttribute)] = []) throws {
    try require(operatorName, takes: element)
    model.node(operatorName, name: nodeName(origin, operatorName), inputs: inputs, output: result, attributes)
  }

  /// `main` of an operator that hands on one of its elements. A type that it does not take is written through a wider one.
  mutating func mainOfChoice(_ operatorName: String, _ inputs: [String], _ attributes: [(name: String, value: EmittedAttribute)]) throws {
    guard OperatorTypes.opset(of: operatorName, taking: element) == nil, let wide = OperatorTypes.wider(than: element, for: operatorName)
    else {
      return try main(operatorName, inputs, attributes)
    }
    let widened = step("Cast", [inputs[0]], "wide", [("to", .element(wide))])
    let chosen = step(operatorName, [widened] + inputs.dropFirst(), "chosen", attributes)
    try main("Cast", [chosen], [("to", .element(element))])
  }

  /// A node that helps: its result is called `result.suffix`. Returns that name.
  mutating func step(
    _ operatorName: String, _ inputs: [String], _ suffix: String, _ attributes: [(name: String, value: EmittedAttribute)] = []
  ) -> String {
    let output = names.fresh("\(result).\(suffix)")
    let name = nodeName(origin.isEmpty ? "" : "\(origin)/\(suffix)", operatorName)
    model.node(operatorName, name: name, inputs: inputs, output: output, attributes)
    return output
  }

  /// A node under the op's origin whose result is handed on to an activation.
  mutating func activated(
    _ operatorName: String, _ inputs: [String], _ attributes: [(name: String, value: EmittedAttribute)], _ activation: Activation
  ) throws {
    if activation == .none { return try main(operatorName, inputs, attributes) }
    try require(operatorName, takes: element)
    let sum = names.fresh("\(result).sum")
    let name = nodeName(origin, operatorName)
    model.node(operatorName, name: name, inputs: inputs, output: sum, attributes)
    let keptOrigin = origin
    origin = "\(name)/activation"
    try finish(sum, with: activation)
    origin = keptOrigin
  }

  /// The op's result from a value, by an activation.
  mutating func finish(_ sum: String, with activation: Activation) throws {
    switch activation {
    case .none: try main("Identity", [sum])
    case .relu: try main("Relu", [sum])
    case .clip(let lo, let hi): try main("Clip", [sum, try bound(lo, resultElement, "lo"), try bound(hi, resultElement, "hi")])
    }
  }

  /// A bound of Clip as a constant; empty when it bounds nothing.
  mutating func bound(_ value: Float, _ element: DataType, _ suffix: String) throws -> String {
    if value.isInfinite || value.isNaN { return "" }
    return constant(try .number(Double(value), element), suffix)
  }

  /// A constant that the op needs, called `result.suffix`. Returns that name.
  mutating func constant(_ tensor: Tensor, _ suffix: String) -> String {
    let name = names.fresh("\(result).\(suffix)")
    model.initializer(name, tensor)
    return name
  }

  mutating func integers(_ values: [Int], _ suffix: String) -> String { constant(.integers(.int64, [values.count], values), suffix) }
}
