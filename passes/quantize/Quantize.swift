import GraphIR
import PluginAPI

extension Pass {
  /// Gives every layer with binary weights codes to work on.
  ///
  ///     %a = sigmoid(%x)                               // before
  ///     %y = dense(%a, %w)                             // %w is made of bits
  ///
  ///     %a = sigmoid(%x)                               // after, for codes up to 63; %s is 1/63
  ///     %q = quantize(%a, %s) {to=u8, lo=0, hi=63}
  ///     %d = dequantize(%q, %s)
  ///     %y = dense(%d, %w)
  ///
  /// A layer that is given codes already keeps their scale; their ends are narrowed (see `NarrowCodes`). Else the range of its input is what
  /// the graph proves (relu, clip, sigmoid, pools …), or what follows from `input-range`, when given, or what calibration data shows. Inputs
  /// move by half a step at most, and by what lies outside the range.
  public static let quantize = Pass(
    "quantize", "gives layers with binary weights codes to work on",
    options: [
      OptionSpec("bits", .int(1...8), default: nil, "bits of a code's magnitude; what the target takes, or 6, when absent"),
      OptionSpec(
        "signed", .word(["auto", "true", "false"]), default: "auto", "codes of both signs; auto: where a range has negative numbers"),
      OptionSpec("percentile", .number, default: "100", "the share of calibration magnitudes that codes cover, in percent"),
      OptionSpec("input-range", .text, default: nil, "lo:hi, what the graph's inputs keep to; 0:1 where codes of the model need it"),
    ]
  ) { graph, context in
    let options = try Settings(context)
    let narrow = NarrowCodes(largest: options.largest, assumed: options.inputRange ?? ValueRange(lo: 0, hi: 1), note: context.note)
    return try insertCodes(narrow(graph), options, context)
  }
}

/// The options of `quantize`, read.
private struct Settings {
  var largest: Int
  var isSigned: Bool?
  var percentile: Double
  var inputRange: ValueRange?

  init(_ context: PassContext) throws {
    let options = context.options
    largest = options[int: "bits"].map { (1 << $0) - 1 } ?? context.target?.largestCode ?? 63
    isSigned = options[text: "signed"].flatMap { $0 == "auto" ? nil : $0 == "true" }
    percentile = options[number: "percentile"] ?? 100
    guard percentile > 0 && percentile <= 100 else {
      throw Diagnostic(.usage, "a percentile of \(percentile) is not a share", hint: "more than 0, at most 100")
    }
    if let text = options[text: "input-range"] {
      let ends = text.split(separator: ":").compactMap { Float(String($0)) }
      guard ends.count == 2, ends[0] < ends[1], ends.allSatisfy(\.isFinite) else {
        throw Diagnostic(.usage, "'\(text)' is not a range", hint: "write input-range=lo:hi, such as 0:1")
      }
      inputRange = ValueRange(lo: ends[0], hi: ends[1])
    }
  }
}

private func insertCodes(_ graph: Graph, _ settings: Settings, _ context: PassContext) throws -> Graph {
  let layers = graph.binaryLayers.filter { graph.codes(behind: $0.input) == nil }
  let ranges = try KnownRange.all(for: layers, in: graph, inputs: settings.inputRange, percentile: settings.percentile, context)
  let labels = Dictionary(uniqueKeysWithValues: layers.map { ($0.id, $0.label) })
  var made: [ValueID: ValueID] = [:]
  return try graph.rewritten { candidate, new, _ in
    guard let label = labels[candidate.id], let known = ranges[candidate.node.operands[0]] else { return nil }
    let input = candidate.operands[0]
    let numbers: ValueID
    if let again = made[input] {
      numbers = again
    } else {
      let choice = CodeChoice(covering: known.range, largest: settings.largest, isSigned: settings.isSigned ?? (known.range.lo < 0))
      context.note("\(label): input codes \(choice.codes.lo)...\(choice.codes.hi) of \(choice.scale), \(known.source)")
      numbers = try add(choice, for: input, origin: candidate.node.origin, &new)
      made[input] = numbers
    }
    return try new.append(candidate.node.op, [numbers] + candidate.operands.dropFirst(), origin: candidate.node.origin)
  }
}

/// The numbers that a value's codes stand for.
private func add(_ choice: CodeChoice, for value: ValueID, origin: String, _ graph: inout Graph) throws -> ValueID {
  let scale = graph.addConstant(.scalar(choice.scale))
  let name = graph[value].name.isEmpty ? "" : "\(graph[value].name).codes"
  let codes = try graph.append1(.quantize(choice.codes), [value, scale], origin: origin, name: name)
  return try graph.append1(.dequantize(AxisAttribute()), [codes, scale], origin: origin)
}
