import GraphIR
import PluginAPI
import ReferenceKernels

/// Runs the reference, with one fault.
struct Machine: Executable {
  enum Fault: Hashable, Sendable {
    case none
    /// The first node is off by one, and what follows it follows.
    case values
    /// The first tapped value is off in its last bit, and only there.
    case rounding
    case types
    /// Outputs differ when nothing is tapped.
    case taps
    case threads
    /// Values depend on how many samples run together.
    case batch
    case throwing
    case fewerTaps
  }

  let graph: Graph
  private let fault: Fault

  init(_ graph: Graph, _ fault: Fault = .none) {
    self.graph = graph
    self.fault = fault
  }

  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    if fault == .throwing { throw Diagnostic(.internal, "no") }
    let values = try Reference.run(graph, inputs)
    var result = RunResult(outputs: graph.outputs.map { values[Int($0.value.index)] }, taps: taps.map { values[Int($0.index)] })
    switch fault {
    case .none, .throwing: break
    case .values:
      result.outputs = try result.outputs.map(plusOne)
      result.taps = try result.taps.map(plusOne)
    case .rounding: if let first = result.taps.first { result.taps[0] = Tensor(.float32, first.shape, first.floats.map(\.nextUp)) }
    case .types:
      result.outputs = result.outputs.map { $0.reshaped([$0.count]) }
      result.taps = result.taps.map { $0.reshaped([$0.count]) }
    case .taps: if taps.isEmpty { result.outputs = try result.outputs.map(plusOne) }
    case .threads: if threads > 1 { result.taps = try result.taps.map(plusOne) }
    case .batch: if inputs[0].shape[0] == 1 { result.taps = try result.taps.map(plusOne) }
    case .fewerTaps: result.taps = []
    }
    return result
  }

  private func plusOne(_ x: Tensor) throws -> Tensor { try Reference.evaluate(.binary(.add), [x, .scalar(1)])[0] }
}
