import GraphIR
import PluginAPI

/// A calibration of one made chip as a file: YAML of kind `calibration`.
public enum CalibrationFile {
  /// Its text.
  public static func text(_ calibration: ChipCalibration) -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
    func list(_ numbers: [Int]) -> String { "[" + numbers.map(String.init).joined(separator: ", ") + "]" }
    func data(_ data: ChipCalibration.Data) -> String { "{set: \(quoted(data.set)), samples: \(data.samples)}" }
    var lines = [
      "# What was set once on one made chip. It holds for that chip alone.", "kind: calibration",
      "hardware: \(quoted(calibration.hardware))", "circuits: \(quoted(calibration.circuits))",
      "seed: \(calibration.seed)", "chip: \(calibration.chip)", "",
      "# Measured with test inputs of the controller's own; offsets and gains in steps of its trims, by local array.", "trims:",
    ]
    for each in calibration.trims {
      lines.append(
        "  - {macro: \(each.macro), full_scale: \(each.fullScale), offsets: \(list(each.offsets)), gains: \(list(each.gains))}")
    }
    lines += [
      "", "# Of the network's layers: what their converters' codes stand for.", "ranges:\(calibration.ranges.isEmpty ? " []" : "")",
    ]
    for each in calibration.ranges { lines.append("  - {layer: \(quoted(each.layer)), bits: \(each.bits), lsb: \(each.lsb)}") }
    if let seen = calibration.rangeData { lines.append("ranges_saw: \(data(seen))") }
    if let checked = calibration.checked { lines += ["", "checked_on: \(data(checked))"] }
    if !calibration.bought.isEmpty { lines += ["bought:"] + calibration.bought.map { "  - \(quoted($0))" } }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads a file; every fault names it and the line.
  public static func read(_ path: String) throws -> ChipCalibration {
    guard let text = String(validating: try Files.read(path), as: UTF8.self) else {
      throw Diagnostic(.badInput, "is not UTF-8 text", file: path)
    }
    return try parse(text, file: path)
  }

  /// Reads the text of a file; `file` names it in faults.
  public static func parse(_ text: String, file: String) throws -> ChipCalibration {
    guard let node = try YAMLNode.read(text, file: file) else {
      throw Diagnostic(.badInput, "the file is empty", file: file, hint: "'bitline calibrate' writes one")
    }
    let root = try Entry(node, file: file).fields([
      "kind", "hardware", "circuits", "seed", "chip", "trims", "ranges", "ranges_saw", "checked_on", "bought",
    ])
    guard try root.entry("kind").text() == "calibration" else {
      throw Diagnostic(.badInput, "is no calibration", file: file, hint: "wanted: kind: calibration")
    }
    func data(_ name: String) throws -> ChipCalibration.Data? {
      guard let body = try root.optional(name)?.fields(["set", "samples"]) else { return nil }
      return ChipCalibration.Data(set: try body.entry("set").text(), samples: try body.entry("samples").int(1...Int.max))
    }
    return ChipCalibration(
      hardware: try root.entry("hardware").text(), circuits: try root.entry("circuits").text(),
      seed: try root.entry("seed").int(0...Int.max),
      chip: try root.entry("chip").int(0...Int.max),
      trims: try root.entry("trims").list().map { each in
        let body = try each.fields(["macro", "full_scale", "offsets", "gains"])
        let steps = -ChipCalibration.Trims.mostSteps...ChipCalibration.Trims.mostSteps
        return ChipCalibration.Trims(
          macro: try body.entry("macro").int(0...65535), fullScale: try body.entry("full_scale").number(0.01...100),
          offsets: try body.entry("offsets").list().map { try $0.int(steps) },
          gains: try body.entry("gains").list().map { try $0.int(steps) })
      },
      ranges: try root.entry("ranges").list().map { each in
        let body = try each.fields(["layer", "bits", "lsb"])
        return ChipCalibration.Range(
          layer: try body.entry("layer").text(), bits: try body.entry("bits").int(1...24),
          lsb: Float(try body.entry("lsb").number(1e-30...1e30)))
      },
      rangeData: try data("ranges_saw"), checked: try data("checked_on"),
      bought: try root.optional("bought")?.list().map { try $0.text() } ?? [])
  }
}

/// One place of a calibration file.
private struct Entry {
  private let node: YAMLNode
  private let file: String
  private let path: String

  init(_ node: YAMLNode, file: String, path: String = "") { (self.node, self.file, self.path) = (node, file, path) }

  private func fault(_ what: String) -> Diagnostic {
    Diagnostic(.badInput, path.isEmpty ? "the file is \(what)" : "'\(path)' is \(what)", file: file, place: "line \(node.line)")
  }

  /// Itself, once its fields are known to be among these.
  func fields(_ known: [String]) throws -> Entry {
    guard let mapping = node.mapping else { throw fault("not a mapping of \(known.joined(separator: ", "))") }
    for (key, _) in mapping where !known.contains(key.scalar ?? "") {
      throw Diagnostic(
        .badInput, "unknown field '\(key.scalar ?? "?")'", file: file, place: "line \(key.line)",
        hint: "known: \(known.joined(separator: ", "))")
    }
    return self
  }

  func optional(_ name: String) -> Entry? {
    guard let value = node.mapping?.first(where: { $0.key.scalar == name })?.value else { return nil }
    return Entry(value, file: file, path: path.isEmpty ? name : "\(path).\(name)")
  }

  func entry(_ name: String) throws -> Entry {
    guard let entry = optional(name) else { throw fault("without '\(name)'") }
    return entry
  }

  func list() throws -> [Entry] {
    guard let list = node.list else { throw fault("not a list") }
    return list.enumerated().map { Entry($1, file: file, path: "\(path)[\($0)]") }
  }

  func text() throws -> String {
    guard let text = node.scalar, !text.isEmpty else { throw fault("not text") }
    return text
  }

  func int(_ range: ClosedRange<Int>) throws -> Int {
    guard let text = node.scalar, let number = Int(text), range.contains(number) else {
      throw fault("not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func number(_ range: ClosedRange<Double>) throws -> Double {
    guard let text = node.scalar, let number = Double(text), range.contains(number) else {
      throw fault("not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
