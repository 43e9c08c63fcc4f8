import GraphIR
import PluginAPI

extension LabelledDataset {
  /// Which half of a data set.
  enum Split: String, CaseIterable {
    case test, train
  }

  /// What may stand after `--data`, and what each reads.
  public static let spellings: [(form: String, summary: String)] = [
    ("mnist:FOLDER[,train]", "IDX files, gzipped or not: MNIST and its like"),
    ("cifar10:FOLDER[,train]", "CIFAR-10 binary batches: test_batch.bin, data_batch_*.bin"),
    ("npz:FILE", "an array 'images', or one for each input by its name (u8 as byte/255 for f32), and 'labels', which only accuracy needs"),
    ("digits:COUNT[,SEED]", "digits drawn by this program; they are not MNIST"),
  ]

  /// Loads what a spelling such as `mnist:data/mnist` or `digits:1000,7` names. Labels that are not needed and not there are 0.
  public init(spelling: String, needsLabels: Bool = true) throws {
    guard let colon = spelling.firstIndex(of: ":") else { throw Self.unknown(spelling) }
    let argument = String(spelling[spelling.index(after: colon)...])
    guard !argument.isEmpty else { throw Self.unknown(spelling) }
    switch spelling[..<colon] {
    case "mnist":
      let (folder, split) = try Self.splitOption(argument)
      try self.init(mnist: folder, split)
    case "cifar10":
      let (folder, split) = try Self.splitOption(argument)
      try self.init(cifar10: folder, split)
    case "npz": try self.init(npz: argument, needsLabels: needsLabels)
    case "digits": try self.init(digits: argument)
    default: throw Self.unknown(spelling)
    }
  }

  private static func unknown(_ spelling: String) -> Diagnostic {
    Diagnostic(.usage, "no data set is spelled '\(spelling)'", hint: "one of \(spellings.map(\.form).joined(separator: " "))")
  }

  /// Takes `,train` or `,test` off a folder's name, which may itself hold commas.
  private static func splitOption(_ argument: String) throws -> (folder: String, Split) {
    guard let comma = argument.lastIndex(of: ",") else { return (argument, .test) }
    let option = String(argument[argument.index(after: comma)...])
    if let split = Split(rawValue: option) { return (String(argument[..<comma]), split) }
    guard Files.exists(argument) else {
      throw Diagnostic(.usage, "unknown option '\(option)' of a data set", hint: "'train' or 'test'")
    }
    return (argument, .test)
  }

  private init(digits argument: String) throws {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= 2, let count = Int(parts[0]), DrawnDigits.counts ~= count else {
      throw Diagnostic(
        .usage, "'digits:\(argument)' does not say how many digits",
        hint: "digits:COUNT or digits:COUNT,SEED with COUNT of 1 to \(DrawnDigits.counts.upperBound)")
    }
    guard let seed = parts.count == 2 ? UInt64(parts[1]) : DrawnDigits.usualSeed else {
      throw Diagnostic(.usage, "'\(parts[1])' is no seed", hint: "a whole number of 0 or more")
    }
    self.init(digits: count, DrawnDigits(seed: seed))
  }

  /// `count` drawn digits, 28 x 28, grey.
  init(digits count: Int, _ digits: DrawnDigits) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count * DrawnDigits.side * DrawnDigits.side)
    for index in 0..<count { bytes += digits.pixels(of: index) }
    self.init(
      name: "\(count) drawn digits, seed \(digits.seed) (not MNIST)", shape: [1, DrawnDigits.side, DrawnDigits.side],
      pixels: bytes, labels: (0..<count).map(digits.label), classes: (0...9).map(String.init))
  }
}
