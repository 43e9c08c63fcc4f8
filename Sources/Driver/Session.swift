import GraphIR
import PluginAPI
import ReferenceKernels

/// The two named stages of a graph, and the one it came as.
public enum Stage: String, Sendable, CaseIterable {
  /// As imported.
  case raw
  /// Portable: constants folded, batch norms gone, activations fused.
  case canonical
  /// Binarized, quantized and tiled for a target.
  case lowered
}

/// How a network is lowered; each field is a flag of the command line.
public struct LoweringOptions: Sendable {
  /// Options of the passes `binarize`, `quantize`, `tile` and `readout`, as `key=value`.
  public var binarize: [(key: String, value: String)] = []
  /// Options of the pass `slice-weights`.
  public var slice: [(key: String, value: String)] = []
  /// Options of the pass `quantize`.
  public var quantize: [(key: String, value: String)] = []
  /// Options of the pass `tile`.
  public var tile: [(key: String, value: String)] = []
  /// Options of the pass `readout`.
  public var readout: [(key: String, value: String)] = []
  /// A pipeline that replaces the standard one.
  public var pipeline: String?

  /// Creates one.
  public init() {}

  /// The pipeline from the canonical to the lowered stage.
  public var pipelineText: String {
    pipeline
      ?? [
        Spelling("matmul-to-conv"), Spelling("equalize"), Spelling("slice-weights", slice), Spelling("binarize", binarize + quantize),
        Spelling("quantize", quantize),
        Spelling("canonicalize"), Spelling("lower-binary"),
        Spelling("canonicalize"), Spelling("tile", tile), Spelling("readout", readout),
      ].map(\.description).joined(separator: ",")
  }
}

/// One model on its road from file to lowered graph.
public struct Session: Sendable {
  /// Everything at hand.
  public let registry: Registry
  /// The graph as imported.
  public private(set) var raw: Graph
  /// What the user should know: how the model was read and what passes chose.
  public private(set) var notes: [String]
  /// What passes reported in figures, in order.
  public private(set) var tables: [Table] = []
  /// Watch passes run; they see all pipelines of the session in turn.
  public var configureRunner: @Sendable (inout PassRunner) -> Void = { _ in }
  /// Batches for calibration, one tensor for each graph input.
  public var calibration: [[Tensor]] = []

  /// Creates one from its parts.
  public init(_ registry: Registry, model: ImportedModel) {
    self.registry = registry
    raw = model.graph
    notes = model.notes
  }

  /// Runs a graph on the `cpu` backend where there is one, else by reference kernels: the same bytes on every machine.
  public static func evaluator(_ registry: Registry) -> @Sendable (Graph, [Tensor], [ValueID]) throws -> [Tensor] {
    { graph, inputs, values in
      guard let cpu = try? registry.backend("cpu") else {
        let all = try Reference.run(graph, inputs)
        return values.map { all[Int($0.index)] }
      }
      let executable = try cpu.compile(graph, Options([("sums", "f64")], for: cpu.name, specs: cpu.options))
      return try executable.run(inputs, taps: values, threads: 2).taps
    }
  }

  /// The canonical graph.
  public mutating func canonical() throws -> Graph { try run("canonicalize", on: raw, target: nil) }

  /// The graph lowered for `target`.
  public mutating func lowered(for target: Target?, _ options: LoweringOptions) throws -> Graph {
    try run(options.pipelineText, on: canonical(), target: target)
  }

  /// Runs a pipeline given as text.
  public mutating func run(_ pipeline: String, on graph: Graph, target: Target?) throws -> Graph {
    let heard = NoteKeeper()
    var runner = PassRunner(evaluate: Session.evaluator(registry), note: { heard.add($0) }, report: { heard.add($0) })
    runner.target = target
    runner.calibration = calibration
    configureRunner(&runner)
    defer {
      notes += heard.all.filter { !notes.contains($0) }
      tables += heard.tables
    }
    return try runner.run(Pipeline(pipeline, registry: registry), on: graph)
  }
}

/// Keeps what passes say, in order. A class because closures that passes hold write to it; only the thread that runs passes does.
private final class NoteKeeper: @unchecked Sendable {
  private(set) var all: [String] = []

  private(set) var tables: [Table] = []

  func add(_ note: String) { all.append(note) }
  func add(_ table: Table) { tables.append(table) }
}
