import GraphIR
import PluginAPI

/// The options of `binarize`, read.
struct BinarizeOptions {
  var method: Binarizer?
  /// Bases of each layer, or one number for all.
  var bases: [Int]
  var keepsFirst: Bool
  var keepsLast: Bool
  var refitsLast: Bool
  var ridge: Double
  var seed: UInt64

  static let specs: [OptionSpec] = [
    OptionSpec(
      "method", .word(["auto", "exact"] + Binarizer.general.map(\.name)), default: "auto",
      "for weights that are not two-valued: exact leaves them; auto is descent with calibration data, sign without"),
    OptionSpec("bases", .text, default: "1", "bits of each weight, 1 to 4: one number, or one for each layer as 2:1:0, where 0 keeps it"),
    OptionSpec("first", .word(["keep", "binarize"]), default: "keep", "the first layer, when it is not two-valued"),
    OptionSpec("last", .word(["keep", "binarize"]), default: "keep", "the last layer, when it is not two-valued"),
    OptionSpec("refit", .flag, default: "true", "fits a last layer that is kept to what the binary layers before it give"),
    OptionSpec("ridge", .number, default: "0.001", "how strongly original weights are held to, as a share of the inputs' variance"),
    OptionSpec("seed", .int(0...(1 << 30)), default: "1", "seeds the starts of descent"),
  ]

  init(_ context: PassContext, layers: Int) throws {
    let options = context.options
    let name = options[text: "method"] ?? "auto"
    method =
      name == "exact" ? nil : name == "auto" ? context.calibration.isEmpty ? .sign : .descent : Binarizer.general.first { $0.name == name }
    let text = options[text: "bases"] ?? "1"
    bases = text.split(separator: ":", omittingEmptySubsequences: false).compactMap { Int($0) }
    guard !bases.isEmpty, bases.allSatisfy({ 0...4 ~= $0 }), bases.count == text.split(separator: ":").count else {
      throw Diagnostic(.usage, "option 'bases' cannot be '\(text)'", hint: "wanted: 1 to 4, or 0 to 4 for each layer, such as 2:1:0")
    }
    guard bases.count == 1 || bases.count == layers else {
      throw Diagnostic(.usage, "bases=\(text) speaks of \(bases.count) layers, the graph has \(layers)")
    }
    keepsFirst = options[text: "first"] != "binarize"
    keepsLast = options[text: "last"] != "binarize"
    refitsLast = options[flag: "refit"]
    ridge = options[number: "ridge"] ?? 1e-3
    guard ridge > 0, ridge <= 1e6 else { throw Diagnostic(.usage, "a ridge of \(ridge) is no share", hint: "above 0, at most 1e6") }
    seed = UInt64(options[int: "seed"] ?? 1)
    if let method, method.needsData, context.calibration.isEmpty {
      throw Diagnostic(.usage, "method '\(method.name)' needs data", hint: "give --calibrate DATA, or say method=sign")
    }
  }

  /// The bases of the layer of that number, and why it is kept when there are none.
  func choice(layer: Int, of count: Int) -> (bases: Int, reason: String) {
    if bases.count > 1 { return (bases[layer], "as asked") }
    if method == nil { return (0, "not two-valued") }
    if layer == 0 && keepsFirst { return (0, "first layer") }
    if layer == count - 1 && keepsLast { return (0, "last layer") }
    return (bases[0], "as asked")
  }
}
