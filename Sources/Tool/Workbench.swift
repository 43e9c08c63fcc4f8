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

  init(
    _ registry: Registry, _ model: ModelFlags, _ spellings: [Spelling]?, _ lowering: LoweringFlags, _ watching: PassFlags,
    compiles: Bool = true
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
        ? configured.map { Machine(name: "\($0.spelling)", backend: $0, executable: try $0.compile(program.graph)) } : []
      notes = []
      return
    }
    let configured = try registry.backends(spellings ?? [Spelling("cpu")])
    var session = Session(registry, model: try registry.importModel(model.request()))
    let timing = PassTiming()
    var fault: (any Error)?
    var base = PassRunner(evaluate: Session.evaluator(registry), note: { _ in })
    do { try watching.configure(&base, timing: timing) } catch { fault = error }
    if let fault { throw fault }
    let (observers, stopAfter, folder) = (base.observers, base.stopAfter, base.reproducerFolder)
    session.configureRunner = { [observers = Uncheck(observers)] runner in
      runner.observers = observers.value
      runner.stopAfter = stopAfter
      runner.reproducerFolder = folder
    }
    session.calibration = try lowering.calibrationBatches()

    let target = try configured.lazy.compactMap { try $0.target() }.first
    let stage: Stage =
      switch lowering.stage {
      case .auto: target != nil || lowering.passes != nil ? .lowered : .canonical
      case .raw: .raw
      case .canonical: .canonical
      case .lowered: .lowered
      }
    switch stage {
    case .raw:
      canonical = nil
      graph = session.raw
    case .canonical, .lowered:
      let portable = try session.canonical()
      canonical = portable
      graph = try stage == .canonical ? portable : session.run(lowering.options().pipelineText, on: portable, target: target)
    }
    self.stage = stage
    let graph = graph
    machines =
      try compiles ? configured.map { Machine(name: "\($0.spelling)", backend: $0, executable: try $0.compile(graph)) } : []
    notes = session.notes
    self.session = session
    if watching.timePasses { writeError(timing.table.text) }
  }
}

/// Carries observers into a closure that only the calling thread runs.
private struct Uncheck<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
