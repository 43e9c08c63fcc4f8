import GraphIR
import PluginAPI

/// Two networks over the same calibration data: the original, and the one that is being built from it. Keeps the values that later layers
/// are computed from, so that each part of either network runs once.
struct Replay {
  /// A value of the original and what stands for it, with its tensors, batch by batch.
  struct Pair {
    var built: ValueID
    var originalTensors: [Tensor]
    var builtTensors: [Tensor]
  }

  private let original: Graph
  private let context: PassContext
  /// By value of the original.
  private(set) var known: [ValueID: Pair] = [:]

  /// Starts at the inputs of a graph, with as much of the calibration data as `byteLimit` allows for the largest value.
  init(_ original: Graph, _ context: PassContext, byteLimit: Int = 768 << 20) {
    self.original = original
    self.context = context
    let largest = original.values.compactMap { value -> Int? in
      if case .constant = value.definition { nil } else { value.type.shape.elementCountPerSample }
    }.max()
    var left = max(32, byteLimit / (4 * max(1, largest ?? 1)))
    var batches: [[Tensor]] = []
    for batch in context.calibration where left > 0 {
      let taken = min(left, batch.first?.shape[0] ?? 0)
      batches.append(taken == batch.first?.shape[0] ? batch : batch.map { $0.slice(batch: 0..<taken) })
      left -= taken
    }
    for (place, input) in original.inputs.enumerated() {
      let tensors = batches.map { $0[place] }
      known[input] = Pair(built: input, originalTensors: tensors, builtTensors: tensors)
    }
  }

  /// The tensors of a value of the original and of what stands for it in `new`.
  mutating func pair(_ value: ValueID, _ built: ValueID, in new: Graph) throws -> Pair {
    if let pair = known[value] { return pair }
    let pair = Pair(built: built, originalTensors: try originals(of: value), builtTensors: try builts(of: built, in: new))
    known[value] = pair
    return pair
  }

  /// Runs the original up to a value.
  func originals(of value: ValueID) throws -> [Tensor] {
    try run(original, to: value, from: known.mapValues(\.originalTensors))
  }

  /// Runs what was built up to a value, which need not stand for one of the original.
  func builts(of value: ValueID, in new: Graph) throws -> [Tensor] {
    try run(new, to: value, from: Dictionary(known.values.map { ($0.built, $0.builtTensors) }) { first, _ in first })
  }

  /// Keeps what is known of a value.
  mutating func keep(_ value: ValueID, _ pair: Pair) { known[value] = pair }

  /// Forgets what nothing after a node of the original needs.
  mutating func forget(after node: NodeID) {
    var needed: Set<ValueID> = []
    var open = original.nodes.dropFirst(Int(node.index) + 1).flatMap(\.operands) + original.outputs.map(\.value)
    var seen = Set(open)
    while let value = open.popLast() {
      if known[value] != nil {
        needed.insert(value)
      } else if let producer = original.producer(of: value) {
        for operand in original[producer].operands where seen.insert(operand).inserted { open.append(operand) }
      }
    }
    known = known.filter { needed.contains($0.key) }
  }

  private func run(_ graph: Graph, to value: ValueID, from tensors: [ValueID: [Tensor]]) throws -> [Tensor] {
    if let there = tensors[value] { return there }
    let segment = try Segment(of: graph, to: value, from: Set(tensors.keys))
    let count = tensors.values.first?.count ?? 0
    return try (0..<count).map { batch in
      let inputs = segment.inputs.map { input in
        guard let there = tensors[input] else { preconditionFailure("a segment starts at values that are known") }
        return there[batch]
      }
      return try context.evaluate(segment.graph, inputs, [segment.target])[0]
    }
  }
}

/// The part of a graph that computes one value from some others.
struct Segment {
  let graph: Graph
  /// The values of the whole graph that are the part's inputs, in order.
  let inputs: [ValueID]
  /// The value, by its name in the part.
  let target: ValueID

  init(of whole: Graph, to value: ValueID, from known: Set<ValueID>) throws {
    var isNeeded = [Bool](repeating: false, count: whole.values.count)
    var open = [value]
    isNeeded[Int(value.index)] = true
    while let next = open.popLast() {
      guard !known.contains(next), let producer = whole.producer(of: next) else { continue }
      for operand in whole[producer].operands where !isNeeded[Int(operand.index)] {
        isNeeded[Int(operand.index)] = true
        open.append(operand)
      }
    }
    var part = Graph(name: whole.name)
    var map: [ValueID: ValueID] = [:]
    var inputs: [ValueID] = []
    for id in whole.valueIDs where isNeeded[Int(id.index)] {
      if let tensor = whole.constant(id) {
        map[id] = part.addConstant(tensor)
      } else if known.contains(id) {
        map[id] = part.addInput("x\(inputs.count)", whole.type(of: id))
        inputs.append(id)
      }
    }
    for node in whole.nodes where node.results.contains(where: { isNeeded[Int($0.index)] && map[$0] == nil }) {
      let results = try part.append(node.op, node.operands.map { map[$0] ?? $0 }, origin: node.origin)
      for (old, new) in zip(node.results, results) where map[old] == nil { map[old] = new }
    }
    guard let target = map[value] else { throw Diagnostic(.badInput, "value \(value) cannot be computed from what is known") }
    part.addOutput("y", target)
    (graph, self.inputs, self.target) = (part, inputs, target)
  }
}
