import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Shows how far long work is: a bar with rate and time left on a terminal, nothing in a pipe.
public struct Progress {
  private let title: String
  private let total: Int
  private let unit: String
  private let isShown: Bool
  private let start = ContinuousClock().now
  private var lastDrawn: ContinuousClock.Instant?

  /// Creates one from its parts.
  public init(_ title: String, total: Int, unit: String) {
    self.title = title
    self.total = total
    self.unit = unit
    isShown = isatty(2) == 1
  }

  /// Draws the bar for `done` of the total, at most ten times a second.
  public mutating func update(_ done: Int) {
    guard isShown else { return }
    let now = ContinuousClock().now
    if let lastDrawn, now - lastDrawn < .milliseconds(100), done < total { return }
    lastDrawn = now
    let seconds = (now - start) / .seconds(1)
    let rate = seconds > 0 ? Double(done) / seconds : 0
    let filled = total > 0 ? done * 30 / total : 30
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 30 - filled)
    emit("\r\u{1b}[2K\(title) \(bar) \(done)/\(total) \(unit)\(rate > 0 ? ", \(pace(rate)), \(timeLeft(done, rate)) left" : "")")
  }

  /// Units a second, or seconds a unit where that is the larger number.
  private func pace(_ rate: Double) -> String { rate >= 1 ? "\(Int(rate))/s" : "\(Int(1 / rate)) s each" }

  private func timeLeft(_ done: Int, _ rate: Double) -> String {
    let seconds = Int(Double(total - done) / rate + 0.5)
    return "\(seconds / 60):\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)"
  }

  /// Wipes the bar.
  public func finish() { if isShown { emit("\r\u{1b}[2K") } }

  private func emit(_ text: String) { text.withCString { _ = write(2, $0, strlen($0)) } }
}

/// The bar of one pass, which comes up when the pass first says how far it is. A class because a closure that the pass holds draws it.
final class PassProgress: Sendable {
  private let title: String
  private let bar = Mutex<Progress?>(nil)

  init(_ title: String) { self.title = title }

  func update(_ done: Int, of total: Int) {
    bar.withLock { bar in
      var shown = bar ?? Progress(title, total: total, unit: "layers")
      shown.update(done)
      bar = shown
    }
  }

  /// Wipes the bar; the next update draws it again.
  func finish() { bar.withLock { $0?.finish() } }
}
