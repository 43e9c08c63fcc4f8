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
  /// The program that all came from; nil for a model.
  let program: ProgramFile?
  let canonical: Graph?
  /// The graph that all machines run.
  let graph: Graph
  /// Nil for a program that does not tell.
  let stage: Stage?
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
    if model.isProgram {
      try Workbench.requireNone(model.reading.given + lowering.givenAtAll + watching.given)
      let program = try ProgramFile(path: model.model)
      let configured = try registry.backends(spellings ?? [program.backend])
      if spellings == nil { try configured[0].requireSources(of: program, in: model.model) }
      session = nil
      self.program = program
      canonical = nil
      graph = program.graph
      stage = Workbench.binaryLayers(of: graph).isEmpty ? nil : .lowered
      machines =
        try compiles
        ? configured.map { Machine(name: "\($0.spelling)", backend: $0, executable: try $0.compile(program)) } : []
      notes = []
      tables = []
      inputNames = graph.inputs.map { [graph] in graph[$0].name }
      return
    }
    program = nil
    let configured = try registry.backends(spellings ?? [Spelling("cpu")])
    var request = try model.request()
    request.given = given
    var imported = try registry.importModel(request)
    let targets = try configured.compactMap { machine in try machine.target().map { (machine, $0) } }
    let target = targets.first?.1
    let stage = try lowering.stage(hasTarget: target != nil)
    // Data calibrates in batches, and chips take any; a batch of 1 that exporters write is any batch, unless the user says otherwise.
    if stage == .lowered, model.reading.batch == nil, model.reading.dimensions.isEmpty {
      imported.graph = imported.graph.freeingBatch() ?? imported.graph
    }
    inputNames = imported.inputNames
    var session = Session(registry, model: imported)
    let timing = PassTiming()
    var base = PassRunner(evaluate: Session.evaluator(registry), note: { _ in })
    try watching.configure(&base, timing: timing, registry)
    let (observers, stopAfter, folder) = (base.observers, base.stopAfter, base.reproducerFolder)
    session.configureRunner = { [observers = Uncheck(observers)] runner in
      runner.observers = observers.value
      runner.stopAfter = stopAfter
      runner.reproducerFolder = folder
    }
    session.calibration = try lowering.calibrationBatches(for: imported.graph)
    if stage == .lowered { try Workbench.requireOneWay(targets) }
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
  /// The stage in a report.
  var stageName: String { stage?.rawValue ?? "as compiled" }

  /// Throws where options were given for a program, which has been read and lowered.
  private static func requireNone(_ given: [String]) throws {
    guard !given.isEmpty else { return }
    let verb = given.count == 1 ? "has" : "have"
    throw Diagnostic(
      .usage, "\(given.joined(separator: ", ")) \(verb) no effect on a compiled program", hint: "'bitline compile' takes such options")
  }

  /// Throws where two machines want the one network that is lowered otherwise. Their names may differ.
  private static func requireOneWay(_ targets: [(machine: ConfiguredBackend, target: Target)]) throws {
    guard let first = targets.first else { return }
    for (machine, target) in targets.dropFirst() {
      var target = target
      target.name = first.target.name
      guard target != first.target else { continue }
      throw Diagnostic(
        .usage, "\(first.machine.spelling) and \(machine.spelling) want networks lowered differently", hint: "run them one by one")
    }
  }

  private static func binaryLayers(of graph: Graph) -> [NodeID] {
    graph.nodeIDs.filter {
      switch graph[$0].op {
      case .binaryConv, .binaryDense: true
      default: false
      }
    }
  }

  /// Says how many binary layers do not run on the machine that they were lowered for, and why; nil when all do.
  private static func hostLayers(of graph: Graph, _ backend: ConfiguredBackend) -> String? {
    let layers = binaryLayers(of: graph)
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
