import COnnxSchema
import GraphIR

/// Reads a graph's nodes, and puts the bodies of model-local functions in place of their calls.
struct NodeReader {
  private let tensors: TensorReader
  private let imports: OpsetImports
  private var functions: [FunctionKey: UnsafePointer<Onnx__FunctionProto>] = [:]
  private(set) var faults: [Diagnostic] = []
  private var calls = 0
  private var nodes: [SourceNode] = []

  /// How deep functions may call each other, how many nodes a model may have when all calls are replaced, and how many calls.
  private static let callDepth = 32
  private static let nodeLimit = 1_000_000
  private static let callLimit = 10_000
  /// How many bytes names inside functions may take: those that a call makes hold the names of all calls around it.
  private static let nameLimit = 1 << 25
  private var nameBytes = 0
  /// So many faults are told of at once.
  static let faultLimit = 1000
  /// Set when a limit is passed: nothing is read after that.
  private var isExhausted = false

  private struct FunctionKey: Hashable {
    let domain: String
    let name: String
    let overload: String
  }

  /// Where a node stands: in the graph, or in a call of a function.
  private struct Scope: @unchecked Sendable {
    let imports: OpsetImports
    /// Names outside, by the function's own; nil in the graph.
    var names: [String: String]?
    var prefix = ""
    var bindings: NodeAttributes?
    var depth = 0
    /// In a body: the names it defines itself, and how it names all others.
    var own: Set<String> = []
    var outer: (@Sendable (String) -> String)?

    func name(_ name: String) -> String {
      if let outer { return name.isEmpty ? name : own.contains(name) ? prefix + name : outer(name) }
      guard let names, !name.isEmpty else { return name }
      return names[name] ?? prefix + name
    }
  }

  init(_ model: Onnx__ModelProto, tensors: TensorReader) throws {
    self.tensors = tensors
    imports = try OpsetImports(list(model.opset_import, model.n_opset_import))
    for function in list(model.functions, model.n_functions) {
      let proto = function.pointee
      let key = FunctionKey(domain: OpsetImports.canonical(text(proto.domain)), name: text(proto.name), overload: text(proto.overload))
      guard functions.updateValue(function, forKey: key) == nil else {
        throw Diagnostic(.badInput, "function '\(key.name)' of domain '\(key.domain)' is there twice")
      }
    }
  }

  /// All nodes of a graph, in the file's order. What cannot be read is in `faults`.
  mutating func nodes(of graph: Onnx__GraphProto) -> [SourceNode] {
    read(list(graph.node, graph.n_node), in: Scope(imports: imports))
    return nodes
  }

  private mutating func read(_ protos: [UnsafePointer<Onnx__NodeProto>], in scope: Scope) {
    for (index, proto) in protos.enumerated() {
      if isExhausted { return }
      let name = text(proto.pointee.name)
      let origin = scope.prefix + (name.isEmpty ? "\(text(proto.pointee.op_type))_\(index)" : name)
      do {
        try read(proto.pointee, origin: origin, in: scope)
      } catch let fault as Diagnostic {
        faults.append(fault.at("node '\(origin)'"))
        if faults.count >= NodeReader.faultLimit { isExhausted = true }
      } catch {
        faults.append(Diagnostic(.internal, "\(error)", place: "node '\(origin)'"))
      }
    }
  }

  private mutating func read(_ proto: Onnx__NodeProto, origin: String, in scope: Scope) throws {
    let domain = OpsetImports.canonical(text(proto.domain))
    let attributes = try NodeAttributes(list(proto.attribute, proto.n_attribute), tensors: tensors, bindings: scope.bindings)
    let inputs = strings(proto.input, proto.n_input).map(scope.name)
    let outputs = strings(proto.output, proto.n_output).map(scope.name)
    if scope.depth > 0 {
      nameBytes += origin.utf8.count + outputs.reduce(0) { $0 + $1.utf8.count } + inputs.reduce(0) { $0 + $1.utf8.count }
      guard nameBytes <= NodeReader.nameLimit else {
        throw exhausted("names inside functions take more than \(NodeReader.nameLimit) bytes")
      }
    }
    let key = FunctionKey(domain: domain, name: text(proto.op_type), overload: text(proto.overload))
    if let function = functions[key] {
      try inline(function.pointee, inputs: inputs, outputs: outputs, attributes, origin: origin, depth: scope.depth)
      return
    }
    guard nodes.count < NodeReader.nodeLimit else { throw exhausted("the model has more than \(NodeReader.nodeLimit) nodes") }
    // A foreign domain that is not imported is reported as an unsupported operator, not as a broken file.
    let version = domain.isEmpty || scope.imports.names(domain) ? try scope.imports.version(of: domain) : 1
    nodes.append(
      SourceNode(
        origin: origin, domain: domain, operatorName: text(proto.op_type), version: version, inputs: inputs, outputs: outputs,
        attributes: attributes, bodies: try bodies(attributes, origin: origin, in: scope)))
  }

  /// Reads the graphs among a node's attributes.
  private mutating func bodies(_ attributes: NodeAttributes, origin: String, in scope: Scope) throws -> [String: SourceBody] {
    var bodies: [String: SourceBody] = [:]
    for (name, value) in attributes.values {
      guard case .graph(let graph) = value else { continue }
      guard scope.depth < NodeReader.callDepth else { throw Diagnostic(.badInput, "graphs nest more than \(NodeReader.callDepth) deep") }
      bodies[name] = try body(graph.pointee, prefix: "\(origin)/\(name)/", in: scope)
    }
    return bodies
  }

  private mutating func body(_ graph: Onnx__GraphProto, prefix: String, in outer: Scope) throws -> SourceBody {
    let formals = list(graph.input, graph.n_input).map { text($0.pointee.name) }
    let protos = list(graph.node, graph.n_node)
    let constants = list(graph.initializer, graph.n_initializer)
    var own = Set(formals).union(constants.map { text($0.pointee.name) })
    for proto in protos { own.formUnion(strings(proto.pointee.output, proto.pointee.n_output)) }
    let scope = Scope(
      imports: outer.imports, names: nil, prefix: prefix, bindings: outer.bindings, depth: outer.depth + 1, own: own,
      outer: { outer.name($0) })
    let initializers = try constants.map { proto in
      let (tensor, element) = try tensors.read(proto)
      return (name: scope.name(text(proto.pointee.name)), tensor: tensor, element: element)
    }
    // The body's nodes are read apart from those around it.
    let around = nodes
    nodes = []
    read(protos, in: scope)
    let inner = nodes
    nodes = around
    let inputs = formals.map(scope.name)
    let outputs = list(graph.output, graph.n_output).map { scope.name(text($0.pointee.name)) }
    let defined = Set(inputs + initializers.map(\.name) + inner.flatMap(\.outputs))
    let captures = Set(inner.flatMap(\.needs) + outputs).subtracting(defined).subtracting([""]).sorted()
    let order = NodeOrder(inner, given: inputs + initializers.map(\.name) + captures, wanted: outputs)
    try Diagnostics.throwIfAny(order.faults)
    return SourceBody(inputs: inputs, outputs: outputs, nodes: order.live.map { inner[$0] }, initializers: initializers, captures: captures)
  }

  private mutating func exhausted(_ message: String) -> Diagnostic {
    isExhausted = true
    return Diagnostic(.badInput, message)
  }

  /// Reads a function's body with the call's names and attributes for its own.
  private mutating func inline(
    _ function: Onnx__FunctionProto, inputs: [String], outputs: [String], _ attributes: NodeAttributes, origin: String, depth: Int
  ) throws {
    guard depth < NodeReader.callDepth else {
      throw Diagnostic(
        .badInput, "functions call each other more than \(NodeReader.callDepth) deep", hint: "a function may not call itself")
    }
    calls += 1
    guard calls <= NodeReader.callLimit else { throw exhausted("the model has more than \(NodeReader.callLimit) calls") }
    let formalInputs = strings(function.input, function.n_input)
    let formalOutputs = strings(function.output, function.n_output)
    guard inputs.count <= formalInputs.count, outputs.count <= formalOutputs.count else {
      throw Diagnostic(.badInput, "the call gives more inputs or outputs than function '\(text(function.name))' has")
    }
    var bindings = attributes
    let defaults = try NodeAttributes(list(function.attribute_proto, function.n_attribute_proto), tensors: tensors, bindings: nil)
    bindings.fill(from: defaults)
    let known = Set(strings(function.attribute, function.n_attribute)).union(defaults.values.keys)
    if let unknown = attributes.values.keys.sorted().first(where: { !known.contains($0) }) {
      throw Diagnostic(.badInput, "function '\(text(function.name))' has no attribute '\(unknown)'")
    }
    var names: [String: String] = [:]
    for (index, formal) in formalInputs.enumerated() { names[formal] = index < inputs.count ? inputs[index] : "" }
    for (formal, outer) in zip(formalOutputs, outputs) where !outer.isEmpty {
      guard names.updateValue(outer, forKey: formal) == nil else {
        throw Diagnostic(.unsupported, "function '\(text(function.name))' hands on '\(formal)' unchanged")
      }
    }
    let scope = Scope(
      imports: try OpsetImports(list(function.opset_import, function.n_opset_import)), names: names, prefix: "\(origin)/",
      bindings: bindings,
      depth: depth + 1)
    read(list(function.node, function.n_node), in: scope)
  }
}

/// A repeated field of strings.
func strings(_ start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
  UnsafeBufferPointer(start: start, count: count).map { text($0) }
}
