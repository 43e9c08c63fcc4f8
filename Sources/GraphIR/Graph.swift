/// Names a value of one graph; prints as `%12`.
public struct ValueID: Hashable, Sendable, CustomStringConvertible {
  /// Its place in the table.
  public let index: Int32
  package init(_ index: Int) { self.index = Int32(index) }
  /// As text.
  public var description: String { "%\(index)" }
}

/// Names a node of one graph; prints as `#3`.
public struct NodeID: Hashable, Sendable, CustomStringConvertible {
  /// Its place in the table.
  public let index: Int32
  package init(_ index: Int) { self.index = Int32(index) }
  /// As text.
  public var description: String { "#\(index)" }
}

/// Where a value comes from.
public enum Definition: Hashable, Sendable {
  /// The graph's input of that number.
  case input(Int)
  case constant(Tensor)
  /// A result of a node, by its place among the results.
  case result(of: NodeID, Int)
}

/// Something computed, given or constant.
public struct Value: Hashable, Sendable {
  /// Element type and shape.
  public var type: TensorType
  /// Where it comes from.
  public var definition: Definition
  /// The name in the model it came from; may be empty, need not be unique.
  public var name: String
}

/// One operation.
public struct Node: Hashable, Sendable {
  /// What it does.
  public var op: Op
  /// The values it takes.
  public var operands: [ValueID]
  /// The values it makes.
  public var results: [ValueID]
  /// The importer's name of what this node stands for; kept through every pass.
  public var origin: String
}

/// A value that the graph hands out, under a name.
public struct Output: Hashable, Sendable {
  /// The value.
  public var value: ValueID
  /// The name on the command line.
  public var name: String
}

/// A network: a value, made of tables and typed indices. Nodes stand in an order in which they can run.
///
/// Snapshot is assignment, change is `==`. Graphs are built by `append` and edited by `rewritten`, which rebuilds them.
public struct Graph: Hashable, Sendable {
  /// The name on the command line.
  public var name: String
  /// All values.
  public private(set) var values: [Value] = []
  /// All nodes, in running order.
  public private(set) var nodes: [Node] = []
  /// The inputs, in order.
  public private(set) var inputs: [ValueID] = []
  /// The values handed out, by name.
  public private(set) var outputs: [Output] = []

  /// Creates one from its parts.
  public init(name: String) { self.name = name }

  /// What stands there.
  public subscript(id: ValueID) -> Value { values[Int(id.index)] }
  /// What stands there.
  public subscript(id: NodeID) -> Node { nodes[Int(id.index)] }

  /// All node ids, in running order.
  public var nodeIDs: [NodeID] { nodes.indices.map { NodeID($0) } }

  /// All value ids.
  public var valueIDs: [ValueID] { values.indices.map { ValueID($0) } }

  /// The type of a value.
  public func type(of id: ValueID) -> TensorType { self[id].type }

  /// The tensor of a constant value; nil for all others.
  public func constant(_ id: ValueID) -> Tensor? {
    if case .constant(let tensor) = self[id].definition { tensor } else { nil }
  }

  /// The node that computes a value; nil for inputs and constants.
  public func producer(of id: ValueID) -> NodeID? {
    if case .result(let node, _) = self[id].definition { node } else { nil }
  }

  /// How many operands and outputs each value serves, by value index.
  public var useCounts: [Int] {
    var counts = [Int](repeating: 0, count: values.count)
    for node in nodes { for operand in node.operands { counts[Int(operand.index)] += 1 } }
    for output in outputs { counts[Int(output.value.index)] += 1 }
    return counts
  }

  private mutating func addValue(_ value: Value) -> ValueID {
    values.append(value)
    return ValueID(values.count - 1)
  }

  /// Adds an input.
  public mutating func addInput(_ name: String, _ type: TensorType) -> ValueID {
    let id = addValue(Value(type: type, definition: .input(inputs.count), name: name))
    inputs.append(id)
    return id
  }

  /// Adds a constant.
  public mutating func addConstant(_ tensor: Tensor, name: String = "") -> ValueID {
    addValue(Value(type: tensor.type, definition: .constant(tensor), name: name))
  }

  /// Adds a node, inferring the types of its results; throws a diagnostic placed at `origin` when operands do not fit.
  public mutating func append(_ op: Op, _ operands: [ValueID], origin: String, names: [String] = []) throws -> [ValueID] {
    let types: [TensorType]
    do {
      types = try op.resultTypes(for: operands.map { type(of: $0) })
    } catch let fault as Diagnostic {
      throw fault.at(origin.isEmpty ? op.name : "\(origin) (\(op.name))")
    }
    return append(op, operands, resultTypes: types, origin: origin, names: names)
  }

  /// Adds a node of one result.
  public mutating func append1(_ op: Op, _ operands: [ValueID], origin: String, name: String = "") throws -> ValueID {
    try append(op, operands, origin: origin, names: [name])[0]
  }

  /// Adds a node with result types as told; the verifier checks them.
  package mutating func append(_ op: Op, _ operands: [ValueID], resultTypes: [TensorType], origin: String, names: [String]) -> [ValueID] {
    let node = NodeID(nodes.count)
    let results = resultTypes.enumerated().map { place, type in
      addValue(Value(type: type, definition: .result(of: node, place), name: place < names.count ? names[place] : ""))
    }
    nodes.append(Node(op: op, operands: operands, results: results, origin: origin))
    return results
  }

  /// Hands out a value under a name.
  public mutating func addOutput(_ name: String, _ value: ValueID) { outputs.append(Output(value: value, name: name)) }

  /// Names a value.
  public mutating func setName(_ name: String, of id: ValueID) { values[Int(id.index)].name = name }

  /// Rebuilds the graph for a bound batch; throws when an op does not carry it through.
  public func bound(batch: Int) throws -> Graph {
    try rewritten(inputShape: { $0.bound(batch: batch) }) { candidate, new, old in
      let names = candidate.node.results.map { old[$0].name }
      return try new.append(candidate.node.op.bound(batch: batch), candidate.operands, origin: candidate.node.origin, names: names)
    }
  }
}

extension Op {
  /// The op with a free batch in its attributes bound to `batch`.
  public func bound(batch: Int) -> Op {
    switch self {
    case .reshape(let a): return .reshape(Reshape(shape: a.shape.bound(batch: batch)))
    case .expand(let a): return .expand(Reshape(shape: a.shape.bound(batch: batch)))
    case .slice(var a):
      if a.extents.first == Shape.free { a.extents[0] = batch }
      return .slice(a)
    case .custom(var a):
      a.resultShape = a.resultShape.bound(batch: batch)
      return .custom(a)
    case .unary, .binary, .select, .clip, .cast, .conv, .dense, .matmul, .pool, .reduce, .softmax, .cumulate, .topK, .transpose, .concat,
      .pad, .gather, .scatter, .quantize, .dequantize, .binaryConv, .binaryDense, .rescale:
      return self
    }
  }
}
