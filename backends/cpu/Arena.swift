import Dispatch
import GraphIR

/// The memory in which one thread runs a plan.
///
/// A class because it owns memory; one thread uses it at a time.
final class Arena: @unchecked Sendable {
  let samples: Int
  private let bytes: UnsafeMutableRawBufferPointer
  private let workspace: UnsafeMutableRawBufferPointer
  private let addresses: UnsafeMutableBufferPointer<UnsafeMutableRawPointer>

  /// Room for so many samples.
  init(_ plan: ExecutionPlan, samples: Int) {
    self.samples = samples
    bytes = .allocate(byteCount: plan.arenaBytes(samples), alignment: MemoryPlan.alignment)
    workspace = .allocate(byteCount: plan.workspaceBytes(samples), alignment: MemoryPlan.alignment)
    addresses = .allocate(capacity: max(plan.places.count, 1))
    guard let base = bytes.baseAddress else { preconditionFailure("an arena has at least one line") }
    addresses.initialize(repeating: base)
  }

  deinit {
    bytes.deallocate()
    workspace.deallocate()
    addresses.deallocate()
  }

  /// Runs all steps over samples `first..<first + samples` of the inputs.
  func run(_ plan: ExecutionPlan, _ inputs: [UnsafeRawPointer?], first: Int, samples: Int, _ collector: ResultCollector) throws {
    guard let base = bytes.baseAddress, let room = workspace.baseAddress, let values = addresses.baseAddress else { return }
    for (index, place) in plan.places.enumerated() {
      guard let place else { continue }
      values[index] = base + (place.isPerSample ? plan.fixedMemory.bytes + place.offset * samples : place.offset)
    }
    for (id, input) in zip(plan.graph.inputs, inputs) {
      guard let input, let place = plan.places[Int(id.index)] else { continue }
      let offset = place.isPerSample ? first * place.byteCount : 0
      values[Int(id.index)].copyMemory(from: input + offset, byteCount: place.isPerSample ? samples * place.byteCount : place.byteCount)
    }
    let frame = Frame(values: values, samples: samples, workspace: room)
    for (step, body) in plan.steps.enumerated() {
      try body.run(frame)
      collector.collect(after: step, values, first: first, samples: samples)
    }
  }
}

/// Arenas that are not in use. A class because threads share it; a lock guards it.
final class ArenaPool: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var free: [Arena] = []

  /// An arena with room for so many samples.
  func take(_ plan: ExecutionPlan, samples: Int) -> Arena {
    lock.wait()
    let index = free.firstIndex { $0.samples >= samples }
    let found = index.map { free.remove(at: $0) }
    // One that is too small is not wanted again soon.
    if found == nil && !free.isEmpty { free.removeLast() }
    lock.signal()
    return found ?? Arena(plan, samples: samples)
  }

  func give(_ arena: Arena) {
    lock.wait()
    free.append(arena)
    lock.signal()
  }
}

/// The bytes of outputs and taps, filled chunk by chunk as steps compute them.
///
/// A class because threads share it; each writes its own samples.
final class ResultCollector: @unchecked Sendable {
  private struct Target {
    let index: Int
    let place: ExecutionPlan.Place
    let type: TensorType
    let storage: TensorStorage
  }

  /// By place among the values wanted; nil for those that no step computes.
  private var targets: [Target?] = []
  /// Which targets each step fills.
  private var targetsOfStep: [[Int]]

  init(_ plan: ExecutionPlan, _ wanted: [ValueID], batch: Int) {
    targetsOfStep = [[Int]](repeating: [], count: plan.steps.count)
    var stepOf: [Int: Int] = [:]
    for (step, node) in plan.nodes.enumerated() { for result in plan.graph[node].results { stepOf[Int(result.index)] = step } }
    for (target, id) in wanted.enumerated() {
      guard let step = stepOf[Int(id.index)], let place = plan.places[Int(id.index)] else {
        targets.append(nil)
        continue
      }
      var type = plan.graph.type(of: id)
      if place.isPerSample { type.shape[0] = batch }
      let storage = TensorStorage(byteCount: place.isPerSample ? place.byteCount * batch : place.byteCount)
      targets.append(Target(index: Int(id.index), place: place, type: type, storage: storage))
      targetsOfStep[step].append(target)
    }
  }

  /// Copies what a step computed and somebody wants.
  func collect(after step: Int, _ values: UnsafeMutablePointer<UnsafeMutableRawPointer>, first: Int, samples: Int) {
    for index in targetsOfStep[step] {
      guard let target = targets[index], let base = target.storage.bytes.baseAddress else { continue }
      let count = target.place.isPerSample ? samples * target.place.byteCount : target.place.byteCount
      (base + (target.place.isPerSample ? first * target.place.byteCount : 0)).copyMemory(from: values[target.index], byteCount: count)
    }
  }

  /// A result; nil for a value that no step computes.
  func tensor(_ place: Int) -> Tensor? {
    targets[place].map { Tensor($0.type.element, $0.type.shape, storage: $0.storage) }
  }
}
