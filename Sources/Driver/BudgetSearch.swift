import GraphIR
import PluginAPI

/// Chooses how many bases each layer gets, and which layers stay in floating point on the host, for a budget of accuracy or energy.
///
/// Layers are fitted on three fifths of the calibration data and measured on the rest: each alone with 1 to 4 bases, all others in floating
/// point. Then, from one base everywhere, the next base goes where it takes most divergence for its energy. Choices on that path are lowered
/// as a whole and measured, by halving, until the cheapest that keeps the budget is found.
public struct BudgetSearch {
  private let registry: Registry
  private let session: Session
  private let canonical: Graph
  private let options: LoweringOptions
  private let target: Target?
  private let machine: ConfiguredBackend
  private let heldOut: [[Tensor]]
  private let originalScores: [Tensor]
  private let layers: [NodeID]
  private let hostCosts: [BasesCost]
  private var progress: Progress
  private static let most = 4

  /// `machine` is where binary layers are costed; layers in floating point are costed as `host` spends on them.
  public init(
    _ registry: Registry, _ session: Session, canonical: Graph, _ options: LoweringOptions, target: Target?, machine: ConfiguredBackend,
    host: ConfiguredBackend
  ) throws {
    (self.registry, self.canonical, self.options, self.target, self.machine) = (registry, canonical, options, target, machine)
    let batches = session.calibration
    guard batches.count >= 2 else {
      throw Diagnostic(.usage, "a budget needs calibration data", hint: "give --calibrate DATA with 200 samples or more")
    }
    let fitted = max(1, batches.count * 3 / 5)
    var fitting = session
    fitting.calibration = Array(batches[..<fitted])
    self.session = fitting
    heldOut = Array(batches[fitted...])
    let output = canonical.outputs[0].value
    originalScores = try heldOut.map { try Session.evaluator(registry)(canonical, $0, [output])[0] }
    layers = canonical.nodeIDs.filter {
      switch canonical[$0].op {
      case .conv, .dense: true
      default: false
      }
    }
    let spent = try host.compile(canonical).costs?.layers ?? []
    hostCosts = layers.map { layer in
      let cost = spent.first { $0.node == layer }
      return BasesCost(picojoules: cost?.picojoules ?? 0, cycles: cost?.cycles ?? 0)
    }
    progress = Progress("budget", total: layers.count * Self.most + 5, unit: "trials")
  }

  /// The choice that keeps the budget, and the path that it was found on.
  public mutating func run(_ budget: Budget, isKept: (_ layer: Int, _ of: Int) -> Bool) throws -> (chosen: BudgetPoint, table: Table) {
    var trials: [[Trial]] = []
    for layer in layers.indices { trials.append(isKept(layer, layers.count) ? [] : try sensitivities(of: layer)) }
    var path = path(trials)
    defer { progress.finish() }
    switch budget {
    case .energy(let limit):
      let place = path.lastIndex { $0.cost.picojoules <= limit } ?? 0
      try measure(&path[place])
      return (path[place], table(path, chosen: place, budget))
    case .loss(let points):
      var (low, high) = (0, path.count - 1)
      while low < high {
        let middle = (low + high) / 2
        try measure(&path[middle])
        if keeps(path[middle], points) { high = middle } else { low = middle + 1 }
      }
      try measure(&path[low])
      return (path[low], table(path, chosen: low, budget))
    }
  }

  private func keeps(_ point: BudgetPoint, _ points: Double) -> Bool {
    point.measured.map { $0.cautiousLoss <= points } ?? false
  }

  /// One layer with so many bases (0: on the host), all others in floating point.
  private struct Trial {
    var bases: Int
    var divergence: Double
    var cost: BasesCost
  }

  private mutating func sensitivities(of layer: Int) throws -> [Trial] {
    var trials: [Trial] = []
    for bases in 1...Self.most {
      var choice = [Int](repeating: 0, count: layers.count)
      choice[layer] = bases
      let (graph, fidelity) = try lowered(choice)
      let cost = try arrayCost(of: graph)
      progress.update(layer * Self.most + bases)
      // A layer that no array takes has no cost there: it stays where it is.
      guard cost.cycles > 0 else { return [] }
      trials.append(Trial(bases: bases, divergence: fidelity.divergence, cost: cost))
    }
    trials.append(Trial(bases: 0, divergence: 0, cost: hostCosts[layer]))
    return trials
  }

  private func lowered(_ bases: [Int]) throws -> (graph: Graph, fidelity: Fidelity) {
    var options = options
    options.binarize.removeAll { $0.key == "bases" }
    options.binarize.append(("bases", bases.map(String.init).joined(separator: ":")))
    var session = session
    let graph = try session.run(options.pipelineText, on: canonical, target: target)
    var fidelity = Fidelity()
    for (batch, original) in zip(heldOut, originalScores) {
      fidelity.add(original: original, other: try Session.evaluator(registry)(graph, batch, [graph.outputs[0].value])[0])
    }
    return (graph, fidelity)
  }

  /// What the binary layers of a graph cost on the machine.
  private func arrayCost(of graph: Graph) throws -> BasesCost {
    var session = session
    let tiled = target == nil ? try session.run("tile", on: graph, target: machine.target()) : graph
    let array = try machine.compile(tiled).costs?.layers.filter { $0.place == .array } ?? []
    return BasesCost(picojoules: array.reduce(0) { $0 + $1.picojoules }, cycles: array.reduce(0) { $0 + $1.cycles })
  }

  /// From one base everywhere, step by step to the best there is: always the step that takes most divergence for its energy.
  private func path(_ trials: [[Trial]]) -> [BudgetPoint] {
    var places = trials.map { _ in 0 }
    func point() -> BudgetPoint {
      let chosen = trials.indices.map { trials[$0].isEmpty ? Trial(bases: 0, divergence: 0, cost: hostCosts[$0]) : trials[$0][places[$0]] }
      return BudgetPoint(
        bases: chosen.map(\.bases), cost: chosen.reduce(BasesCost(picojoules: 0, cycles: 0)) { $0 + $1.cost },
        expectedDivergence: chosen.reduce(0) { $0 + $1.divergence }, measured: nil)
    }
    var points = [point()]
    while true {
      var best: (layer: Int, place: Int, worth: Double)?
      for layer in trials.indices where !trials[layer].isEmpty {
        let now = trials[layer][places[layer]]
        for place in trials[layer].indices.dropFirst(places[layer] + 1) {
          let next = trials[layer][place]
          let worth = (now.divergence - next.divergence) / max(next.cost.picojoules - now.cost.picojoules, 1e-9)
          if worth > best?.worth ?? 0 { best = (layer, place, worth) }
        }
      }
      guard let best else { return points }
      places[best.layer] = best.place
      points.append(point())
    }
  }

  private mutating func measure(_ point: inout BudgetPoint) throws {
    guard point.measured == nil else { return }
    point.measured = try lowered(point.bases).fidelity
  }

  private func table(_ path: [BudgetPoint], chosen: Int, _ budget: Budget) -> Table {
    var table = Table(
      "Bases for each layer: accuracy against energy",
      columns: ["", "bases", "energy nJ", "cycles", "divergence", "expected loss", "±", "decides alike %", "counted loss"])
    for (place, point) in path.enumerated() {
      table.rows.append([
        place == chosen ? "chosen" : "", .text(point.option), .number(point.cost.picojoules / 1e3, digits: 2), .int(point.cost.cycles),
        .number(point.expectedDivergence, digits: 5), point.measured.map { .number($0.loss, digits: 2) } ?? .none,
        point.measured.map { .number($0.standardError, digits: 2) } ?? .none,
        point.measured.map { .number(100 * $0.agreement, digits: 1) } ?? .none,
        point.measured.map { .number($0.cautiousLoss, digits: 2) } ?? .none,
      ])
    }
    table.notes = [
      "energy: binary layers on \(machine.spelling), layers in floating point (0) as the processor of 'baseline' spends on them; other host work is not in it",
      "divergence: sum over layers, each alone; losses: points of accuracy, on calibration samples that nothing was fitted to",
      "counted loss: what is expected and its standard error, but at least half of all decisions that differ",
    ]
    if case .loss(let points) = budget, !keeps(path[chosen], points) {
      table.notes.append("no choice keeps the budget; this is the best there is")
    }
    return table
  }
}
