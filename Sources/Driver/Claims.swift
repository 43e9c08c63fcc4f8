import GraphIR
import PluginAPI

/// The article's claims, re-derived for one network: energy and time of the in-memory machine against the plain machine, and accuracy
/// against the full-precision network. Nothing here is fitted; each line carries the marks of the constants it rests on.
public struct Claims: Sendable {
  /// What the article says (press article, MIT News 2018: "Neural networks everywhere").
  private static let article = (energy: "94-95 % less power", time: "3-7 times faster", accuracy: "within 2-3 %")

  private let array: CostReport
  private let plain: [(setting: String, report: CostReport)]
  private let accuracy: (machine: Double, full: Double)?

  /// `plain` holds one report for each setting of the plain machine, compiled from the same graph.
  public init(array: CostReport, plain: [(setting: String, report: CostReport)], accuracy: (machine: Double, full: Double)?) {
    self.array = array
    self.plain = plain
    self.accuracy = accuracy
  }

  /// Energy and time of the layers that run on the array; the same layers are taken from the plain machine's report.
  private func onArray(_ report: CostReport) -> (picojoules: Double, nanoseconds: Double) {
    let nodes = Set(array.layers.filter { $0.place == .array }.map(\.node))
    let layers = report.layers.filter { nodes.contains($0.node) }
    return (layers.reduce(0) { $0 + $1.picojoules }, layers.reduce(0) { $0 + $1.nanoseconds })
  }

  /// The claims, one a line, each beside the article's figure.
  public var table: Table {
    var table = Table(
      "The article's claims, re-derived (one sample; layers that run on the array)",
      columns: ["claim", "against", "in-memory", "plain machine", "result", "article", "marks"])
    let mine = onArray(array)
    for (setting, report) in plain {
      let other = onArray(report)
      table.rows.append([
        "energy", .text(setting), .text(nanojoules(mine.picojoules)), .text(nanojoules(other.picojoules)),
        .text("\(rounded(100 * (1 - mine.picojoules / other.picojoules), 1)) % less (\(rounded(other.picojoules / mine.picojoules, 1)) x)"),
        .text(Claims.article.energy), .text(marks([array, report])),
      ])
    }
    for (setting, report) in plain {
      let other = onArray(report)
      table.rows.append([
        "time", .text(setting), .text(microseconds(mine.nanoseconds)), .text(microseconds(other.nanoseconds)),
        .text("\(rounded(other.nanoseconds / mine.nanoseconds, 2)) x faster"), .text(Claims.article.time), .text(marks([array, report])),
      ])
    }
    if let accuracy {
      table.rows.append([
        "accuracy", "full precision", .text("\(rounded(100 * accuracy.machine, 2)) %"), .text("\(rounded(100 * accuracy.full, 2)) %"),
        .text("\(rounded(100 * (accuracy.full - accuracy.machine), 2)) points less"), .text(Claims.article.accuracy), "measured",
      ])
    }
    table.notes = notes
    return table
  }

  private var notes: [String] {
    let unknown = Set(array.layers.flatMap(\.energy).filter { $0.picojoules == nil }.map(\.component)).sorted()
    let host = array.layers.filter { $0.place == .host }.count
    var notes = [
      "Marks: V read in the source, S quoted by a source that was read, D derived, M+ remembered and corroborated, M remembered, A assumed.",
      "The article compares with earlier chips, not with this plain machine; its 3-7 times is likely throughput per bit of memory.",
    ]
    if !unknown.isEmpty { notes.append("Left out of in-memory energy, because nobody published them: \(unknown.joined(separator: ", ")).") }
    if array.layers.contains(where: { $0.place == .array && $0.macs == 0 }) {
      notes.append(
        "Weights of several bits are as many binary layers as they have slices, on the plain machine too, where one layer of integers takes less."
      )
    }
    if host > 0 { notes.append("\(host) nodes run on the host beside the array and are left out on both sides.") }
    let onArray = array.layers.filter { $0.place == .array }.reduce(0) { $0 + $1.macs }
    if onArray < array.macs {
      let share = rounded(100 * Double(onArray) / Double(array.macs), 1)
      notes.append("Energy and time are those of \(share) % of the multiply-accumulates; the others run on the host.")
    }
    return notes
  }

  private func marks(_ reports: [CostReport]) -> String {
    let present = Set(reports.flatMap(\.constants).map(\.quantity.mark))
    return Mark.allCases.filter(present.contains).map(\.rawValue).joined(separator: " ")
  }

  private func nanojoules(_ picojoules: Double) -> String { "\(rounded(picojoules / 1e3, 1)) nJ" }

  private func microseconds(_ nanoseconds: Double) -> String { "\(rounded(nanoseconds / 1e3, 1)) us" }

  private func rounded(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let whole = Int((value.magnitude * scale).rounded())
    let fraction = String(whole % Int(scale))
    return (value < 0 && whole != 0 ? "-" : "") + "\(whole / Int(scale))"
      + (digits > 0 ? "." + String(repeating: "0", count: digits - fraction.count) + fraction : "")
  }
}
