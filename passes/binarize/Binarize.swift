import GraphIR
import PluginAPI
import ReferenceKernels

extension Pass {
  /// Makes the weights of conv and dense layers binary: `dequantize` of constant bits, or a sum of such.
  ///
  ///     %y = conv(%x, %w, %b)                          // before; %w: f32[6x1x5x5]
  ///
  ///     %w = dequantize(%bits, %scale) {axis=0}        // after; %bits: bit[6x1x5x5], %scale: f32[6]
  ///     %y = conv(%x, %w, %b)
  ///
  /// Weights that have two values ±alpha in each filter are taken exactly, in any layer. The others are put into words by `method`, unless
  /// the layer is the first or last and is to be kept, or works in groups, which no array takes.
  public static let binarize = Pass(
    "binarize", "makes weights binary: bits and a scale for each filter",
    options: [
      OptionSpec(
        "method", .word(["auto", Binarizer.twoValued.name] + Binarizer.general.map(\.name)), default: "auto",
        "for weights that are not two-valued: a method, auto (sign), or exact (leave them)"),
      OptionSpec("first", .word(["keep", "binarize"]), default: "keep", "the first layer, when it is not two-valued"),
      OptionSpec("last", .word(["keep", "binarize"]), default: "keep", "the last layer, when it is not two-valued"),
    ]
  ) { graph, context in
    let layers = graph.nodeIDs.filter { graph[$0].op.isLayer }
    let plan = Plan(first: layers.first, last: layers.last, context: context)
    var known: [ValueID: ValueID] = [:]
    return try graph.rewritten { candidate, new, _ in
      guard candidate.node.op.isLayer, let weights = try plainWeights(candidate.operands[1], in: new) else { return nil }
      guard let bases = plan.bases(of: weights, candidate) else { return nil }
      var operands = candidate.operands
      operands[1] = try known[operands[1]] ?? addWeights(bases, inPlaceOf: operands[1], origin: candidate.node.origin, &new)
      known[candidate.operands[1]] = operands[1]
      return try new.append(candidate.node.op, operands, origin: candidate.node.origin)
    }
  }
}

/// Which layer is made binary how, by the options.
private struct Plan {
  let first: NodeID?
  let last: NodeID?
  let context: PassContext

  /// The bases of a layer's weights, and a word to the user about them; nil when the layer is left as it is.
  func bases(of weights: Tensor, _ candidate: Graph.Candidate) -> [BinaryBasis]? {
    let name = candidate.node.origin.isEmpty ? "\(candidate.node.op.name) \(candidate.id)" : candidate.node.origin
    if let exact = Binarizer.twoValued.bases(weights) {
      context.note("\(name): exact, the weights have two values in each filter")
      return exact
    }
    if let reason = reasonToKeep(candidate) {
      context.note("\(name): kept in float (\(reason))")
      return nil
    }
    let method = Binarizer.general.first { $0.name == context.options[text: "method"] } ?? .sign
    guard let bases = method.bases(weights) else {
      context.note("\(name): kept in float (the weights are not finite)")
      return nil
    }
    context.note("\(name): \(method.name), weights off by \(percent(relativeError(of: bases, from: weights)))")
    return bases
  }

  private func reasonToKeep(_ candidate: Graph.Candidate) -> String? {
    let options = context.options
    if options[text: "method"] == Binarizer.twoValued.name { return "not two-valued" }
    if case .conv(let a) = candidate.node.op, a.groups != 1 { return "\(a.groups) groups" }
    if candidate.id == first && options[text: "first"] != "binarize" { return "first layer" }
    if candidate.id == last && options[text: "last"] != "binarize" { return "last layer" }
    return nil
  }
}

/// The f32 weights behind a layer's operand: a constant, or constant integer codes with their scale. Nil for all else, bits included.
private func plainWeights(_ id: ValueID, in graph: Graph) throws -> Tensor? {
  guard graph.type(of: id).element == .float32 else { return nil }
  if let tensor = graph.constant(id) { return tensor }
  guard let producer = graph.producer(of: id), case .dequantize = graph[producer].op else { return nil }
  let operands = graph[producer].operands.compactMap { graph.constant($0) }
  guard operands.count == graph[producer].operands.count, operands[0].element != .bit else { return nil }
  return try Reference.evaluate(graph[producer].op, operands)[0]
}

/// Adds the bases as `dequantize`, and their sum when there are several.
private func addWeights(_ bases: [BinaryBasis], inPlaceOf old: ValueID, origin: String, _ graph: inout Graph) throws -> ValueID {
  let name = graph[old].name
  var sum: ValueID?
  for (place, basis) in bases.enumerated() {
    let suffix = bases.count == 1 ? "" : "\(place)"
    let bits = graph.addConstant(basis.bits, name: name.isEmpty ? "" : "\(name).bits\(suffix)")
    let scale = graph.addConstant(basis.scale, name: name.isEmpty ? "" : "\(name).scale\(suffix)")
    let weights = try graph.append1(.dequantize(AxisAttribute(axis: 0)), [bits, scale], origin: origin)
    sum = try sum.map { try graph.append1(.binary(.add), [$0, weights], origin: origin) } ?? weights
  }
  guard let sum else { preconditionFailure("a binarizer made no bases") }
  graph.setName(name, of: sum)
  return sum
}

extension Op {
  /// Whether it is a layer with weights as its second operand.
  fileprivate var isLayer: Bool {
    switch self {
    case .conv, .dense: true
    default: false
    }
  }
}

/// A share, such as `43.2 %`.
private func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
