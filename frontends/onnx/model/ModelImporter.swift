import COnnxSchema
import GraphIR
import PluginAPI

/// The road from an unpacked file to a graph.
struct ModelImporter {
  private let source: SourceGraph
  private var types: InputTypes
  let table: OperatorTable
  var builder: GraphBuilder
  var values: [String: ValueID] = [:]
  /// What sequences hold, by name.
  var sequences: [String: [ValueID]] = [:]
  private let given: GivenInputs
  /// Results that an importer does not give: reported when something needs them.
  var withheld: [String: Diagnostic] = [:]

  /// Reads a model; throws all faults of one stage together.
  static func importModel(_ file: OnnxFile, _ request: ImportRequest, table: OperatorTable) throws -> ImportedModel {
    let tensors = TensorReader(owner: file, folder: file.folder)
    var importer = ModelImporter(try SourceGraph(file.model, tensors: tensors), request, table)
    return try importer.run()
  }

  private init(_ source: SourceGraph, _ request: ImportRequest, _ table: OperatorTable) {
    self.source = source
    self.table = table
    types = InputTypes(request)
    given = request.given
    builder = GraphBuilder(name: source.name, memoryLimit: request.memoryLimit)
  }

  private mutating func run() throws -> ImportedModel {
    let entries = try entriesOfNodes()
    try addInputs()
    for (name, (tensor, element)) in source.initializers.sorted(by: { $0.key < $1.key }) {
      let value = builder.addInitializer(name, tensor)
      builder.setCodeType(element, of: value)
      values[name] = value
    }
    try importNodes(entries)
    try Diagnostics.throwIfAny(source.outputs.compactMap { withheld[$0] })
    for name in source.outputs {
      guard let value = values[name] else { throw Diagnostic(.unsupported, "output '\(name)' is a sequence") }
      builder.addOutput(name, value)
    }
    let settled = try builder.settleBatch()
    let bound = builder.boundInputs
    let boundNames = builder.graph.inputs.filter { bound[$0] != nil }.map { builder.graph[$0].name }
    let note = "shapes depend on what was given for \(boundNames.map { "'\($0)'" }.joined(separator: ", ")): it is a constant now"
    return ImportedModel(
      graph: builder.graph.replacing(bound.merging(settled) { $1 }).pruned(), notes: source.notes + (bound.isEmpty ? [] : [note]),
      boundInputs: boundNames,
      inputNames: builder.graph.inputs.map { builder.graph[$0].name })
  }

  /// The row for each node; throws everything that is unsupported or wrong about operators, at once.
  private func entriesOfNodes() throws -> [OperatorEntry] {
    var entries: [OperatorEntry] = []
    var faults: [Diagnostic] = []
    var refused = RefusedOperators()
    for node in source.nodes {
      do {
        let entry = try table.entry(for: node)
        faults += entry.faults(in: node)
        entries.append(entry)
      } catch let fault as Diagnostic {
        refused.add(fault, node.origin)
      }
    }
    try Diagnostics.throwIfAny(refused.diagnostics + faults)
    return entries
  }

  private mutating func addInputs() throws {
    var faults: [Diagnostic] = []
    let known = given.assigned(to: source.inputs.map { text($0.pointee.name) }).inputs
    for input in source.inputs.map(\.pointee) {
      let name = text(input.name)
      do {
        let (type, element) = try types.type(of: input, given: known[name]?.tensor.shape)
        let value = try builder.addInput(name, type)
        builder.setCodeType(element, of: value)
        values[name] = value
        if let tensor = known[name]?.tensor.fitting(type), type.shape.elementCount != nil { builder.give(tensor, for: value) }
      } catch let fault as Diagnostic {
        faults.append(fault.at("input '\(name)'"))
      }
    }
    try Diagnostics.throwIfAny(faults + types.unusedBindings)
  }

  /// Imports node by node. A node that needs what could not be imported is passed over: its fault is known already.
  private mutating func importNodes(_ entries: [OperatorEntry]) throws {
    var faults: [Diagnostic] = []
    for (node, entry) in zip(source.nodes, entries) {
      guard node.needs.allSatisfy({ $0.isEmpty || values[$0] != nil || sequences[$0] != nil }) else {
        faults += node.needs.compactMap { withheld.removeValue(forKey: $0) }
        continue
      }
      do {
        try importNode(node, entry)
      } catch let fault as Diagnostic {
        faults.append(Diagnostic(fault.kind, fault.message, place: "node '\(node.origin)' (\(node.qualifiedName))", hint: fault.hint))
      }
    }
    try Diagnostics.throwIfAny(faults)
  }

  mutating func importNode(_ node: SourceNode, _ entry: OperatorEntry) throws {
    builder.origin = node.origin
    let imported = ImportedNode(source: node, operands: node.inputs.map { values[$0] })
    switch try sequenceResult(of: imported) {
    case .sequence(let list):
      sequences[node.outputs[0]] = list
      return
    case .value(let value):
      keep([value], of: node)
      return
    case nil: break
    }
    switch (node.domain, node.operatorName) {
    case ("", "If"): keep(try chosenBranch(imported), of: node)
    case ("", "Scan"): keep(try unrolledScan(imported), of: node)
    case ("", "Loop"): keep(try unrolledLoop(imported), of: node)
    default: keep(try entry.importer(imported, &builder), of: node)
    }
  }

  private mutating func keep(_ results: [ValueID], of node: SourceNode) {
    for (place, output) in node.outputs.enumerated() where !output.isEmpty {
      guard place < results.count else {
        let message = "output \(place), '\(output)', is not supported"
        withheld[output] = Diagnostic(.unsupported, message, place: "node '\(node.origin)' (\(node.qualifiedName))")
        continue
      }
      values[output] = results[place]
      builder.suggestName(output, for: results[place])
    }
  }
}

/// Nodes whose operators are not supported, grouped by the reason.
private struct RefusedOperators {
  private var reasons: [Diagnostic] = []
  private var nodes: [Diagnostic: [String]] = [:]

  /// How many nodes are named for one reason.
  private static let shown = 10

  mutating func add(_ reason: Diagnostic, _ node: String) {
    if nodes[reason] == nil { reasons.append(reason) }
    nodes[reason, default: []].append(node)
  }

  var diagnostics: [Diagnostic] {
    reasons.map { reason in
      let names = nodes[reason, default: []]
      let list = names.prefix(RefusedOperators.shown).map { "'\($0)'" }.joined(separator: ", ")
      let rest = names.count > RefusedOperators.shown ? " and \(names.count - RefusedOperators.shown) more" : ""
      var copy = reason
      copy.message += ": \(names.count == 1 ? "node" : "\(names.count) nodes") \(list)\(rest)"
      return copy
    }
  }
}

extension Graph {
  /// The graph with constants in the place of some inputs and results.
  fileprivate func replacing(_ constants: [ValueID: Tensor]) -> Graph {
    if constants.isEmpty { return self }
    var new = Graph(name: name)
    var map = [ValueID?](repeating: nil, count: values.count)
    func mapped(_ id: ValueID) -> ValueID {
      guard let known = map[Int(id.index)] else { preconditionFailure("value \(id) is used before it is computed") }
      return known
    }
    for (index, value) in values.enumerated() {
      switch value.definition {
      case .input(let place):
        map[index] =
          constants[inputs[place]].map { new.addConstant($0, name: value.name) } ?? new.addInput(value.name, value.type)
      case .constant(let tensor): map[index] = new.addConstant(tensor, name: value.name)
      case .result(let id, let place):
        guard place == 0 else { continue }
        let node = self[id]
        if let tensor = constants[node.results[0]] {
          map[index] = new.addConstant(tensor, name: value.name)
          continue
        }
        let results = new.append(
          node.op, node.operands.map(mapped), resultTypes: node.results.map { type(of: $0) }, origin: node.origin,
          names: node.results.map { self[$0].name })
        for (old, copy) in zip(node.results, results) { map[Int(old.index)] = copy }
      }
    }
    for output in outputs { new.addOutput(output.name, mapped(output.value)) }
    return new
  }
}
