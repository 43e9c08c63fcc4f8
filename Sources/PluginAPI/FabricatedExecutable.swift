/// An executable of a machine of which no two specimens are alike: each chip is made with errors of its own.
public protocol FabricatedExecutable: Executable {
  /// The errors that are on, by name; none for the ideal machine.
  var errorSources: [String] { get }

  /// The same program on chip `chip`, with one of its errors switched off, or with its one-time trims done.
  func specimen(chip: Int, without source: String?, isTrimmed: Bool?) -> any Executable
}
