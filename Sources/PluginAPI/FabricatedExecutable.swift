/// An executable of a machine of which no two specimens are alike: each chip is made with errors of its own.
public protocol FabricatedExecutable: Executable {
  /// The errors that are on, by name; none for the ideal machine.
  var errorSources: [String] { get }

  /// The number of the chip that it runs on.
  var chip: Int { get }

  /// Whether a calibration was given, which holds for that chip only.
  var isCalibrated: Bool { get }

  /// The same program on chip `chip`, with one of its errors switched off, or with its one-time trims done.
  func specimen(chip: Int, without source: String?, isTrimmed: Bool?) -> any Executable

  /// What a controller would set on this chip, and the ranges of the network's layers; without the data that anything saw.
  func calibrated() -> ChipCalibration
}
