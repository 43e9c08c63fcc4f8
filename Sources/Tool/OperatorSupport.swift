import Driver
import GraphIR
import PluginAPI

/// Which backend takes what a model is made of, by operator.
struct OperatorSupport {
  private struct Row {
    var name: String
    var uses = 0
    var problem: String?
    /// What the operator's nodes became.
    var nodes: [NodeID] = []
  }

  private var rows: [String: Row] = [:]
  /// nil where the model cannot be imported.
  private let graph: Graph?

  /// By the operators of the model's own format.
  init(_ operators: [OperatorUse], _ graph: Graph?) {
    self.graph = graph
    var made: [String: [NodeID]] = [:]
    if let graph { for id in graph.nodeIDs { made[graph[id].origin, default: []].append(id) } }
    for use in operators {
      var row = rows[use.name] ?? Row(name: use.name)
      row.uses += 1
      row.problem = row.problem ?? use.problem
      // Nodes of one name count once.
      row.nodes += made.removeValue(forKey: use.node) ?? []
      rows[use.name] = row
    }
  }

  /// By the graph's own ops.
  init(opsOf graph: Graph) {
    self.graph = graph
    for id in graph.nodeIDs {
      let name = graph[id].op.name
      rows[name, default: Row(name: name)].uses += 1
      rows[name]?.nodes.append(id)
    }
  }

  /// A row for each operator: how many nodes, whether they are read, and where what they became runs.
  func table(_ backends: [ConfiguredBackend]) -> Table {
    Table(
      "Support by backend: nodes on the machine + on the host",
      columns: ["operator", "nodes", "read"] + backends.map { "\($0.spelling)" },
      rows: rows.values.sorted { $0.name < $1.name }.map { row in
        [.text(row.name), .int(row.uses), .text(row.problem.map { "no: \($0)" } ?? "yes")] + backends.map { cell(row.nodes, $0) }
      })
  }

  private func cell(_ nodes: [NodeID], _ backend: ConfiguredBackend) -> Table.Cell {
    guard let graph, !nodes.isEmpty else { return "folded" }
    let answers = nodes.map { backend.backend.support(for: $0, in: graph, backend.options) }
    for case .no(let reason) in answers { return .text("no: \(reason)") }
    let native = answers.filter { $0 == .native }.count
    if native == nodes.count { return "yes" }
    return .text(native == 0 ? "host" : "\(native) + \(nodes.count - native) host")
  }
}
