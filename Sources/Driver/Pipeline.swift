import GraphIR
import PluginAPI

/// Passes in order, with their options. Text that parses and prints back: `canonicalize,binarize{first=keep},tile`.
public struct Pipeline: Sendable, CustomStringConvertible {
  /// One pass as it will run.
  public struct Step: Sendable {
    /// The pass.
    public let pass: Pass
    /// The options it takes.
    public let options: Options
    /// As it was written.
    public let spelling: Spelling
  }

  /// The passes, in order.
  public let steps: [Step]

  /// Parses a pipeline; throws a usage diagnostic for an unknown pass or option.
  public init(_ text: String, registry: Registry) throws {
    steps = try Spelling.list(text).map { spelling in
      let pass = try registry.pass(spelling.name)
      return Step(pass: pass, options: try Options(spelling.given, for: pass.name, specs: pass.options), spelling: spelling)
    }
  }

  /// As text.
  public var description: String { steps.map(\.spelling.description).joined(separator: ",") }
}

/// Watches passes run.
public protocol PassObserver {
  mutating func willRun(_ step: Pipeline.Step, number: Int, on graph: Graph)
  mutating func didRun(_ step: Pipeline.Step, number: Int, before: Graph, after: Graph, seconds: Double) throws
}

extension PassObserver {
  /// Does nothing.
  public mutating func willRun(_ step: Pipeline.Step, number: Int, on graph: Graph) {}
}

/// Runs pipelines: verifies after every pass, tells observers, and leaves a reproducer when a pass fails.
public struct PassRunner {
  /// Who watches.
  public var observers: [any PassObserver] = []
  /// Runs only so many passes.
  public var stopAfter = Int.max
  /// The machine that networks are cut for.
  public var target: Target?
  /// Batches for calibration, one tensor for each graph input.
  public var calibration: [[Tensor]] = []
  /// Whether a pass that takes long shows on a terminal how far it is.
  public var showsProgress = true
  /// Folder for the reproducer of a failed pass; nil writes none.
  public var reproducerFolder: String?
  private let evaluate: @Sendable (Graph, [Tensor], [ValueID]) throws -> [Tensor]
  private let note: @Sendable (String) -> Void
  private let report: @Sendable (Table) -> Void
  private var passesRun = 0

  /// Creates one from its parts.
  public init(
    evaluate: @escaping @Sendable (Graph, [Tensor], [ValueID]) throws -> [Tensor], note: @escaping @Sendable (String) -> Void,
    report: @escaping @Sendable (Table) -> Void = { _ in }
  ) {
    self.evaluate = evaluate
    self.note = note
    self.report = report
  }

  /// The graph after all passes of `pipeline`.
  public mutating func run(_ pipeline: Pipeline, on input: Graph) throws -> Graph {
    var graph = input
    for step in pipeline.steps where passesRun < stopAfter {
      passesRun += 1
      for index in observers.indices { observers[index].willRun(step, number: passesRun, on: graph) }
      let bar = showsProgress ? PassProgress(step.pass.name) : nil
      var context = PassContext(
        options: step.options, target: target, calibration: calibration, evaluate: evaluate,
        note: { [note] line in
          bar?.finish()
          note(line)
        }, report: report)
      if let bar { context.progress = { bar.update($0, of: $1) } }
      defer { bar?.finish() }
      let clock = ContinuousClock()
      let start = clock.now
      let result: Graph
      do {
        result = try step.pass.run(graph, context)
        try Diagnostics.throwIfAny(Verifier.faults(in: result))
      } catch {
        throw failure(error, step, graph)
      }
      let seconds = (clock.now - start) / .seconds(1)
      for index in observers.indices {
        try observers[index].didRun(step, number: passesRun, before: graph, after: result, seconds: seconds)
      }
      graph = result
    }
    return graph
  }

  private func failure(_ error: any Error, _ step: Pipeline.Step, _ graph: Graph) -> any Error {
    let prefix = "after pass '\(step.pass.name)': "
    var hint: String?
    let kind = (error as? Diagnostic)?.kind ?? (error as? Diagnostics)?.kind
    if kind != .usage, let folder = reproducerFolder, let path = try? GraphFiles.writeReproducer(graph, step.spelling, in: folder) {
      hint = "to see it again: bitline opt --passes '\(step.spelling)' \(path)"
    }
    func joined(_ own: String?) -> String? { own.map { own in hint.map { "\(own); \($0)" } ?? own } ?? hint }
    switch error {
    case var fault as Diagnostic:
      fault.message = prefix + fault.message
      fault.hint = joined(fault.hint)
      return fault
    case var faults as Diagnostics:
      for index in faults.all.indices { faults.all[index].message = prefix + faults.all[index].message }
      if let last = faults.all.indices.last { faults.all[last].hint = joined(faults.all[last].hint) }
      return faults
    default: return error
    }
  }
}
