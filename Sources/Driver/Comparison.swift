import GraphIR
import PluginAPI

/// Runs one graph on several machines in step and compares every value.
public struct Comparison: Sendable {
  /// One value as seen by one machine, against the first machine.
  public struct Row: Sendable {
    /// The value.
    public let value: ValueID
    /// What it does.
    public let op: String
    /// The importer's name of the node.
    public let origin: String
    /// The backend.
    public let backend: String
    /// How far they agree.
    public var agreement: Agreement
    /// Why more than byte equality is not asked for; `exact` when it is.
    public let tolerance: ValueTolerance
  }

  /// The graph.
  public let graph: Graph
  /// One row for each value and machine.
  public private(set) var rows: [Row]
  /// Samples seen.
  public private(set) var samples = 0
  private let machines: [(name: String, executable: any Executable)]
  private let taps: [ValueID]

  /// Machines must be compiled from the same graph.
  public init(_ machines: [(name: String, executable: any Executable)]) throws {
    guard machines.count >= 2 else { throw Diagnostic(.usage, "a comparison needs two backends", hint: "--backends cpu,imc") }
    self.machines = machines
    graph = machines[0].executable.graph
    taps = graph.nodes.flatMap(\.results)
    let tolerances = ValueTolerance.byNode(of: graph)
    rows = []
    for (name, _) in machines.dropFirst() {
      for (index, node) in graph.nodes.enumerated() {
        for result in node.results {
          rows.append(
            Row(value: result, op: node.op.name, origin: node.origin, backend: name, agreement: Agreement(), tolerance: tolerances[index]))
        }
      }
    }
  }

  /// Compares one more batch; returns the outputs of every machine.
  public mutating func add(_ inputs: [Tensor], threads: Int) throws -> [[Tensor]] {
    var outputs: [[Tensor]] = []
    var reference: [Tensor] = []
    var row = 0
    for (place, machine) in machines.enumerated() {
      let result = try machine.executable.run(inputs, taps: taps, threads: threads)
      outputs.append(result.outputs)
      if place == 0 {
        reference = result.taps
        continue
      }
      for (a, b) in zip(reference, result.taps) {
        rows[row].agreement.add(reference: a, candidate: b, tolerance: rows[row].tolerance, firstSample: samples)
        row += 1
      }
    }
    samples += inputs.first?.shape.dimensions.first ?? 1
    return outputs
  }

  /// Whether every value is within its tolerance on every machine.
  public var holds: Bool { rows.allSatisfy { $0.agreement.holds } }

  /// Whether every byte of every value is the same on every machine.
  public var isExact: Bool { rows.allSatisfy { $0.agreement.isExact } }

  /// The first value, in running order, that differs beyond tolerance.
  public var firstDifference: Row? {
    rows.filter { !$0.agreement.holds }.min { $0.value.index < $1.value.index }
  }

  /// Agreement by value and machine.
  public var table: Table {
    var table = Table(
      "Agreement with \(machines[0].name) over \(samples) samples",
      columns: ["value", "op", "node", "backend", "elements", "differing", "verdict", "max abs", "SQNR dB", "cosine"])
    for row in rows {
      let a = row.agreement
      let verdict = a.isExact ? "equal" : a.holds ? "within \(row.tolerance)" : "DIFFERS"
      table.rows.append([
        .text("\(row.value)"), .text(row.op), .text(row.origin), .text(row.backend), .int(a.elements), .int(a.differing), .text(verdict),
        .number(a.largestDifference, digits: 6), a.sqnr.map { .number($0, digits: 1) } ?? .none,
        a.cosine.map { .number($0, digits: 6) } ?? .none,
      ])
    }
    return table
  }
}
