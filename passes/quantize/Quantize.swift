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
  /// the graph proves (relu, clip, sigmoid, pools …), or what follows from `input-range`, when given, or what calibration data shows. Inputs move by half a
  /// step at most, and by what lies outside the range.
  public static let quantize = Pass(
    "quantize", "gives layers with binary weights codes to work on",
    options: [
      OptionSpec("bits", .int(1...8), default: nil, "bits of a code's magnitude; what the target takes, or 6, when absent"),
      OptionSpec("signed", .word(["auto", "true", "false"]), default: "auto", "codes of both signs; auto: where a range has negative numbers"),
      OptionSpec("percentile", .number, default: "100", "the share of calibration magnitudes that codes cover, in percent"),
      OptionSpec("input-range", .text, default: nil, "lo:hi, what the graph's inputs keep to where nothing else says so; 0:1 for codes of the model"),
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

/// A range, and how it is known.
private struct KnownRange {
  var range: ValueRange
  var source: String
}

private func insertCodes(_ graph: Graph, _ settings: Settings, _ context: PassContext) throws -> Graph {
  let layers = graph.binaryLayers.filter { graph.codes(behind: $0.input) == nil }
  let ranges = try knownRanges(of: layers, in: graph, settings, context)
  let labels = Dictionary(uniqueKeysWithValues: layers.map { ($0.id, $0.label) })
  var made: [ValueID: ValueID] = [:]
  return try graph.rewritten { candidate, new, _ in
    guard let label = labels[candidate.id], let known = ranges[candidate.node.operands[0]] else { return nil }
    var operands = candidate.operands
    operands[0] = try made[candidate.operands[0]] ?? {
      let choice = CodeChoice(covering: known.range, largest: settings.largest, isSigned: settings.isSigned ?? (known.range.lo < 0))
      context.note("\(label): input codes \(choice.codes.lo)...\(choice.codes.hi) of \(choice.scale), \(known.source)")
      let scale = new.addConstant(.scalar(choice.scale))
      let name = new[candidate.operands[0]].name
      let codes = try new.append1(
        .quantize(choice.codes), [candidate.operands[0], scale], origin: candidate.node.origin, name: name.isEmpty ? "" : "\(name).codes")
      return try new.append1(.dequantize(AxisAttribute()), [codes, scale], origin: candidate.node.origin)
    }()
    made[candidate.operands[0]] = operands[0]
    return try new.append(candidate.node.op, operands, origin: candidate.node.origin)
  }
}

/// The ranges of the layers' inputs; throws one diagnostic for each that nothing bounds.
private func knownRanges(of layers: [BinaryLayer], in graph: Graph, _ settings: Settings, _ context: PassContext) throws -> [ValueID: KnownRange] {
  let proven = ValueRange.all(in: graph, inputs: .unbounded)
  let likely = ValueRange.all(in: graph, inputs: settings.inputRange ?? .unbounded)
  let unknown = Set(layers.map(\.input).filter { !proven[Int($0.index)].isBounded })
  let seen = try Observation.all(of: unknown.sorted { $0.index < $1.index }, in: graph, context)
  var faults: [Diagnostic] = []
  var known: [ValueID: KnownRange] = [:]
  for layer in layers where known[layer.input] == nil {
    let (sure, assumed) = (proven[Int(layer.input.index)], likely[Int(layer.input.index)])
    if sure.isBounded {
      known[layer.input] = KnownRange(range: sure, source: "range \(sure.lo)...\(sure.hi) proven")
    } else if assumed.isBounded {
      known[layer.input] = KnownRange(range: assumed, source: "range \(assumed.lo)...\(assumed.hi) follows from input-range")
    } else if let observed = seen[layer.input], observed.count > 0 {
      let most = observed.magnitude(percentile: settings.percentile)
      let range = ValueRange(lo: max(sure.lo, observed.least < 0 ? -most : 0), hi: min(sure.hi, most))
      known[layer.input] = KnownRange(range: range, source: "largest magnitude \(most) seen in calibration")
    } else {
      faults.append(Diagnostic(.usage, "nothing bounds the input of this layer", place: layer.label, hint: "give --calibrate DATA, or the range of the graph's inputs as quantize{input-range=lo:hi}"))
    }
  }
  try Diagnostics.throwIfAny(faults)
  return known
}
