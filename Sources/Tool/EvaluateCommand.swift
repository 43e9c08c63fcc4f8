import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

struct EvaluateCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measures accuracy on labelled data, on every backend and beside the full-precision network.")

  @OptionGroup var model: ModelFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags
  @OptionGroup var watching: PassFlags
  @OptionGroup var samples: SampleFlags

  @Option(help: ArgumentHelp("The full-precision network to stand beside; the model itself, canonical, without it.", valueName: "model"))
  var against: String?

  @Flag(help: "Compares every value of every sample too, as 'compare' does.")
  var allValues = false

  @Option(help: "What the machines' output converters did with these samples: none, layers, or tiles of layers.")
  var converters: Converters = .none

  /// How closely converters are looked at.
  enum Converters: String, ExpressibleByArgument, CaseIterable { case none, layers, tiles }

  @Flag(help: "Prints who was taken for what.")
  var confusion = false

  @Option(help: "text or json.")
  var format: Format = .text

  func execute(_ registry: Registry) throws {
    guard let data = try samples.dataset(needsLabels: true) else {
      throw Diagnostic(.usage, "evaluate needs labelled data", hint: "such as --data mnist:FOLDER or --data digits:1000")
    }
    let bench = try Workbench(registry, model, backend.spellings(), lowering, watching)
    printNotes(bench.notes)
    var runs = bench.machines.map { Run(name: $0.name, stage: bench.stageName, executable: $0.executable) }
    let beside = try fullPrecision(registry, bench)
    if let beside { runs.append(beside) }
    let set = try data.fitted(to: bench.graph)
    if bench.graph.outputs.count > 1 {
      printNotes(["accuracy is that of output '\(bench.graph.outputs[0].name)', the first of \(bench.graph.outputs.count)"])
    }
    let output = bench.graph.type(of: bench.graph.outputs[0].value)
    let wide = output.shape.dimensions.dropFirst().filter { $0 != 1 }
    guard output.element == .float32, output.shape.rank >= 2, wide.count <= 1 else {
      throw Diagnostic(.badInput, "output '\(bench.graph.outputs[0].name)' is \(output)", hint: "accuracy needs scores, f32[N x classes]")
    }
    try set.requireLabels(below: wide.first ?? 1, count: samples.count ?? set.count)
    if allValues { try bench.program?.checkConstants() }
    for index in runs.indices { runs[index].accuracy = Accuracy(name: runs[index].name, classes: wide.first ?? 1) }
    var comparison = allValues ? try Comparison(bench.machines.map { ($0.name, $0.executable) }) : nil

    try samples.forEachBatch(of: set, title: "evaluate") { inputs, range in
      let shared = try comparison?.add(inputs, threads: backend.threads)
      var first: [Int] = []
      for index in runs.indices {
        let clock = ContinuousClock()
        let start = clock.now
        let scores =
          if let counting = converters == .none ? nil : runs[index].executable as? any ConvertingExecutable {
            try runs[index].add(counting.runCounting(inputs, threads: backend.threads))
          } else if let shared, index < shared.count {
            shared[index][0]
          } else {
            try runs[index].executable.run(inputs, taps: [], threads: backend.threads).outputs[0]
          }
        runs[index].seconds += (clock.now - start) / .seconds(1)
        let decisions = Accuracy.decisions(scores)
        if index == 0 { first = decisions }
        runs[index].accuracy.add(decisions: decisions, labels: set.labels[range], first: first)
      }
    }
    try reportAll(bench, runs, comparison, registry, hasBeside: beside != nil)
  }

  /// One machine being measured.
  private struct Run {
    let name: String
    let stage: String
    let executable: any Executable
    var accuracy = Accuracy(name: "", classes: 0)
    var seconds = 0.0
    /// What its converters did; empty when nobody asked.
    var uses: [ConverterUse] = []

    /// Takes in what one batch gave; hands back its scores.
    mutating func add(_ result: (outputs: [Tensor], uses: [ConverterUse])) -> Tensor {
      if uses.isEmpty { uses = result.uses } else { for (place, use) in result.uses.enumerated() { uses[place].add(use) } }
      return result.outputs[0]
    }
  }

  /// The network in full precision on the cpu; nil when that is what runs anyway.
  private func fullPrecision(_ registry: Registry, _ bench: Workbench) throws -> Run? {
    let cpu = try registry.backends([Spelling("cpu")])[0]
    if let against {
      var session = Session(registry, model: try registry.importModel(ImportRequest(path: against)))
      return Run(name: "cpu, \(against)", stage: "full precision", executable: try cpu.compile(session.canonical()))
    }
    guard bench.stage == .lowered, let canonical = bench.canonical else { return nil }
    return Run(name: "cpu, as imported", stage: "canonical", executable: try cpu.compile(canonical))
  }

  private func reportAll(_ bench: Workbench, _ runs: [Run], _ comparison: Comparison?, _ registry: Registry, hasBeside: Bool) throws {
    var accuracy = Table(
      "Accuracy on \(samples.data ?? ""), \(runs[0].accuracy.samples) samples",
      columns: ["backend", "stage", "correct", "top-1 %", "decides as the first", "samples/s"])
    for run in runs {
      accuracy.rows.append([
        .text(run.name), .text(run.stage), .int(run.accuracy.correct), .number(100 * run.accuracy.top1, digits: 2),
        .int(run.accuracy.agreeing),
        allValues && run.seconds < 1e-3 ? .none : .number(Double(run.accuracy.samples) / max(run.seconds, 1e-9), digits: 0),
      ])
    }
    var tables: [(key: String, table: Table)] = bench.loweringTables(format) + [("accuracy", accuracy)]
    let watched = runs.filter { !$0.uses.isEmpty }
    for run in watched {
      var table = Table(converters: run.uses, byTile: converters == .tiles)
      table.title += ": \(run.name)"
      tables.append((watched.count == 1 ? "converters" : "converters of \(run.name)", table))
    }
    if confusion {
      tables += runs.map { (runs.count == 1 ? "confusion" : "confusion of \($0.name)", $0.accuracy.confusionTable) }
    }
    if let comparison, format == .json || !comparison.isExact { tables.append(("agreement", comparison.table)) }
    if let claims = try bench.claims(
      registry,
      accuracy: hasBeside ? runs.last.map { (runs.first { $0.name.hasPrefix("imc") }?.accuracy.top1 ?? 0, $0.accuracy.top1) } : nil)
    {
      tables.append(("claims", claims.table))
    }
    report(tables, format: format)
    if let comparison, format == .text {
      let verdict = comparison.isExact ? "equal, byte for byte" : comparison.holds ? "within tolerance" : "NOT all within tolerance"
      writeOut("\n\(comparison.samples) samples, \(comparison.rows.count) comparisons of values each: \(verdict)\n")
    }
    if let row = comparison?.firstDifference { throw CompareCommand.difference(row, reference: bench.machines[0].name) }
  }
}

extension Workbench {
  /// The article's claims for this network, when both the in-memory and the plain machine run it.
  func claims(_ registry: Registry, accuracy: (machine: Double, full: Double)?) throws -> Claims? {
    guard let array = machines.first(where: { $0.backend.backend.name == "imc" })?.executable.costs,
      let plain = machines.first(where: { $0.backend.backend.name == "baseline" }), !array.layers.filter({ $0.place == .array }).isEmpty
    else { return nil }
    let given = plain.backend.spelling.given.filter { $0.key != "reuse" }
    var settings = ["none", "register", "full"].map { ("reuse \($0)", given + [(key: "reuse", value: $0)]) }
    if !given.contains(where: { $0.key == "weights" }) {
      settings.append(("reuse full, 1-bit weights", given + [(key: "reuse", value: "full"), (key: "weights", value: "bit")]))
    }
    let reports = try settings.compactMap { setting, options -> (setting: String, report: CostReport)? in
      guard let report = try registry.backends([Spelling("baseline", options)])[0].compile(graph).costs else { return nil }
      return (setting, report)
    }
    return Claims(array: array, plain: reports, accuracy: accuracy)
  }
}
