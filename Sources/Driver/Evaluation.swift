import GraphIR
import PluginAPI

/// Accuracy of one machine on labelled samples, and how often it decides as the first machine does.
public struct Accuracy: Sendable {
  /// The name on the command line.
  public let name: String
  /// How many classes there are.
  public let classes: Int
  /// Samples seen.
  public private(set) var samples = 0
  /// Correct decisions.
  public private(set) var correct = 0
  /// Samples on which the decision is the first machine's.
  public private(set) var agreeing = 0
  /// Counts by `label * classes + decision`.
  public private(set) var confusion: [Int]

  /// Creates one from its parts.
  public init(name: String, classes: Int) {
    self.name = name
    self.classes = classes
    confusion = [Int](repeating: 0, count: classes * classes)
  }

  /// The share of correct decisions.
  public var top1: Double { samples == 0 ? 0 : Double(correct) / Double(samples) }

  /// Takes one batch of decisions into account.
  public mutating func add(decisions: [Int], labels: ArraySlice<Int>, first: [Int]) {
    for (place, (decision, label)) in zip(decisions, labels).enumerated() {
      samples += 1
      if decision == label { correct += 1 }
      if decision == first[place] { agreeing += 1 }
      if decision < classes && label < classes { confusion[label * classes + decision] += 1 }
    }
  }

  /// The index of the largest score of each sample; the first of equals. Scores are f32 `[N, classes]`.
  public static func decisions(_ scores: Tensor) -> [Int] {
    let width = scores.count / max(1, scores.shape[0])
    return scores.withElements(Float.self) { scores in
      stride(from: 0, to: scores.count, by: max(1, width)).map { start in
        (1..<max(1, width)).reduce(0) { scores[start + $1] > scores[start + $0] ? $1 : $0 }
      }
    }
  }

  /// Labels down, decisions across.
  public var confusionTable: Table {
    Table(
      "Confusion of \(name): labels down, decisions across", columns: ["label"] + (0..<classes).map(String.init),
      rows: (0..<classes).map { label in [.int(label)] + (0..<classes).map { .int(confusion[label * classes + $0]) } })
  }
}
