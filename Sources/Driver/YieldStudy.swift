import Dispatch
import GraphIR
import PluginAPI

/// Many chips of one design, each measured on the same samples: how accuracy is spread over them, and which error costs most.
public struct YieldStudy: Sendable {
  /// What one chip did.
  public struct Outcome: Hashable, Sendable {
    /// Its number.
    public var chip: Int
    /// The error that was switched off; `trim` for a chip with its trims done; empty for the chip as it is.
    public var variant: String
    /// Samples that it was measured on.
    public var samples: Int
    /// Right decisions; -1 without labels.
    public var correct: Int
    /// Scores against the full-precision network, in dB.
    public var decibels: Double

    /// An outcome as measured, or as read from a file.
    public init(chip: Int, variant: String, samples: Int, correct: Int, decibels: Double) {
      self.chip = chip
      self.variant = variant
      self.samples = samples
      self.correct = correct
      self.decibels = decibels
    }

    /// The share of right decisions; nil without labels.
    public var accuracy: Double? { correct < 0 || samples == 0 ? nil : Double(correct) / Double(samples) }
  }

  /// One chip under one condition.
  public struct Task: Hashable, Sendable {
    /// Its number.
    public var chip: Int
    /// As in `Outcome`.
    public var variant: String

    /// One chip under one condition.
    public init(chip: Int, variant: String) {
      self.chip = chip
      self.variant = variant
    }
  }

  private let design: any FabricatedExecutable
  private let inputs: [Tensor]
  private let labels: [Int]?
  private let reference: Tensor

  /// Chips of `design`, on samples (a tensor for each input) with their labels, beside the scores of the full-precision network.
  public init(_ design: any FabricatedExecutable, inputs: [Tensor], labels: [Int]?, reference: Tensor) {
    self.design = design
    self.inputs = inputs
    self.labels = labels
    self.reference = reference
  }

  /// Measures chips on threads, each chip on one; `done` is told of every few that are finished, in the order of `tasks`.
  public func run(_ tasks: [Task], threads: Int, done: ([Outcome]) throws -> Void) throws {
    let wave = max(1, threads) * 4
    for start in stride(from: 0, to: tasks.count, by: wave) {
      let own = Array(tasks[start..<min(start + wave, tasks.count)])
      var results = [Result<Outcome, any Error>?](repeating: nil, count: own.count)
      let workers = min(max(1, threads), own.count)
      results.withUnsafeMutableBufferPointer { results in
        // Each task writes its own element.
        nonisolated(unsafe) let results = results
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
          for number in stride(from: worker, to: own.count, by: workers) { results[number] = Result { try measure(own[number]) } }
        }
      }
      try done(results.compactMap { $0 }.map { try $0.get() })
    }
  }

  private func measure(_ task: Task) throws -> Outcome {
    let chip = design.specimen(
      chip: task.chip, without: task.variant.isEmpty || task.variant == "trim" ? nil : task.variant,
      isTrimmed: task.variant == "trim" ? true : nil)
    let scores = try chip.run(inputs, taps: [], threads: 1).outputs[0]
    var fidelity = ScoreFidelity()
    fidelity.add(scores, reference: reference)
    let correct = labels.map { labels in zip(Accuracy.decisions(scores), labels).count { $0 == $1 } } ?? -1
    return Outcome(chip: task.chip, variant: task.variant, samples: reference.shape[0], correct: correct, decibels: fidelity.decibels)
  }
}
