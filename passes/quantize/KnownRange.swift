import GraphIR
import PluginAPI

/// The range of a layer's input, and how it is known.
struct KnownRange {
  var range: ValueRange
  /// Words for the user.
  var source: String

  /// The ranges of the layers' inputs: proven, or following from the range of the graph's inputs, or seen in calibration data. Throws one
  /// diagnostic for each that nothing bounds.
  static func all(
    for layers: [BinaryLayer], in graph: Graph, inputs: ValueRange?, percentile: Double, _ context: PassContext
  ) throws -> [ValueID: KnownRange] {
    let proven = ValueRange.all(in: graph, inputs: .unbounded)
    let likely = ValueRange.all(in: graph, inputs: inputs ?? .unbounded)
    let unknown = Set(layers.map(\.input).filter { !proven[Int($0.index)].isBounded && !likely[Int($0.index)].isBounded })
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
        known[layer.input] = KnownRange(observed, within: sure, percentile)
      } else {
        faults.append(unbounded(layer))
      }
    }
    try Diagnostics.throwIfAny(faults)
    return known
  }

  private init(range: ValueRange, source: String) {
    self.range = range
    self.source = source
  }

  /// What data showed, within what is proven.
  private init(_ observed: Observation, within sure: ValueRange, _ percentile: Double) {
    let most = observed.magnitude(percentile: percentile)
    range = ValueRange(lo: max(sure.lo, observed.least < 0 ? -most : 0), hi: min(sure.hi, most))
    source = "magnitudes up to \(most) in calibration"
  }

  private static func unbounded(_ layer: BinaryLayer) -> Diagnostic {
    let hint = "give --calibrate DATA, or the range of the graph's inputs as quantize{input-range=lo:hi}"
    return Diagnostic(.usage, "nothing bounds the input of this layer", place: layer.label, hint: hint)
  }
}
