import Dispatch

/// How long each step of a plan has taken, over all runs so far.
///
/// A class because runs add to it; a lock guards it.
final class StepTimes: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var seconds: [[Double]]

  init(steps: Int) { seconds = [[Double]](repeating: [], count: steps) }

  func add(_ time: Double, step: Int, samples: Int) {
    lock.wait()
    seconds[step].append(time / Double(max(samples, 1)))
    lock.signal()
  }

  /// The median time of a step for one sample, in seconds; nil before the first run.
  func median(_ step: Int) -> Double? {
    lock.wait()
    defer { lock.signal() }
    let sorted = seconds[step].sorted()
    return sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }
}

/// The time on a clock that only goes forward, in seconds.
func monotonicSeconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
