import CCPUKernels
import Dispatch
import GraphIR

/// The memory in which a plan runs, and the threads that run each step together.
///
/// A class because it owns memory and threads; one caller uses it at a time.
final class Arena: @unchecked Sendable {
  let samples: Int
  let threads: Int
  private let bytes: UnsafeMutableRawBufferPointer
  private let workspace: UnsafeMutableRawBufferPointer
  private let addresses: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>
  private let team: OpaquePointer?
  /// For how many samples the addresses are.
  private var addressed = -1

  /// Room for so many samples.
  init(_ plan: ExecutionPlan, samples: Int, threads: Int) {
    self.samples = samples
    self.threads = threads
    team = bitline_team_make(Int32(clamping: threads))
    bytes = .takingLines(byteCount: plan.arenaBytes(samples))
    workspace = .takingLines(byteCount: plan.workspaceBytes(samples, threads))
    addresses = .allocate(capacity: max(plan.places.count, 1))
    guard let base = bytes.baseAddress else { preconditionFailure("an arena has at least one line") }
    addresses.initialize(repeating: base)
  }

  deinit {
    bitline_team_end(team)
    bytes.giveBack()
    workspace.giveBack()
    addresses.deallocate()
  }

  /// Runs all steps over samples `first..<first + samples` of the inputs.
  func run(
    _ plan: ExecutionPlan, _ inputs: [UnsafeRawPointer?], first: Int, samples: Int, _ collector: ResultCollector, _ times: StepTimes?
  ) throws {
    guard let room = workspace.baseAddress, let values = addresses.baseAddress else { return }
    if addressed != samples { address(plan, samples) }
    for (id, input) in zip(plan.graph.inputs, inputs) {
      guard let input, let place = plan.places[Int(id.index)] else { continue }
      let offset = place.isPerSample ? first * place.byteCount : 0
      values[Int(id.index)].copyMemory(from: input + offset, byteCount: place.isPerSample ? samples * place.byteCount : place.byteCount)
    }
    let frame = Frame(values: values, samples: samples, workspace: room, team: team)
    for (step, body) in plan.steps.enumerated() {
      let start = times == nil ? 0 : monotonicSeconds()
      try body.run(frame)
      times?.add(monotonicSeconds() - start, step: step, samples: samples)
      collector.collect(after: step, values, first: first, samples: samples)
    }
  }

  private func address(_ plan: ExecutionPlan, _ samples: Int) {
    guard let base = bytes.baseAddress else { return }
    for (index, place) in plan.places.enumerated() {
      if let place { addresses[index] = base + (place.isPerSample ? plan.fixedMemory.bytes + place.offset * samples : place.offset) }
    }
    addressed = samples
  }
}

/// Arenas that are not in use. A class because threads share it; a lock guards it.
final class ArenaPool: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var free: [Arena] = []

  /// An arena with room for so many samples, and so many threads.
  func take(_ plan: ExecutionPlan, samples: Int, threads: Int) -> Arena {
    lock.wait()
    let index = free.firstIndex { $0.samples >= samples && $0.threads == threads }
    let found = index.map { free.remove(at: $0) }
    // One that does not fit is not wanted again soon.
    if found == nil && !free.isEmpty { free.removeLast() }
    lock.signal()
    return found ?? Arena(plan, samples: samples, threads: threads)
  }

  func give(_ arena: Arena) {
    lock.wait()
    free.append(arena)
    lock.signal()
  }
}
