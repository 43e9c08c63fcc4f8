import GraphIR
import ReferenceKernels

/// A graph made into steps over planned memory: everything about a run that does not depend on the inputs' numbers.
struct ExecutionPlan: Sendable {
  let graph: Graph
  let level: InstructionLevel
  /// The node that each step runs.
  private(set) var nodes: [NodeID] = []
  private(set) var steps: [Step] = []
  /// Values known when the graph is compiled, by value index.
  let constants: [Tensor?]
  /// Whether a value depends on an input, by value index.
  let isVariable: [Bool]
  /// Whether samples may run apart from each other, and the batch if it is fixed; nil: the graph runs whole.
  let split: BatchSplit?
  /// Where values lie in the arena, by value index.
  private(set) var places: [Place?]
  /// Arena bytes whatever the batch, then those for each sample.
  private(set) var fixedMemory = MemoryPlan([])
  private(set) var sampleMemory = MemoryPlan([])
  /// Samples that run through the network together, at most.
  private(set) var chunk = 1

  /// A value's place: an offset into the fixed part of the arena, or one for each sample into the rest. Offset and size in bytes.
  struct Place: Sendable {
    var offset: Int
    let isPerSample: Bool
    /// For each sample, if it is; else of the whole.
    let byteCount: Int
  }

  init(_ graph: Graph, _ level: InstructionLevel, chunk: Int) throws {
    self.graph = graph
    self.level = level
    (constants, isVariable) = try ExecutionPlan.fold(graph)
    split = BatchSplit(graph, isVariable: isVariable)
    places = [Place?](repeating: nil, count: graph.values.count)
    for (index, value) in graph.values.enumerated() where isVariable[index] { places[index] = try place(of: value) }
    let compiler = StepCompiler(graph: graph, level: level, constants: constants, isVariable: isVariable, split: split)
    var shared: [Int] = Array(graph.values.indices)
    for (id, node) in zip(graph.nodeIDs, graph.nodes) where node.results.contains(where: { isVariable[Int($0.index)] }) {
      nodes.append(id)
      if let source = ExecutionPlan.sharedOperand(of: node) {
        shared[Int(node.results[0].index)] = shared[Int(source.index)]
        steps.append(Step(kernel: "shared") { _ in })
      } else {
        steps.append(compiler.step(for: node))
      }
    }
    planMemory(shared)
    // Enough to use packed weights more than once, and not so much that values leave the caches.
    self.chunk = chunk > 0 ? chunk : min(32, max(4, (1 << 20) / max(1, sampleMemory.bytes)))
  }

  /// Constants, and values computed from nothing but constants; and which values depend on an input.
  private static func fold(_ graph: Graph) throws -> ([Tensor?], [Bool]) {
    var constants = graph.values.map { value in if case .constant(let tensor) = value.definition { tensor } else { nil as Tensor? } }
    var isVariable = [Bool](repeating: false, count: graph.values.count)
    for input in graph.inputs { isVariable[Int(input.index)] = true }
    for node in graph.nodes {
      if node.operands.contains(where: { isVariable[Int($0.index)] }) {
        for result in node.results { isVariable[Int(result.index)] = true }
        continue
      }
      let operands = node.operands.compactMap { constants[Int($0.index)] }
      for (result, tensor) in zip(node.results, try Reference.evaluate(node.op, operands)) { constants[Int(result.index)] = tensor }
    }
    return (constants, isVariable)
  }

  /// The operand whose bytes a node's result has; nil for a node that computes.
  private static func sharedOperand(of node: Node) -> ValueID? { if case .reshape = node.op { node.operands[0] } else { nil } }

  private func place(of value: Value) throws -> Place {
    let shape = value.type.shape
    let isPerSample = split != nil || shape.hasFreeBatch
    guard let count = isPerSample ? Shape.product(shape.dimensions.dropFirst()) : shape.elementCount,
      !count.multipliedReportingOverflow(by: value.type.element.storageBytes).overflow
    else { throw Diagnostic(.badInput, "a value of type \(value.type) is too large", place: value.name) }
    return Place(offset: 0, isPerSample: isPerSample, byteCount: count * value.type.element.storageBytes)
  }

  /// Gives every value its offset. Values of one `shared` index lie in one place.
  private mutating func planMemory(_ shared: [Int]) {
    var requests = [MemoryPlan.Request?](repeating: nil, count: graph.values.count)
    for (index, place) in places.enumerated() where shared[index] == index {
      if let place { requests[index] = MemoryPlan.Request(bytes: place.byteCount, first: -1, last: -1) }
    }
    for (step, node) in nodes.enumerated() {
      for result in graph[node].results where shared[Int(result.index)] == Int(result.index) { requests[Int(result.index)]?.first = step }
      for value in graph[node].operands + graph[node].results { requests[shared[Int(value.index)]]?.last = step }
    }
    for isPerSample in [false, true] {
      let chosen = graph.values.indices.filter { requests[$0] != nil && places[$0]?.isPerSample == isPerSample }
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

  /// The most workspace that a step needs for so many samples, in bytes.
  func workspaceBytes(_ samples: Int) -> Int { steps.reduce(MemoryPlan.alignment) { max($0, $1.workspaceBytes(samples)) } }
}
