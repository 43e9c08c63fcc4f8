import BinarizePasses
import CanonicalizePasses
import GraphIR
import PluginAPI
import QuantizePasses
import ReferenceKernels
import Synchronization
import TilePasses

/// All passes under test.
let allPasses = CanonicalizePasses.all + BinarizePasses.all + QuantizePasses.all + TilePasses.all

/// A machine like the chip: 64 columns, codes up to 63, a 7-bit converter; it takes all codes of a byte, so that graphs need not bound theirs.
let chip = Target(
  name: "chip", columns: 64, localArrays: 16, rows: 16, largestCode: 63, codes: -128...255,
  converter: Target.Converter(bits: 7, fullScale: 1))

/// What a pipeline made, and what it said.
struct Outcome {
  var graph: Graph
  var notes: [String]
}

/// Runs a pipeline, written as on the command line, with the verifier after every pass.
func run(_ pipeline: String, on graph: Graph, target: Target? = chip, calibration: [[Tensor]] = []) throws -> Outcome {
  let notes = Notes()
  var current = graph
  for spelling in try Spelling.list(pipeline) {
    guard let pass = allPasses.first(where: { $0.name == spelling.name }) else {
      throw Diagnostic(.usage, "there is no pass '\(spelling.name)'")
    }
    let context = PassContext(
      options: try Options(spelling.given, for: pass.name, specs: pass.options), target: target, calibration: calibration,
      evaluate: { graph, inputs, values in
        let all = try Reference.run(graph, inputs)
        return values.map { all[Int($0.index)] }
      },
      note: { note in notes.add(note) }, report: { _ in })
    current = try pass.run(current, context)
    try Diagnostics.throwIfAny(Verifier.faults(in: current).map { $0.at("after \(pass.name)") })
  }
  return Outcome(graph: current, notes: notes.all)
}

/// Collects what passes say.
private final class Notes: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// The graph's outputs for a batch.
func outputs(of graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
  let values = try Reference.run(graph, inputs)
  return graph.outputs.map { values[Int($0.value.index)] }
}
