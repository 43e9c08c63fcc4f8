import COnnxSchema
import GraphIR
import PluginAPI

/// The road from an unpacked file to a graph.
struct ModelImporter {
  private let source: SourceGraph
  private var types: InputTypes
  private let table: OperatorTable
  private var builder: GraphBuilder
  private var values: [String: ValueID] = [:]
  /// Results that an importer does not give: reported when something needs them.
  private var withheld: [String: Diagnostic] = [:]

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
      guard let value = values[name] else { preconditionFailure("output '\(name)' was found to be computed") }
      builder.addOutput(name, value)
    }
    try Diagnostics.throwIfAny(builder.batchFaults())
    return ImportedModel(graph: builder.graph.pruned(), notes: source.notes)
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
    for input in source.inputs.map(\.pointee) {
      let name = text(input.name)
      do {
        let (type, element) = try types.type(of: input)
        let value = try builder.addInput(name, type)
        builder.setCodeType(element, of: value)
        values[name] = value
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
      let operands = node.inputs.map { values[$0] }
      guard zip(node.inputs, operands).allSatisfy({ $0.isEmpty || $1 != nil }) else {
        faults += node.inputs.compactMap { withheld.removeValue(forKey: $0) }
        continue
      }
      builder.origin = node.origin
      do {
        let results = try entry.importer(ImportedNode(source: node, operands: operands), &builder)
        keep(results, of: node)
      } catch let fault as Diagnostic {
        faults.append(Diagnostic(fault.kind, fault.message, place: "node '\(node.origin)' (\(node.qualifiedName))", hint: fault.hint))
      }
    }
    try Diagnostics.throwIfAny(faults)
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
