import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

struct YieldCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "yield",
    abstract: "Measures many simulated chips of one design: how accuracy is spread, and which circuit error costs most.",
    discussion: "Finished chips are kept in --results; the same command goes on where an interrupted one was.")

  @OptionGroup var model: SourceFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags

  @OptionGroup var measured: FabricationFlags

  @Option(help: "How many chips are made.")
  var chips: Int = 100

  @Option(help: "The first chip's number.")
  var firstChip: Int = 0

  @Option(help: "The share of right decisions that a good chip reaches.")
  var threshold: Double?

  @Flag(help: "Measures the chips again with each error switched off in turn, and with their trims done.")
  var attribute = false

  @Option(help: ArgumentHelp("Keeps finished chips here.", valueName: "file"))
  var results: String?

  @Option(name: .customLong("repeat"), help: "Measures speed instead: so many runs of one chip, batches of 100 and of 1.")
  var repeats: Int?

  @Option(help: "text or json.")
  var format: Format = .text

  /// Throws for options that would have no effect.
  private func requireSense() throws {
    if let threshold, !(0...1).contains(threshold) {
      throw Diagnostic(.usage, "--threshold cannot be \(threshold)", hint: "a share of 1, such as 0.98")
    }
    guard let repeats else { return }
    guard repeats >= 1 else { throw Diagnostic(.usage, "--repeat \(repeats) is not positive") }
    let unused = [("--results", results != nil), ("--attribute", attribute), ("--threshold", threshold != nil)].filter(\.1).map(\.0)
    if !unused.isEmpty {
      throw Diagnostic(.usage, "\(unused.joined(separator: ", ")) cannot stand beside --repeat", hint: "that measures speed only")
    }
  }

  func execute(_ registry: Registry) throws {
    try requireSense()
    guard chips >= 1, firstChip >= 0, firstChip + chips <= 1 << 24 else {
      throw Diagnostic(.usage, "--chips and --first-chip must be positive", hint: "at most \(1 << 24) chips")
    }
    let bench = try FabricationBench(registry, model.request(), backend, lowering, measured)
    let (design, samples) = (bench.design, bench.samples)
    if bench.spelling.keys.contains("chip") && !design.isCalibrated {
      throw Diagnostic(.usage, "chip= has no effect on yield, which makes many", hint: "--first-chip \(design.chip) --chips 1")
    }
    if design.isCalibrated && (firstChip..<firstChip + chips) != design.chip..<design.chip + 1 {
      throw Diagnostic(
        .usage, "the calibration is of chip \(design.chip) alone", hint: "--chips 1 --first-chip \(design.chip), or leave it out")
    }
    if let repeats {
      report([("speed", try speed(design, samples, repeats))], format: format)
      return
    }
    try measure(try bench.study(registry, threads: backend.threads), bench)
  }

  private func measure(_ study: YieldStudy, _ bench: FabricationBench) throws {
    let (design, spelling, samples) = (bench.design, bench.spelling, bench.samples)
    let variants = [""] + (attribute ? design.errorSources + ["trim"] : [])
    let subject = "\(model.model) \(spelling) \(samples.name) \(samples.count) \(try lowering.options().pipelineText)"
    var file = try results.map { try YieldFile(path: $0, subject: "\(subject) \(bench.fingerprint())") }
    var outcomes = file?.outcomes ?? []
    let finished = Set(outcomes.map { YieldStudy.Task(chip: $0.chip, variant: $0.variant) })
    let range = firstChip..<firstChip + chips
    let tasks = variants.flatMap { variant in range.map { YieldStudy.Task(chip: $0, variant: variant) } }.filter { !finished.contains($0) }
    if !finished.isEmpty { printNotes(["\(finished.count) chips were finished before"]) }
    var progress = Progress("chips", total: tasks.count, unit: "chips")
    let clock = ContinuousClock()
    let start = clock.now
    var done = 0
    try study.run(tasks, threads: backend.threads) { batch in
      outcomes += batch
      try file?.add(batch)
      done += batch.count
      progress.update(done)
    }
    progress.finish()
    let seconds = (clock.now - start) / .seconds(1)
    let own = outcomes.filter { range.contains($0.chip) && variants.contains($0.variant) }
    var table = YieldStudy.table(own, variants: variants, threshold: threshold)
    table.title = "\(chips) chips of \(spelling) on \(samples.name), \(samples.count) samples each"
    table.notes.append("every sigma is an assumption; none has been published")
    if done > 0 {
      let rate = Double(done * samples.count) / max(seconds, 1e-9)
      table.notes.append("\(done) chips measured in \(Int(seconds * 10) / 10) s, \(Int(rate)) samples/s on \(backend.threads) threads")
    }
    report([("yield", table)], format: format)
  }

  /// Samples a second of one chip, on one thread unless --threads says more; the best of the runs.
  private func speed(_ design: any FabricatedExecutable, _ samples: FabricationSamples, _ repeats: Int) throws -> Table {
    let chip = design.specimen(chip: firstChip, without: nil, isTrimmed: nil)
    var table = Table("Speed on \(backend.threads) threads", columns: ["batch", "samples/s", "median samples/s"])
    for batch in [100, 1] where batch <= samples.count {
      let batches = samples.batches(of: batch).filter { $0[0].shape[0] == batch }
      var rates: [Double] = []
      for _ in 0..<repeats {
        let clock = ContinuousClock()
        let start = clock.now
        for inputs in batches { _ = try chip.run(inputs, taps: [], threads: backend.threads) }
        rates.append(Double(batches.count * batch) / ((clock.now - start) / .seconds(1)))
      }
      rates.sort()
      table.rows.append([.int(batch), .number(rates[rates.count - 1], digits: 0), .number(rates[rates.count / 2], digits: 0)])
    }
    return table
  }
}
