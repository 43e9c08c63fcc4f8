import GraphIR
import Hardware
import PluginAPI

/// A circuit that errs: what it is, and when the error strikes.
enum ErrorSource: String, CaseIterable, Sendable {
  case dacGain = "dac-gain"
  case dacBow = "dac-bow"
  case cell = "cell"
  case comparatorOffset = "comparator-offset"
  case converterGain = "converter-gain"
  case conversionLaw = "conversion-law"
  case weightWrite = "weight-write"
  case thermal = "thermal"

  /// When an error is drawn.
  enum Moment: String, Sendable { case design, chip, weightWrite = "weight write", evaluation }

  var moment: Moment {
    switch self {
    case .dacBow, .conversionLaw: .design
    case .dacGain, .cell, .comparatorOffset, .converterGain: .chip
    case .weightWrite: .weightWrite
    case .thermal: .evaluation
    }
  }
}

/// How large each error is for one run of the machine; all 0 is the ideal machine.
struct ErrorModel: Hashable, Sendable {
  /// Relative, by column.
  var dacGain = 0.0
  /// At mid-scale, in input steps.
  var dacBow = 0.0
  /// Relative to a full weight, by cell.
  var cell = 0.0
  /// Whether a weight is the difference of two devices, a full one and an empty one, each with an error of its own; no device is below 0.
  var isPaired = false
  /// In volts, by local array.
  var comparatorOffset = 0.0
  /// Relative, by local array.
  var converterGain = 0.0
  /// Relative to a full weight, by cell and placement.
  var weightWrite = 0.0
  /// In volts, by evaluation.
  var thermal = 0.0
  /// In steps of the converter, by evaluation; beside `thermal`.
  var noise = 0.0
  /// Whether the converter's rail rises in shrinking steps (reading B of the charge-sharing converter).
  var sharesCharge = false
  /// Voltage of the largest input code.
  var fullScaleVoltage = 1.0
  /// Whether offsets, gains and the DAC's full scale are trimmed once, after the chip was made.
  var isTrimmed = false
  /// What was set once on one chip; on that chip it stands in the place of trims done anew.
  var calibration: ChipCalibration?

  /// Whether values are the numeric contract's.
  var isIdeal: Bool {
    [dacGain, dacBow, cell, comparatorOffset, converterGain, weightWrite, thermal, noise].allSatisfy { $0 == 0 } && !sharesCharge
  }

  /// Whether every evaluation draws anew.
  var isNoisy: Bool { thermal != 0 || noise != 0 }

  init() {}

  /// What the options say, over what the description says where they ask for it.
  init(_ options: Options, _ chip: MacroDescription) throws {
    if options[text: "errors"] == "on" {
      guard let errors = chip.errors else {
        throw Diagnostic(.usage, "'\(chip.name)' says nothing about errors", hint: "give them: mismatch=0.01, noise=0.5")
      }
      func number(_ fact: Fact) throws -> Double {
        guard let number = fact.number else {
          throw Diagnostic(
            .usage, "'\(fact.path)' of '\(chip.name)' is unknown", hint: "an unknown error is not 0; write a value with mark A")
        }
        return number
      }
      fullScaleVoltage = try number(errors.fullScaleVoltage)
      dacGain = try number(errors.dacGain)
      dacBow = try number(errors.dacBow)
      cell = try number(errors.cell)
      comparatorOffset = try number(errors.comparatorOffset)
      converterGain = try number(errors.converterGain)
      weightWrite = try number(errors.weightWrite)
      thermal = try number(errors.thermal)
    } else if let volts = chip.errors?.fullScaleVoltage.number {
      fullScaleVoltage = volts
    }
    func take(_ name: String, _ path: WritableKeyPath<ErrorModel, Double>, scale: Double = 1) throws {
      guard let value = options[number: name] else { return }
      guard value >= 0 || name == "dac-bow" else { throw Diagnostic(.usage, "\(name)=\(value) is negative", hint: "a standard deviation") }
      self[keyPath: path] = value * scale
    }
    try take("mismatch", \.cell)
    try take("dac-gain", \.dacGain)
    try take("dac-bow", \.dacBow)
    try take("offset", \.comparatorOffset, scale: 1e-3)
    try take("adc-gain", \.converterGain)
    try take("write", \.weightWrite)
    if let value = options[number: "noise"] {
      guard value >= 0 else { throw Diagnostic(.usage, "noise=\(value) is negative", hint: "a standard deviation, in converter steps") }
      (noise, thermal) = (value, 0)
    }
    isPaired = options[text: "cells"] == "pair"
    sharesCharge = options[text: "step"] == "charge-share"
    isTrimmed = options[flag: "trim"]
    if let path = options[text: "calibration"] {
      let calibration = try CalibrationFile.read(path)
      try require(calibration, for: chip, options, file: path)
      self.calibration = calibration
    }
  }

  /// Throws where a calibration is of another chip than the one that is asked for.
  private func require(_ calibration: ChipCalibration, for chip: MacroDescription, _ options: Options, file: String) throws {
    if options[flag: "trim"] { throw Diagnostic(.usage, "trim=true does trims anew, calibration= takes those of a file", hint: "give one") }
    let (seed, number) = (options[int: "seed"] ?? 1, options[int: "chip"] ?? 0)
    guard calibration.hardware == chip.name, calibration.seed == seed, calibration.chip == number else {
      throw Diagnostic(
        .badInput, "is of chip \(calibration.chip) of seed \(calibration.seed) of '\(calibration.hardware)'", file: file,
        hint: "this is chip \(number) of seed \(seed) of '\(chip.name)'")
    }
    guard calibration.circuits == circuits(of: chip) else {
      throw Diagnostic(
        .badInput, "is of circuits with \(calibration.circuits)", file: file,
        hint: "these have \(circuits(of: chip)); calibrate the chip anew")
    }
    let macros = options[int: "macros"] ?? 1
    let arrays = chip.localArrays
    guard Set(calibration.trims.map(\.macro)) == Set(0..<macros), calibration.trims.count == macros,
      calibration.trims.allSatisfy({ $0.offsets.count == arrays && $0.gains.count == arrays })
    else {
      throw Diagnostic(
        .badInput, "does not have trims for \(macros) macros of \(arrays) local arrays each", file: file, hint: "calibrate it anew")
    }
  }

  /// The circuits that trims are set on, and how far they err.
  func circuits(of chip: MacroDescription) -> String {
    let converter = chip.converter.map { "converters of \($0.bits) bits over \($0.fullScale)" } ?? "no converters"
    return "\(chip.columns) columns, \(chip.localArrays) local arrays, \(converter), \(fullScaleVoltage) V full scale, "
      + "dac-gain \(dacGain), offset \(comparatorOffset * 1e3) mV, adc-gain \(converterGain)"
  }

  /// The same machine with one error gone.
  func without(_ source: ErrorSource) -> ErrorModel {
    var model = self
    switch source {
    case .dacGain: model.dacGain = 0
    case .dacBow: model.dacBow = 0
    case .cell: model.cell = 0
    case .comparatorOffset: model.comparatorOffset = 0
    case .converterGain: model.converterGain = 0
    case .conversionLaw: model.sharesCharge = false
    case .weightWrite: model.weightWrite = 0
    case .thermal: (model.thermal, model.noise) = (0, 0)
    }
    return model
  }

  /// The errors that are there.
  var sources: [ErrorSource] { ErrorSource.allCases.filter { without($0) != self } }

  /// What a reader must know, in one line; nil for the ideal machine.
  var note: String? {
    guard !isIdeal else { return nil }
    var parts: [String] = []
    func add(_ name: String, _ value: Double, _ unit: String) { if value != 0 { parts.append("\(name) \(value)\(unit)") } }
    add("dac-gain", dacGain, "")
    add("dac-bow", dacBow, " steps")
    add("cell", cell, "")
    add("comparator-offset", comparatorOffset * 1e3, " mV")
    add("converter-gain", converterGain, "")
    add("weight-write", weightWrite, "")
    if isPaired && (cell != 0 || weightWrite != 0) { parts.append("cells in pairs") }
    add("thermal", thermal * 1e3, " mV")
    add("noise", noise, " converter steps")
    if sharesCharge { parts.append("charge-sharing steps") }
    if isTrimmed { parts.append("trimmed") }
    if calibration != nil { parts.append("calibrated by a file") }
    return "circuit errors are on, values are not the contract's: \(parts.joined(separator: ", "))"
  }

  static let options: [OptionSpec] = [
    OptionSpec("errors", .word(["off", "on"]), default: "off", "circuit errors of the hardware file; those below are on when given"),
    OptionSpec("seed", .int(0...Int.max), default: "1", "of all random numbers"),
    OptionSpec("chip", .int(0...((1 << 24) - 1)), default: "0", "which chip of those that the seed makes"),
    OptionSpec("mismatch", .number, default: nil, "sigma of a cell, as a share of a full weight; drawn once a chip"),
    OptionSpec(
      "cells", .word(["single", "pair"]), default: "single",
      "what a sigma of mismatch or write means: of one cell with a sign, or of each device of a differential pair, none below 0"),
    OptionSpec("dac-gain", .number, default: nil, "sigma of a column's input gain"),
    OptionSpec("dac-bow", .number, default: nil, "bow of the input transfer at mid-scale, in input steps"),
    OptionSpec("offset", .number, default: nil, "sigma of a comparator's offset in mV, swapped on alternate cycles"),
    OptionSpec("adc-gain", .number, default: nil, "sigma of a converter's step"),
    OptionSpec("write", .number, default: nil, "sigma of a cell at each weight write"),
    OptionSpec("noise", .number, default: nil, "sigma at each evaluation, in converter steps; replaces the file's thermal noise"),
    OptionSpec("step", .word(["equal", "charge-share"]), default: "equal", "steps of the converter: all alike, or shrinking"),
    OptionSpec("trim", .flag, default: "false", "one-time trims of the made chip: DAC full scale, converter offsets and gains"),
    OptionSpec("calibration", .text, default: nil, "a file of 'bitline calibrate', whose trims are set on the chip that it is of"),
    OptionSpec("inputs", .word(["parallel", "bit-serial"]), default: nil, "codes as voltages, or bit by bit; as the hardware file says"),
  ]
}
