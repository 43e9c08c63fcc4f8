import GraphIR
import PluginAPI

/// The range of a layer's input, and how it is known.
package struct KnownRange {
  package var range: ValueRange
  /// Set where elements are nothing but -step, 0 and step.
  package var step: Float?
  /// Words for the user.
  package var source: String

  /// The ranges of values: proven, or following from the range of the graph's inputs, or seen in calibration data. Throws one diagnostic for
  /// each that nothing bounds; `inputs` are layers by what to call them and the value that each is given.
  package static func all(
    for inputs: [(label: String, value: ValueID)], in graph: Graph, _ settings: CodeSettings, _ context: PassContext
  ) throws -> [ValueID: KnownRange] {
    let bounds = Bounds(graph, settings)
    let unknown = Set(inputs.map(\.value).filter { bounds.known($0) == nil }).sorted { $0.index < $1.index }
    let seen = try Observation.all(of: unknown, in: graph, context)
    var faults: [Diagnostic] = []
    var known: [ValueID: KnownRange] = [:]
    for (label, value) in inputs where known[value] == nil {
      if let range = bounds.known(value) ?? seen[value].flatMap({ bounds.observed($0, value, settings) }) {
        known[value] = range
      } else {
        faults.append(unbounded(label, settings))
      }
    }
    try Diagnostics.throwIfAny(faults)
    return known
  }

  /// The range of one value, of which data is looked at only when nothing else bounds it, or when it `hasCodes`, whose type alone bounds it.
  package static func one(
    of value: ValueID, hasCodes: Bool, label: String, in graph: Graph, _ settings: CodeSettings, observe: () throws -> Observation
  ) throws -> KnownRange {
    let bounds = Bounds(graph, settings)
    if !hasCodes, let known = bounds.known(value) { return known }
    guard let range = try bounds.observed(observe(), value, settings) else { throw unbounded(label, settings) }
    return range
  }

  private static func unbounded(_ label: String, _ settings: CodeSettings) -> Diagnostic {
    let hint =
      settings.inputRange == nil
      ? "give --calibrate DATA, or the range of the graph's inputs: --input-range lo:hi, or quantize{input-range=lo:hi}"
      : "give --calibrate DATA; the range of the graph's inputs does not bound it"
    return Diagnostic(.usage, "nothing bounds the input of this layer", place: label, hint: hint)
  }
}

/// What a graph proves of its values, and what follows from the range of its inputs.
private struct Bounds {
  let signs: [Float?]
  let proven: [ValueRange]
  let likely: [ValueRange]

  init(_ graph: Graph, _ settings: CodeSettings) {
    signs = graph.signMagnitudes
    proven = ValueRange.all(in: graph, inputs: .unbounded)
    likely = ValueRange.all(in: graph, inputs: settings.inputRange ?? .unbounded)
  }

  func known(_ value: ValueID) -> KnownRange? {
    let (sure, assumed) = (proven[Int(value.index)], likely[Int(value.index)])
    if let step = signs[Int(value.index)] {
      let range = ValueRange(lo: max(sure.lo, -step), hi: step)
      return KnownRange(range: range, step: step, source: range.lo < 0 ? "signs" : "ones and zeros")
    }
    if sure.isBounded { return KnownRange(range: sure, source: "range \(sure.lo)...\(sure.hi) proven") }
    if assumed.isBounded { return KnownRange(range: assumed, source: "range \(assumed.lo)...\(assumed.hi) follows from input-range") }
    return nil
  }

  func observed(_ seen: Observation, _ value: ValueID, _ settings: CodeSettings) -> KnownRange? {
    guard seen.count > 0 else { return nil }
    let sure = proven[Int(value.index)]
    let most = seen.end(settings)
    let largest = seen.magnitude(percentile: 100)
    let range = ValueRange(lo: max(sure.lo, seen.least < 0 ? -most : 0), hi: min(sure.hi, most))
    let beyond = most < largest ? ", largest \(largest)" : ""
    return KnownRange(range: range, source: "magnitudes up to \(most) in calibration (\(settings.method.rawValue)\(beyond))")
  }
}
