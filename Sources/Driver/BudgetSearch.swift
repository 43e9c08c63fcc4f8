import GraphIR
import PluginAPI

/// Chooses how many bases each layer gets, and which layers stay in floating point on the host, for a budget of accuracy or energy.
///
/// Each layer alone is fitted with 1 to 4 bases on two thirds of the calibration data, all others in floating point, and measured on the
/// rest. Then, from one base everywhere, the next base goes where it takes most divergence for its energy. Choices on that path are lowered
/// as a whole, by halving, until the cheapest that keeps the budget is found: three times, on two thirds of the data each, and measured on the
/// third that is left, so that every sample counts and nothing was fitted to it. The same bases everywhere are tried where that is cheaper.
public struct BudgetSearch {
  private let registry: Registry
  private let canonical: Graph
  private let options: LoweringOptions
  private let target: Target?
  private let machine: ConfiguredBackend
  private let folds: [Fold]
  private let layers: [NodeID]
  private let hostCosts: [BasesCost]
  private let expectedFits: Int
  private var fits = 0
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
    var base = session
    base.configureRunner = { [configure = session.configureRunner] runner in
      configure(&runner)
      runner.showsProgress = false
    }
    let output = canonical.outputs[0].value
    let scores = try batches.map { try Session.evaluator(registry)(canonical, $0, [output])[0] }
    let count = min(3, batches.count)
    folds = (0..<count).map { fold in
      let isHeldOut = { (batch: Int) in batch * count / batches.count == fold }
      var fitting = base
      fitting.calibration = batches.indices.filter { !isHeldOut($0) }.map { batches[$0] }
      return Fold(session: fitting, heldOut: batches.indices.filter(isHeldOut).map { (batches[$0], scores[$0]) })
    }
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
    // Halving a path of at most so many steps takes as many choices as their number has bits.
    let steps = layers.count * Self.most + 1
    expectedFits = layers.count * Self.most + folds.count * (Int.bitWidth - steps.leadingZeroBitCount)
    progress = Progress("budget", total: expectedFits, unit: "fits")
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
      let chosen = try tryUniform(trials, points, chosen: low, &path)
      return (path[chosen], table(path, chosen: chosen, budget))
    }
  }

  private func keeps(_ point: BudgetPoint, _ points: Double) -> Bool {
    point.measured.map { $0.cautiousLoss <= points } ?? false
  }

  /// A part of the calibration data that is held out, with the original's scores; the session has the rest.
  private struct Fold {
    var session: Session
    var heldOut: [(batch: [Tensor], scores: Tensor)]
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
      let graph = try lowered(choice, folds[0], refit: false)
      var fidelity = Fidelity()
      try add(graph, folds[0], to: &fidelity)
      let cost = try arrayCost(of: graph)
      // A layer that no array takes has no cost there: it stays where it is.
      guard cost.cycles > 0 else { return [] }
      trials.append(Trial(bases: bases, divergence: fidelity.divergence, cost: cost))
    }
    trials.append(Trial(bases: 0, divergence: 0, cost: hostCosts[layer]))
    return trials
  }

  /// The network with so many bases, fitted to the part of a fold that is not held out.
  private mutating func lowered(_ bases: [Int], _ fold: Fold, refit: Bool) throws -> Graph {
    defer {
      fits += 1
      progress.update(min(fits, expectedFits))
    }
    var options = options
    if !refit { options.binarize.append(("refit", "false")) }
    options.binarize.removeAll { $0.key == "bases" }
    options.binarize.append(("bases", bases.map(String.init).joined(separator: ":")))
    var session = fold.session
    return try session.run(options.pipelineText, on: canonical, target: target)
  }

  /// Adds how a network does on the part of a fold that is held out.
  private func add(_ graph: Graph, _ fold: Fold, to fidelity: inout Fidelity) throws {
    for (batch, scores) in fold.heldOut {
      fidelity.add(original: scores, other: try Session.evaluator(registry)(graph, batch, [graph.outputs[0].value])[0])
    }
  }

  /// What the binary layers of a graph cost on the machine.
  private func arrayCost(of graph: Graph) throws -> BasesCost {
    var session = folds[0].session
    let tiled = target == nil ? try session.run("tile", on: graph, target: machine.target()) : graph
    guard let costs = try machine.compile(tiled).costs else {
      throw Diagnostic(
        .usage, "a budget needs the costs of '\(machine.spelling)', and its hardware sheet does not say how long an evaluation takes",
        hint: "state timing.cycle and energy.output in a sheet of your own, or take another chip")
    }
    let array = costs.layers.filter { $0.place == .array }
    if let layer = array.first(where: { !$0.energy.isEmpty && $0.energy.allSatisfy { $0.picojoules == nil } }) {
      throw Diagnostic(
        .usage,
        "a budget needs the energy of '\(machine.spelling)', and its hardware sheet has no figure for: "
          + layer.energy.map(\.component).joined(separator: ", "),
        hint: "state energy.output in a sheet of your own, or take another chip")
    }
    return BasesCost(picojoules: array.reduce(0) { $0 + $1.picojoules }, cycles: array.reduce(0) { $0 + $1.cycles })
  }

  /// From one base everywhere, step by step to the best there is: always the step that takes most divergence for its energy.
  private func path(_ trials: [[Trial]]) -> [BudgetPoint] {
    var places = trials.map { _ in 0 }
    var points = [point(trials, places)]
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
      points.append(point(trials, places))
    }
  }

  /// The choice of one trial for each layer; a layer without trials stays on the host.
  private func point(_ trials: [[Trial]], _ places: [Int]) -> BudgetPoint {
    let chosen = trials.indices.map { trials[$0].isEmpty ? Trial(bases: 0, divergence: 0, cost: hostCosts[$0]) : trials[$0][places[$0]] }
    return BudgetPoint(
      bases: chosen.map(\.bases), cost: chosen.reduce(BasesCost(picojoules: 0, cycles: 0)) { $0 + $1.cost },
      expectedDivergence: chosen.reduce(0) { $0 + $1.divergence }, measured: nil)
  }

  /// Tries the same bases everywhere where that is cheaper than what was chosen from the path, and adds to the path what was tried. Returns
  /// the place of the cheapest choice that keeps the budget.
  private mutating func tryUniform(_ trials: [[Trial]], _ points: Double, chosen: Int, _ path: inout [BudgetPoint]) throws -> Int {
    var chosen = chosen
    for bases in 1...Self.most {
      var uniform = point(trials, trials.map { _ in bases - 1 })
      guard uniform.cost.picojoules < path[chosen].cost.picojoules else { break }
      if path.contains(where: { $0.bases == uniform.bases }) { continue }
      try measure(&uniform)
      let place = path.firstIndex { $0.cost.picojoules > uniform.cost.picojoules } ?? path.count
      path.insert(uniform, at: place)
      if keeps(uniform, points) { return place }
      chosen += place <= chosen ? 1 : 0
    }
    return chosen
  }

  private mutating func measure(_ point: inout BudgetPoint) throws {
    guard point.measured == nil else { return }
    var fidelity = Fidelity()
    for fold in folds { try add(lowered(point.bases, fold, refit: true), fold, to: &fidelity) }
    point.measured = fidelity
  }

  private func table(_ path: [BudgetPoint], chosen: Int, _ budget: Budget) -> Table {
    var table = Table(
      "Bases for each layer: accuracy against energy", key: "frontier",
      columns: ["chosen", "bases", "energy nJ", "cycles", "divergence", "expected loss", "±", "decides alike %", "counted loss"])
    for (place, point) in path.enumerated() {
      table.rows.append([
        place == chosen ? "yes" : .none, .text(point.option), .number(point.cost.picojoules / 1e3, digits: 2), .int(point.cost.cycles),
        .number(point.expectedDivergence, digits: 5), point.measured.map { .number($0.loss, digits: 2) } ?? .none,
        point.measured.map { .number($0.standardError, digits: 2) } ?? .none,
        point.measured.map { .number(100 * $0.agreement, digits: 1) } ?? .none,
        point.measured.map { .number($0.cautiousLoss, digits: 2) } ?? .none,
      ])
    }
    table.notes = [
      "energy: binary layers on \(machine.spelling), layers in floating point (0) as the processor of 'baseline' spends on them; other host work is not in it",
      "divergence: sum over layers, each alone; losses: points of accuracy, on calibration samples that nothing was fitted to",
      "expected loss: by the original's own probabilities of the two answers where decisions differ, as if it were surer; ±: standard error",
      "counted loss: what is expected and three standard errors",
    ]
    switch budget {
    case .loss(let points) where !keeps(path[chosen], points):
      table.notes.append("no choice keeps the budget; this is the best there is")
    case .energy(let limit) where path[chosen].cost.picojoules > limit:
      table.notes.append("no choice keeps the budget; this is the cheapest there is")
    default: break
    }
    return table
  }
}
