import Driver
import GraphIR
import PluginAPI

/// A model on its machines: imported, lowered as far as they need it, compiled for each.
struct Workbench {
  struct Machine {
    let name: String
    let backend: ConfiguredBackend
    let executable: any Executable
  }

  private(set) var session: Session?
  let canonical: Graph?
  /// The graph that all machines run.
  let graph: Graph
  let stage: Stage
  let machines: [Machine]
  let notes: [String]
  /// What lowering reported in figures: the budget's frontier, errors by layer, histograms.
  let tables: [Table]
  /// The names of the model's inputs; the graph has fewer where shapes depend on one that was given.
  let inputNames: [String]

  init(
    _ registry: Registry, _ model: ModelFlags, _ spellings: [Spelling]?, _ lowering: LoweringFlags, _ watching: PassFlags,
    compiles: Bool = true, given: GivenInputs = GivenInputs()
  ) throws {
    if let head = try? Files.head(model.model, count: 8), ProgramFile.recognizes(head) {
      let program = try ProgramFile(path: model.model)
      let configured = try registry.backends(spellings ?? [program.backend])
      session = nil
      canonical = nil
      graph = program.graph
      stage = .lowered
      machines =
        try compiles
        ? configured.map { Machine(name: "\($0.spelling)", backend: $0, executable: try $0.compile(program)) } : []
      notes = []
      tables = []
      inputNames = graph.inputs.map { [graph] in graph[$0].name }
      return
    }
    let configured = try registry.backends(spellings ?? [Spelling("cpu")])
    var request = try model.request()
    request.given = given
    let imported = try registry.importModel(request)
    inputNames = imported.inputNames
    var session = Session(registry, model: imported)
    let timing = PassTiming()
    var base = PassRunner(evaluate: Session.evaluator(registry), note: { _ in })
    try watching.configure(&base, timing: timing)
    let (observers, stopAfter, folder) = (base.observers, base.stopAfter, base.reproducerFolder)
    session.configureRunner = { [observers = Uncheck(observers)] runner in
      runner.observers = observers.value
      runner.stopAfter = stopAfter
      runner.reproducerFolder = folder
    }
    session.calibration = try lowering.calibrationBatches(for: imported.graph)

    let target = try configured.lazy.compactMap { try $0.target() }.first
    let stage = try lowering.stage(hasTarget: target != nil)
    var frontier: [Table] = []
    switch stage {
    case .raw:
      canonical = nil
      graph = session.raw
    case .canonical, .lowered:
      let portable = try session.canonical()
      canonical = portable
      var options = try lowering.options()
      if stage == .lowered, let budget = try lowering.budget() {
        let machine = try configured.first { try $0.target() != nil } ?? registry.backends([Spelling("imc")])[0]
        var search = try BudgetSearch(
          registry, session, canonical: portable, options, target: target, machine: machine,
          host: registry.backends([Spelling("baseline")])[0])
        let (chosen, table) = try search.run(budget, isKept: lowering.isKept)
        options.binarize.append(("bases", chosen.option))
        frontier = [table]
      }
      graph = try stage == .canonical ? portable : session.run(options.pipelineText, on: portable, target: target)
    }
    self.stage = stage
    let graph = graph
    machines =
      try compiles ? configured.map { Machine(name: "\($0.spelling)", backend: $0, executable: try $0.compile(graph)) } : []
    notes = session.notes + configured.compactMap { Workbench.hostLayers(of: graph, $0) }
    tables = frontier + session.tables
    self.session = session
    if watching.timePasses { writeError(timing.table.text) }
  }
}

/// Carries observers into a closure that only the calling thread runs.
private struct Uncheck<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

extension Workbench {
  /// Says how many binary layers do not run on the machine that they were lowered for, and why; nil when all do.
  private static func hostLayers(of graph: Graph, _ backend: ConfiguredBackend) -> String? {
    let layers = graph.nodeIDs.filter {
      switch graph[$0].op {
      case .binaryConv, .binaryDense: true
      default: false
      }
    }
    let reasons = layers.compactMap { layer -> String? in
      if case .host(let reason) = backend.backend.support(for: layer, in: graph, backend.options) { reason } else { nil }
    }
    guard let first = reasons.first else { return nil }
    return "\(backend.spelling): \(reasons.count) of \(layers.count) binary layers run on the host: \(first)"
  }

  /// What lowering reported, keyed for a report; histograms only where programs read it.
  func loweringTables(_ format: Format) -> [(key: String, table: Table)] {
    tables.filter { format == .json || $0.key != "histograms" }.map { ($0.key, $0) }
  }
}
