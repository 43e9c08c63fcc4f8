import Calibration
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
  ///
  /// With calibration data the methods that look at it go from layer to layer: each is given codes in front (as `quantize` gives them), and is
  /// fitted so that, on what the binary network so far hands it, it does what the original layer does in the original network. A last layer
  /// that is kept is fitted in the same way.
  public static let binarize = Pass(
    "binarize", "makes weights binary: bits and a scale for each filter", options: BinarizeOptions.specs + CodeSettings.specs
  ) { graph, context in
    let layers = graph.nodeIDs.filter { graph[$0].op.isLayer }
    let options = try BinarizeOptions(context, layers: layers.count)
    var plan = try LayerPlan(graph, layers, options, context)
    var known: [ValueID: ValueID] = [:]
    let result = try graph.rewritten { candidate, new, old in
      guard let number = plan.numbers[candidate.id], let weights = try plainNumbers(candidate.operands[1], in: new) else { return nil }
      context.progress(number, layers.count)
      let name = candidate.node.origin.isEmpty ? "\(candidate.node.op.name) \(candidate.id)" : candidate.node.origin
      let layer = Layer(candidate: candidate, number: number, name: name, weights: weights)
      if plan.isCalibrated, !plan.isSettled(layer, in: new) { return try plan.calibrated(layer, &new, old) }
      guard let solution = plan.solution(of: layer) else { return nil }
      var operands = candidate.operands
      operands[1] =
        try known[operands[1]] ?? addWeights(solution.bases, inPlaceOf: operands[1], origin: candidate.node.origin, &new)
      known[candidate.operands[1]] = operands[1]
      return try new.append(candidate.node.op, operands, origin: candidate.node.origin)
    }
    plan.tell()
    return result
  }
}

/// A layer that may be made binary.
struct Layer {
  var candidate: Graph.Candidate
  /// Its place among the layers.
  var number: Int
  var name: String
  var weights: Tensor

  /// Inputs of each output.
  var inputs: Int { weights.count / max(1, weights.shape[0]) }
}

/// The f32 weights or biases behind a layer's operand: a constant, or constant integer codes with their scale. Nil for all else, bits included.
func plainNumbers(_ id: ValueID, in graph: Graph) throws -> Tensor? {
  guard graph.type(of: id).element == .float32 else { return nil }
  if let tensor = graph.constant(id) { return tensor }
  guard let producer = graph.producer(of: id), case .dequantize = graph[producer].op else { return nil }
  let operands = graph[producer].operands.compactMap { graph.constant($0) }
  guard operands.count == graph[producer].operands.count, operands[0].element != .bit else { return nil }
  return try Reference.evaluate(graph[producer].op, operands)[0]
}

/// Adds the bases as `dequantize`, and their sum when there are several.
func addWeights(_ bases: [BinaryBasis], inPlaceOf old: ValueID, origin: String, _ graph: inout Graph) throws -> ValueID {
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

  /// The layer's activation, and the layer without it.
  var withoutActivation: (op: Op, activation: Activation) {
    switch self {
    case .conv(var a):
      let activation = a.activation
      a.activation = .none
      return (.conv(a), activation)
    case .dense(let a): return (.dense(Dense()), a.activation)
    default: return (self, .none)
    }
  }
}
