import GraphIR
import PluginAPI

/// Finished chips on disk, so that an interrupted study goes on where it was: a line that says of what, then a line for each chip.
public struct YieldFile {
  /// Where it is.
  public let path: String
  /// What was measured; a file of something else is refused.
  private let subject: String
  /// The finished chips, in the order in which they were finished.
  public private(set) var outcomes: [YieldStudy.Outcome] = []

  /// Opens the file, or begins one.
  public init(path: String, subject: String) throws {
    self.path = path
    self.subject = subject
    guard Files.exists(path) else { return }
    let lines = String(decoding: try Files.read(path), as: UTF8.self).split(separator: "\n").map(String.init)
    guard lines.first == "# \(subject)" else {
      throw Diagnostic(
        .badInput, "holds the chips of another study", file: path, hint: "give another --results, or remove it; this one is '\(subject)'")
    }
    for (number, line) in lines.enumerated().dropFirst(2) {
      let parts = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 5, let chip = Int(parts[0]), let samples = Int(parts[2]), let correct = Int(parts[3]),
        let decibels = Double(parts[4])
      else { throw Diagnostic(.badInput, "'\(line)' is not a chip", file: path, place: "line \(number + 1)") }
      outcomes.append(YieldStudy.Outcome(chip: chip, variant: parts[1], samples: samples, correct: correct, decibels: decibels))
    }
  }

  /// Adds finished chips and writes the file whole.
  public mutating func add(_ finished: [YieldStudy.Outcome]) throws {
    outcomes += finished
    var text = "# \(subject)\nchip,variant,samples,correct,decibels\n"
    for each in outcomes { text += "\(each.chip),\(each.variant),\(each.samples),\(each.correct),\(each.decibels)\n" }
    try Files.write(text.utf8, to: path)
  }
}
