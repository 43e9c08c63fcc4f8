import GraphIR

/// One row of the table of operators: which versions of which operator are read by which importer.
struct OperatorEntry: Sendable {
  typealias Importer = @Sendable (ImportedNode, inout GraphBuilder) throws -> [ValueID]

  let name: String
  let domain: String
  /// Versions of the domain's operator set, not of the operator.
  let versions: ClosedRange<Int>
  let inputs: ClosedRange<Int>
  let outputs: ClosedRange<Int>
  let attributes: [String: AttributeKind]
  let importer: Importer

  /// How many inputs or outputs a variadic operator may have: protobuf's own bound on a list is no lower.
  static let many = Int(Int32.max)

  init(
    _ name: String, _ versions: ClosedRange<Int>, domain: String = "", inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1,
    _ attributes: [String: AttributeKind], _ importer: @escaping Importer
  ) {
    self.name = name
    self.domain = domain
    self.versions = versions
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
    self.importer = importer
  }

  /// An operator without attributes.
  init(
    _ name: String, _ versions: ClosedRange<Int>, domain: String = "", inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1,
    _ importer: @escaping Importer
  ) {
    self.init(name, versions, domain: domain, inputs: inputs, outputs: outputs, [:], importer)
  }

  /// What is wrong with a node of this operator before its operands are looked at.
  func faults(in node: SourceNode) -> [Diagnostic] {
    var faults: [Diagnostic] = []
    func report(_ message: String, hint: String? = nil) {
      faults.append(Diagnostic(.badInput, "\(node.qualifiedName) \(message)", place: "node '\(node.origin)'", hint: hint))
    }
    if !inputs.contains(node.inputs.count) { report("takes \(OperatorEntry.shown(inputs)) inputs, not \(node.inputs.count)") }
    if !outputs.contains(node.outputs.count) { report("has \(OperatorEntry.shown(outputs)) outputs, not \(node.outputs.count)") }
    for (name, value) in node.attributes.values.sorted(by: { $0.key < $1.key }) {
      guard let kind = attributes[name] else {
        let known = attributes.keys.sorted().joined(separator: ", ")
        let hint = known.isEmpty ? "it has none" : "known in opset \(node.version): \(known)"
        report("has no attribute '\(name)'", hint: hint)
        continue
      }
      if value.kindCode != kind.rawValue { report("takes \(kind) for attribute '\(name)', not type \(value.kindCode)") }
    }
    return faults
  }

  private static func shown(_ range: ClosedRange<Int>) -> String {
    if range.upperBound == many { return "at least \(range.lowerBound)" }
    return range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }
}

/// All operators that are read, by name, domain and version.
struct OperatorTable: Sendable {
  private var rows: [String: [OperatorEntry]] = [:]

  /// A table of these rows. No two may claim the same version of an operator.
  init(_ entries: [OperatorEntry]) {
    for entry in entries {
      let key = OperatorTable.key(entry.domain, entry.name)
      let known = rows[key, default: []]
      precondition(!known.contains { $0.versions.overlaps(entry.versions) }, "two importers for \(entry.name) \(entry.versions)")
      rows[key] = known + [entry]
    }
  }

  private static func key(_ domain: String, _ name: String) -> String { "\(domain):\(name)" }

  /// The row for a node; throws a reason without the node's name when there is none.
  func entry(for node: SourceNode) throws -> OperatorEntry {
    guard let known = rows[OperatorTable.key(node.domain, node.operatorName)] else {
      throw Diagnostic(.unsupported, "operator \(node.qualifiedName) is not supported")
    }
    guard let entry = known.first(where: { $0.versions.contains(node.version) }) else {
      let ranges = known.map { "\($0.versions.lowerBound) to \($0.versions.upperBound)" }.joined(separator: ", ")
      throw Diagnostic(
        .unsupported, "operator \(node.qualifiedName) is not supported in opset \(node.version)", hint: "supported: opset \(ranges)")
    }
    return entry
  }

  /// Name and versions of every row, for the list of what is supported.
  var summary: [(name: String, versions: ClosedRange<Int>)] {
    rows.values.joined().map { (name: $0.domain.isEmpty ? $0.name : "\($0.domain).\($0.name)", versions: $0.versions) }
      .sorted { ($0.name, $0.versions.lowerBound) < ($1.name, $1.versions.lowerBound) }
  }
}
