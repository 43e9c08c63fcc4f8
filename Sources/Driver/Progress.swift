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
    let left = rate > 0 ? Int(Double(total - done) / rate + 0.5) : 0
    emit("\r\u{1b}[2K\(title) \(bar) \(done)/\(total) \(unit), \(Int(rate))/s, \(left / 60):\(left % 60 < 10 ? "0" : "")\(left % 60) left")
  }

  /// Wipes the bar.
  public func finish() { if isShown { emit("\r\u{1b}[2K") } }

  private func emit(_ text: String) { text.withCString { _ = write(2, $0, strlen($0)) } }
}
