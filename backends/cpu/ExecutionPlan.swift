import GraphIR
import PluginAPI

/// What a graph is compiled with.
struct PlanSettings: Sendable {
  let level: InstructionLevel
  /// Samples that run together; 0: chosen by size.
  var chunk = 0
  /// No transforms that change how sums round.
  var exact = false
  /// Floating-point results are the reference's bytes; nil: in networks with binary layers they are.
  var ordered: Bool?
  /// Float layers multiply numbers of bf16 where that is faster.
  var roundsToBF16 = false
  /// Nodes may be fused, so that some values are never stored.
  var fuses = true
  /// Codes of -1 and +1 may be bits.
  var usesBits = true
  /// Steps are timed.
  var profiles = false
}

/// A graph made into steps over planned memory: everything about a run that does not depend on the inputs' numbers.
struct ExecutionPlan: Sendable {
  let graph: Graph
  let settings: PlanSettings
  let outputs: [ValueID]
  /// One for each step.
  let nodes: [PlannedNode]
  private(set) var steps: [Step] = []
  /// What the steps read of constants.
  let packed: [PackedBytes]
  /// Values of the graph that are never stored.
  let hidden: Set<ValueID>
  /// Whether samples may run apart from each other, and the batch if it is fixed; nil: the graph runs whole.
  let split: BatchSplit?
  /// Where values lie in the arena, by slot.
  private(set) var places: [Place?]
  /// The step that fills each slot.
  private(set) var filledBy: [Int?]
  /// Arena bytes whatever the batch, then those for each sample.
  private(set) var fixedMemory = MemoryPlan([])
  private(set) var sampleMemory = MemoryPlan([])
  /// Samples that run through the network together, at most.
  private(set) var chunk = 1

  /// A value's place: an offset into the fixed part of the arena, or one for each sample into the rest. Offset and size in bytes.
  struct Place: Sendable {
    var offset: Int
    let isPerSample: Bool
    let layout: ValueLayout
    /// For each sample, if it is; else of the whole.
    let byteCount: Int
  }

  /// `given`: what `packed` was when the graph was compiled before.
  init(_ graph: Graph, _ settings: PlanSettings, given: PackedConstants? = nil) throws {
    let packer = Packer(given, for: settings)
    let plan = try ExecutionPlan(graph, settings, packer)
    self = packer.isStale ? try ExecutionPlan(graph, settings, Packer(nil, for: settings)) : plan
  }

  private init(_ graph: Graph, _ settings: PlanSettings, _ packer: Packer) throws {
    self.graph = graph
    self.settings = settings
    outputs = graph.outputs.map(\.value)
    let constants = try Constants(graph)
    let isVariable = constants.isVariable
    let split = BatchSplit(graph, isVariable: isVariable)
    self.split = split
    var compiler = StepCompiler(
      level: settings.level, exact: settings.exact, roundsToBF16: settings.roundsToBF16,
      isOrdered: settings.ordered ?? graph.hasBinaryLayers, split: split, packer: packer, constants: constants,
      types: graph.values.map(\.type),
      layouts: [ValueLayout](repeating: .plain, count: graph.values.count), isVariable: isVariable)
    let plan = NodePlan(
      graph, isVariable: isVariable, constants: constants, fuses: settings.fuses, compiler.choices(graph, usesBits: settings.usesBits))
    let copies = plan.types.count - graph.values.count
    nodes = plan.nodes
    hidden = plan.hidden
    (compiler.types, compiler.layouts) = (plan.types, plan.layouts)
    compiler.isVariable += [Bool](repeating: true, count: copies)
    compiler.findWholeNumbers(nodes)
    places = [Place?](repeating: nil, count: plan.types.count)
    filledBy = [Int?](repeating: nil, count: plan.types.count)
    for slot in plan.types.indices where compiler.isVariable[slot] && !hidden.contains(ValueID(slot)) {
      places[slot] = try ExecutionPlan.place(of: plan.types[slot], plan.layouts[slot], isSplit: split != nil)
    }
    var shared = Array(plan.types.indices)
    for planned in nodes {
      for result in planned.node.results { filledBy[Int(result.index)] = steps.count }
      if let source = ExecutionPlan.sharedOperand(of: planned) {
        shared[Int(planned.node.results[0].index)] = shared[Int(source.index)]
        steps.append(Step(kernel: "shared") { _ in })
      } else {
        steps.append(compiler.step(for: planned))
      }
    }
    if let fault = constants.fault { throw fault }
    packed = packer.parts
    planMemory(shared)
    // Enough to use packed weights more than once, and not so much that values leave the caches.
    chunk = settings.chunk > 0 ? settings.chunk : min(32, max(4, (1 << 20) / max(1, sampleMemory.bytes)))
  }

  /// The operand whose bytes a node's result has; nil for a node that computes.
  private static func sharedOperand(of planned: PlannedNode) -> ValueID? {
    if case .reshape = planned.node.op, !planned.isConversion { planned.node.operands[0] } else { nil }
  }

  private static func place(of type: TensorType, _ layout: ValueLayout, isSplit: Bool) throws -> Place {
    let isPerSample = isSplit || type.shape.hasFreeBatch
    let count: Int? =
      if isPerSample || layout != .plain { type.shape.sampleElements(layout) } else { type.shape.elementCount }
    let samples = isPerSample || layout == .plain ? 1 : type.shape[0]
    let bytes = count?.multipliedReportingOverflow(by: type.element.storageBytes * samples)
    guard let bytes, !bytes.overflow else { throw Diagnostic(.badInput, "a value of type \(type) is too large") }
    return Place(offset: 0, isPerSample: isPerSample, layout: layout, byteCount: bytes.partialValue)
  }

  /// Gives every value its offset. Values of one `shared` index lie in one place.
  private mutating func planMemory(_ shared: [Int]) {
    var requests = [MemoryPlan.Request?](repeating: nil, count: places.count)
    for (index, place) in places.enumerated() where shared[index] == index {
      if let place { requests[index] = MemoryPlan.Request(bytes: place.byteCount, first: -1, last: -1) }
    }
    for (step, planned) in nodes.enumerated() {
      let (operands, results) = (planned.node.operands + (planned.addend.map { [$0] } ?? []), planned.node.results)
      for result in results where shared[Int(result.index)] == Int(result.index) { requests[Int(result.index)]?.first = step }
      for value in operands + results { requests[shared[Int(value.index)]]?.last = step }
    }
    for isPerSample in [false, true] {
      let chosen = places.indices.filter { requests[$0] != nil && places[$0]?.isPerSample == isPerSample }
      let plan = MemoryPlan(chosen.compactMap { requests[$0] })
      for (request, index) in chosen.enumerated() { places[index]?.offset = plan.offsets[request] }
      if isPerSample { sampleMemory = plan } else { fixedMemory = plan }
    }
    for (index, root) in shared.enumerated() where root != index {
      let offset = places[root]?.offset ?? 0
      places[index]?.offset = offset
    }
  }

  /// Bytes of an arena for so many samples.
  func arenaBytes(_ samples: Int) -> Int { fixedMemory.bytes + sampleMemory.bytes * samples + 2 * MemoryPlan.alignment }

  /// The most workspace that a step needs for so many samples and threads, in bytes.
  func workspaceBytes(_ samples: Int, _ threads: Int) -> Int {
    steps.reduce(MemoryPlan.alignment) { max($0, $1.workspaceBytes(samples, threads)) }
  }
}

extension Graph {
  /// Whether some layer computes the contract's integer sums, as an array does.
  fileprivate var hasBinaryLayers: Bool {
    nodes.contains { node in
      switch node.op {
      case .binaryConv, .binaryDense: true
      default: false
      }
    }
  }
}
