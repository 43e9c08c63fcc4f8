import GraphIR
import PluginAPI
import ReferenceKernels

/// One case on one machine, looked at from all sides.
struct Observation {
  private let item: ConformanceCase
  private let executable: any Executable
  private let graph: Graph
  /// All results of all nodes.
  private let taps: [ValueID]

  init(_ item: ConformanceCase, _ executable: any Executable) {
    self.item = item
    self.executable = executable
    graph = item.graph
    taps = graph.nodes.flatMap(\.results)
  }

  /// All failures; none of the later demands is tried when the first run does not give values of the right types.
  func failures() throws -> [ConformanceFailure] {
    let whole: RunResult
    do { whole = try run(item.inputs, taps, threads: 1) } catch { return [failure(.run, "\(error)")] }
    let wrongTypes = typeFailures(whole)
    if !wrongTypes.isEmpty { return wrongTypes }
    return try valueFailures(whole.taps) + tapFailures(whole) + threadFailures(whole) + splitFailures(whole)
  }

  private func run(_ inputs: [Tensor], _ taps: [ValueID], threads: Int) throws -> RunResult {
    let result = try executable.run(inputs, taps: taps, threads: threads)
    guard result.taps.count == taps.count && result.outputs.count == graph.outputs.count else {
      let given = "\(result.outputs.count) outputs and \(result.taps.count) taps"
      throw Diagnostic(.internal, "\(given) given, \(graph.outputs.count) and \(taps.count) asked for")
    }
    return result
  }

  private func failure(_ demand: ConformanceFailure.Demand, at value: ValueID? = nil, _ message: String) -> ConformanceFailure {
    ConformanceFailure(item.name, demand, value: value, message)
  }

  private func typeFailures(_ whole: RunResult) -> [ConformanceFailure] {
    zip(taps + graph.outputs.map(\.value), whole.taps + whole.outputs).compactMap { id, tensor in
      let stated = graph.type(of: id)
      let wanted = TensorType(stated.element, stated.shape.bound(batch: item.batch ?? 0))
      return tensor.type == wanted ? nil : failure(.type, at: id, "is \(tensor.type), not \(wanted)")
    }
  }

  /// Each node's results against the reference on the very operands that the machine showed.
  private func valueFailures(_ tapped: [Tensor]) throws -> [ConformanceFailure] {
    var shown = [Tensor?](repeating: nil, count: graph.values.count)
    for (id, input) in zip(graph.inputs, item.inputs) { shown[Int(id.index)] = input }
    for (id, tap) in zip(taps, tapped) { shown[Int(id.index)] = tap }
    var failures: [ConformanceFailure] = []
    for node in graph.nodes {
      if case .custom = node.op { continue }
      let operands = node.operands.compactMap { graph.constant($0) ?? shown[Int($0.index)] }
      let results = try Reference.evaluate(item.batch.map(node.op.bound(batch:)) ?? node.op, operands)
      let tolerance = node.op.tolerance(for: operands.map(\.type))
      for (id, reference) in zip(node.results, results) {
        guard let candidate = shown[Int(id.index)] else { continue }
        guard let index = tolerance.firstViolation(reference: reference, candidate: candidate) else { continue }
        let message = "\(node.op.name) gives \(difference(reference, candidate, index)); allowed is \(tolerance)"
        failures.append(failure(.value, at: id, message))
      }
    }
    return failures
  }

  private func tapFailures(_ whole: RunResult) -> [ConformanceFailure] {
    let tapped = zip(graph.outputs, whole.outputs).compactMap { output, tensor in
      taps.firstIndex(of: output.value).flatMap { mismatch(.taps, output.value, whole.taps[$0], tensor) }
    }
    return tapped
      + compare(.taps) {
        let bare = try run(item.inputs, [], threads: 1)
        return zip(graph.outputs.indices, bare.outputs).compactMap { place, tensor in
          mismatch(.taps, graph.outputs[place].value, whole.outputs[place], tensor)
        }
      }
  }

  private func threadFailures(_ whole: RunResult) -> [ConformanceFailure] {
    compare(.threads) { mismatches(.threads, whole, try run(item.inputs, taps, threads: 2)) }
  }

  /// The first sample alone and then the others, where every input has the batch.
  private func splitFailures(_ whole: RunResult) -> [ConformanceFailure] {
    guard let batch = item.batch, batch > 1, graph.inputs.allSatisfy({ graph.type(of: $0).shape.hasFreeBatch }) else { return [] }
    return compare(.batchSplit) {
      let parts = try [0..<1, 1..<batch].map { range in try run(item.inputs.map { $0.slice(batch: range) }, taps, threads: 1) }
      func joined(_ tensors: [Tensor], _ id: ValueID) -> Tensor {
        graph.type(of: id).shape.hasFreeBatch ? Tensor.stacked(batches: tensors) : tensors[0]
      }
      let joinedTaps = taps.indices.map { place in joined(parts.map { $0.taps[place] }, taps[place]) }
      let joinedOutputs = graph.outputs.indices.map { place in joined(parts.map { $0.outputs[place] }, graph.outputs[place].value) }
      return mismatches(.batchSplit, whole, RunResult(outputs: joinedOutputs, taps: joinedTaps))
    }
  }

  /// The failures that `body` finds, or the one that a run which throws is.
  private func compare(_ demand: ConformanceFailure.Demand, _ body: () throws -> [ConformanceFailure]) -> [ConformanceFailure] {
    do { return try body() } catch { return [failure(demand, "the run throws: \(error)")] }
  }

  private func mismatches(_ demand: ConformanceFailure.Demand, _ a: RunResult, _ b: RunResult) -> [ConformanceFailure] {
    let ids = taps + graph.outputs.map(\.value)
    return zip(ids, zip(a.taps + a.outputs, b.taps + b.outputs)).compactMap { mismatch(demand, $0, $1.0, $1.1) }
  }

  private func mismatch(_ demand: ConformanceFailure.Demand, _ id: ValueID, _ a: Tensor, _ b: Tensor) -> ConformanceFailure? {
    guard a.type == b.type else { return failure(demand, at: id, "is \(b.type), and was \(a.type)") }
    return Tolerance.exact.firstViolation(reference: a, candidate: b).map { failure(demand, at: id, difference(a, b, $0)) }
  }

  private func difference(_ reference: Tensor, _ candidate: Tensor, _ index: Int) -> String {
    "\(candidate.double(at: index)), not \(reference.double(at: index)), at element \(index) of \(reference.type)"
  }
}
