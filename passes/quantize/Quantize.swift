import Calibration
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
  /// move by half a step at most, and by what lies outside the range. Signs (`sign`, or a choice of ±a) are codes -1, 0 and 1 and do not move.
  public static let quantize = Pass(
    "quantize", "gives layers with binary weights codes to work on",
    options: CodeSettings.specs
  ) { graph, context in
    let options = try CodeSettings(context)
    let narrow = NarrowCodes(largest: options.largest, assumed: options.inputRange ?? ValueRange(lo: 0, hi: 1), note: context.note)
    return try insertCodes(narrow(graph), options, context)
  }
}

private func insertCodes(_ graph: Graph, _ settings: CodeSettings, _ context: PassContext) throws -> Graph {
  let layers = graph.binaryLayers.filter { graph.codes(behind: $0.input) == nil }
  let ranges = try KnownRange.all(for: layers.map { ($0.label, $0.input) }, in: graph, settings, context)
  let labels = Dictionary(uniqueKeysWithValues: layers.map { ($0.id, $0.label) })
  var made: [ValueID: ValueID] = [:]
  return try graph.rewritten { candidate, new, _ in
    guard let label = labels[candidate.id], let known = ranges[candidate.node.operands[0]] else { return nil }
    let input = candidate.operands[0]
    let numbers: ValueID
    if let again = made[input] {
      numbers = again
    } else {
      let choice = CodeChoice(for: known, settings)
      context.note("\(label): input codes \(choice.codes.lo)...\(choice.codes.hi) of \(choice.scale), \(known.source)")
      numbers = try choice.add(for: input, origin: candidate.node.origin, to: &new).numbers
      made[input] = numbers
    }
    return try new.append(candidate.node.op, [numbers] + candidate.operands.dropFirst(), origin: candidate.node.origin)
  }
}
