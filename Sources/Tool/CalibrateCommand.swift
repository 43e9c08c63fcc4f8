import ArgumentParser
import Driver
import GraphIR
import Hardware
import PluginAPI

struct CalibrateCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Trims one simulated chip as a controller would, once, and writes what was set; says what it bought.",
    discussion: "The file is taken by imc{calibration=FILE} with the same seed and chip.")

  @OptionGroup var model: SourceFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags

  @OptionGroup var measured: FabricationFlags

  @Option(name: .shortAndLong, help: ArgumentHelp("Where the calibration is written.", valueName: "file"))
  var output: String

  @Option(help: "text or json.")
  var format: Format = .text

  func execute(_ registry: Registry) throws {
    let bench = try FabricationBench(registry, model.request(), backend, lowering, measured)
    guard !bench.design.isCalibrated else { throw Diagnostic(.usage, "the chip is calibrated already", hint: "leave calibration= out") }
    let study = try bench.study(registry, threads: backend.threads)
    let chip = bench.design.chip
    var outcomes: [YieldStudy.Outcome] = []
    let tasks = ["", "trim"].map { YieldStudy.Task(chip: chip, variant: $0) }
    try study.run(tasks, threads: backend.threads) { outcomes += $0 }

    var calibration = bench.design.calibrated()
    let seen = ChipCalibration.Data(set: bench.samples.name, samples: bench.samples.count)
    if bench.hasCalibratedRanges {
      calibration.rangeData = ChipCalibration.Data(set: lowering.calibrate ?? seen.set, samples: bench.calibrationCount)
    }
    calibration.checked = seen
    var table = Table(
      "What calibration of chip \(chip) bought on \(seen.set), \(seen.samples) samples",
      columns: ["condition", "correct", "top-1 %", "SQNR dB"])
    for outcome in outcomes {
      let name = outcome.variant.isEmpty ? "as made" : "calibrated"
      table.rows.append([
        .text(name), outcome.correct < 0 ? .none : .int(outcome.correct),
        outcome.accuracy.map { .number(100 * $0, digits: 2) } ?? .none, .number(outcome.decibels, digits: 2),
      ])
      let decibels = "\((outcome.decibels * 100).rounded() / 100) dB"
      calibration.bought.append(outcome.correct < 0 ? "\(name): \(decibels)" : "\(name): \(outcome.correct) correct, \(decibels)")
    }
    try Files.write(CalibrationFile.text(calibration).utf8, to: output)
    report([("calibration", table)], format: format)
    writeError("wrote \(output)\n")
  }
}
