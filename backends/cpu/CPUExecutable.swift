import Dispatch
import GraphIR
import PluginAPI

/// A graph compiled for this machine's processor.
///
/// A batch is cut into chunks that run through all steps one after the other; threads take chunks in turn. A sample's results do not
/// depend on what else is in its chunk, so neither threads nor chunks change a byte.
struct CPUExecutable: Executable {
  let plan: ExecutionPlan
  /// With option `profile`.
  let times: StepTimes?
  private let arenas = ArenaPool()
  private let unfused: LatePlan
  private let withoutBits: LatePlan

  /// `given`: what `packed` was when the graph was compiled before.
  init(_ graph: Graph, _ settings: PlanSettings, given: PackedConstants? = nil) throws {
    plan = try ExecutionPlan(graph, settings, given: given)
    times = settings.profiles ? StepTimes(steps: plan.steps.count) : nil
    var other = settings
    other.usesBits = false
    withoutBits = LatePlan(graph, other)
    other.fuses = false
    unfused = LatePlan(graph, other)
  }

  var graph: Graph { plan.graph }

  var packed: PackedConstants? { Packer.joined(plan.packed, for: plan.settings) }

  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    let batch = try requireInputs(inputs)
    let wanted = taps.isEmpty ? plan.outputs : plan.outputs + taps
    for id in taps where !graph.values.indices.contains(Int(id.index)) {
      throw Diagnostic(.usage, "the graph has no value \(id) to tap")
    }
    if taps.contains(where: { plan.hidden.contains($0) }) { return try unfused.executable().run(inputs, taps: taps, threads: threads) }
    let collector = ResultCollector(plan, wanted, batch: batch)
    let samples = plan.split == nil ? batch : min(plan.chunk, max(1, (batch + max(threads, 1) - 1) / max(threads, 1)))
    let chunks = plan.split == nil ? 1 : (batch + samples - 1) / max(samples, 1)
    let workers = max(1, min(threads, chunks))
    // Threads that no chunk is left for help with the only one.
    let team = workers == 1 ? max(threads, 1) : 1
    let faults = FaultKeeper()
    withAddresses(of: inputs) { addresses in
      nonisolated(unsafe) let addresses = addresses
      @Sendable func work(_ worker: Int) {
        let arena = arenas.take(plan, samples: samples, threads: team)
        defer { arenas.give(arena) }
        for chunk in stride(from: worker, to: chunks, by: workers) {
          let first = chunk * samples
          do {
            try arena.run(plan, addresses, first: first, samples: min(samples, batch - first), collector, times)
          } catch {
            faults.add(error, at: chunk)
          }
        }
      }
      if workers == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: workers, execute: work) }
    }
    do {
      try faults.throwFirst()
    } catch is ThirdValue {
      return try withoutBits.executable().run(inputs, taps: taps, threads: threads)
    }
    let results = try wanted.enumerated().map { place, id in try collector.tensor(place) ?? given(id, inputs) }
    return RunResult(outputs: Array(results.prefix(graph.outputs.count)), taps: Array(results.dropFirst(graph.outputs.count)))
  }

  /// A value that no step computes.
  private func given(_ id: ValueID, _ inputs: [Tensor]) throws -> Tensor {
    if case .input(let place) = graph[id].definition { return inputs[place] }
    guard let constant = try Constants(graph)[Int(id.index)] else { preconditionFailure("\(id) is neither given, constant nor computed") }
    return constant
  }

  /// The batch; 1 where there is none. Throws when inputs do not fit the graph.
  private func requireInputs(_ inputs: [Tensor]) throws -> Int {
    guard inputs.count == graph.inputs.count else {
      throw Diagnostic(.badInput, "the graph '\(graph.name)' takes \(graph.inputs.count) inputs, not \(inputs.count)")
    }
    var batch = plan.split?.extent
    for (input, id) in zip(inputs, graph.inputs) {
      let type = graph.type(of: id)
      let extent = type.shape.hasFreeBatch ? batch ?? input.shape.dimensions.first ?? 0 : 0
      guard input.element == type.element, input.shape == type.shape.bound(batch: extent) else {
        throw Diagnostic(.badInput, "the input is \(input.type), not \(type)", place: graph[id].name)
      }
      if type.shape.hasFreeBatch { batch = extent }
    }
    return batch ?? 1
  }

  /// The same graph compiled otherwise, made when a run first needs it: with every value stored for who taps one that otherwise is not, or without
  /// bits for numbers that have none.
  ///
  /// A class because it is made late; a lock guards it.
  private final class LatePlan: @unchecked Sendable {
    private let lock = DispatchSemaphore(value: 1)
    private let graph: Graph
    private let settings: PlanSettings
    private var made: CPUExecutable?

    init(_ graph: Graph, _ settings: PlanSettings) { (self.graph, self.settings) = (graph, settings) }

    func executable() throws -> CPUExecutable {
      lock.wait()
      defer { lock.signal() }
      if let made { return made }
      let executable = try CPUExecutable(graph, settings)
      made = executable
      return executable
    }
  }
}

/// Calls `body` with the addresses of all tensors' bytes.
private func withAddresses<R>(
  of tensors: [Tensor], _ found: [UnsafeRawPointer?] = [], _ body: ([UnsafeRawPointer?]) throws -> R
) rethrows -> R {
  if found.count == tensors.count { return try body(found) }
  return try tensors[found.count].withBytes { try withAddresses(of: tensors, found + [$0.baseAddress], body) }
}

/// Faults of chunks. A class because threads share it; a lock guards it.
private final class FaultKeeper: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var first: (chunk: Int, fault: any Error)?

  func add(_ fault: any Error, at chunk: Int) {
    lock.wait()
    defer { lock.signal() }
    if first.map({ chunk < $0.chunk }) ?? true { first = (chunk, fault) }
  }

  func throwFirst() throws { if let first { throw first.fault } }
}
