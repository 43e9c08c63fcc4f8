import GraphIR
import PluginAPI

/// Prints the graph after chosen passes, or whenever it changed.
public struct GraphPrinting: PassObserver {
  /// When to print.
  public enum When: Sendable {
    case after(Set<String>)
    case changed
  }

  private let when: When
  private let emit: (String) -> Void

  /// Creates one from its parts.
  public init(_ when: When, emit: @escaping (String) -> Void) {
    self.when = when
    self.emit = emit
  }

  /// Notes what the pass did.
  public mutating func didRun(_ step: Pipeline.Step, number: Int, before: Graph, after: Graph, seconds: Double) {
    switch when {
    case .after(let names):
      if names.contains(step.pass.name) || names.contains("all") { emit(heading(step, number) + Printer.print(after)) }
    case .changed:
      emit(before == after ? "// \(number): \(step.spelling): no change\n" : heading(step, number) + Printer.print(after))
    }
  }

  private func heading(_ step: Pipeline.Step, _ number: Int) -> String { "// \(number): after \(step.spelling)\n" }
}

/// Writes the graph after every pass into a folder, under a predictable name.
public struct GraphDumping: PassObserver {
  private let folder: String

  /// Creates one from its parts.
  public init(to folder: String) throws {
    try Files.makeFolder(folder)
    self.folder = folder
  }

  /// Notes what the pass did.
  public mutating func didRun(_ step: Pipeline.Step, number: Int, before: Graph, after: Graph, seconds: Double) throws {
    let digits = number < 10 ? "0\(number)" : "\(number)"
    try GraphFiles.write(after, to: "\(folder)/\(digits)-\(step.pass.name).ir", comment: "after \(step.spelling)")
  }
}

/// Times passes; the table comes at the end.
public final class PassTiming: PassObserver {
  // A class because the caller reads the table after the runner used it.
  private var rows: [[Table.Cell]] = []
  private var total = 0.0

  /// Creates one.
  public init() {}

  /// Notes what the pass did.
  public func didRun(_ step: Pipeline.Step, number: Int, before: Graph, after: Graph, seconds: Double) {
    rows.append([
      .int(number), .text("\(step.spelling)"), .number(seconds * 1e3, digits: 3), .int(before.nodes.count), .int(after.nodes.count),
    ])
    total += seconds
  }

  /// Time by pass.
  public var table: Table {
    Table(
      "Passes", columns: ["#", "pass", "ms", "nodes before", "nodes after"],
      rows: rows + [["", "total", .number(total * 1e3, digits: 3), "", ""]])
  }
}
