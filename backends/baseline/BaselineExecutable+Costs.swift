import GraphIR
import Hardware
import PluginAPI

extension BaselineExecutable {
  /// Bytes that a node's constant weights take as the machine stores them.
  func weightBytes(of number: Int) -> Int {
    let node = graph.nodes[number]
    switch node.op {
    case .conv, .dense, .rescale: return node.operands.reduce(0) { $0 + (graph.constant($1).map { 4 * $0.count } ?? 0) }
    case .binaryConv, .binaryDense: return ((graph.constant(node.operands[1])?.count ?? 0) * settings.weights.bits + 7) / 8
    default: return 0
    }
  }

  /// Where all weights lie: the smallest memory that holds those of the whole network.
  var weightMemory: ProcessorDescription.Memory {
    settings.machine.memory(holding: graph.nodes.indices.reduce(0) { $0 + weightBytes(of: $1) })
  }

  /// Where a value lies: the smallest memory that holds one sample of it.
  private func memory(of value: ValueID) -> ProcessorDescription.Memory {
    let type = graph.type(of: value)
    let samples = graph.constant(value) == nil ? type.shape.boundSamples : 1
    return settings.machine.memory(holding: (type.shape.elementCountPerSample ?? 0) / samples * type.element.storageBytes)
  }

  func costs(of tallies: [Tally]) -> CostReport {
    let layers = graph.nodeIDs.enumerated().map { number, id -> CostReport.Layer in
      let node = graph[id]
      switch selections[number] {
      case .alias: return CostReport.Layer(node: id, origin: node.origin, op: node.op.name, place: .processor)
      case .host:
        let elements = node.results.reduce(0) { $0 + (graph.type(of: $1).shape.elementCountPerSample ?? 0) }
        return CostReport.Layer(
          node: id, origin: node.origin, op: node.op.name, place: .host, macs: node.macs(in: graph) / samples(of: node),
          energy: [.init("host work", picojoules: nil)], counts: [.init("values made on the host", elements / samples(of: node))])
      case .kernel: return layer(id, tallies[number])
      }
    }
    return CostReport(layers: layers, constants: constants, notes: settingNotes + modelNotes)
  }

  private func layer(_ id: NodeID, _ tally: Tally) -> CostReport.Layer {
    let node = graph[id]
    let sums = memory(of: node.results[0])
    let memories = [memory(of: node.operands[0]), weightMemory, sums, sums]
    let operations = settings.machine.operations
    func energy(_ pairs: [(Int, Fact)]) -> Double? {
      var total = 0.0
      for (count, fact) in pairs where count > 0 {
        guard let number = fact.number else { return nil }
        total += Double(count) * number
      }
      return total
    }
    var parts: [CostReport.Part] = [
      .init(
        "arithmetic",
        picojoules: energy([
          (tally.int8Multiplies, operations.int8Multiply), (tally.int16Adds, operations.int16Add), (tally.int32Adds, operations.int32Add),
          (tally.floatMultiplies, operations.float32Multiply), (tally.floatAdds, operations.float32Add),
        ]))
    ]
    if tally.registerBits > 0 { parts.append(.init("registers", picojoules: energy([(tally.registerBits, settings.machine.registerBit)]))) }
    var cycles = divided(tally.operations, by: settings.machine.lanes)
    for ((name, stream), memory) in zip(tally.streams, memories) where stream.loads + stream.stores > 0 {
      let share = Double(stream.bits) / Double(memory.wordBits)
      let whole = energy([(stream.loads, memory.read), (stream.stores, memory.write)])
      parts.append(.init(name, picojoules: whole.map { $0 * share }))
      cycles += self.cycles(of: stream, memory)
    }
    let period = 1000 / (settings.machine.clock.number ?? .nan)
    return CostReport.Layer(
      node: id, origin: node.origin, op: node.op.name, place: .processor, macs: tally.macs, cycles: cycles,
      nanoseconds: Double(cycles) * period,
      energy: parts,
      counts: [
        .init("loads", tally.streams.reduce(0) { $0 + $1.stream.loads }),
        .init("stores", tally.streams.reduce(0) { $0 + $1.stream.stores }),
        .init("multiply-accumulates", tally.macs), .init("other operations", tally.otherOperations),
      ])
  }

  /// One access moves as many operands as there are lanes, if a word holds so many; it takes whole clock cycles.
  private func cycles(of stream: Tally.Stream, _ memory: ProcessorDescription.Memory) -> Int {
    let perAccess = max(1, min(settings.machine.lanes, memory.wordBits / max(stream.bits, 1)))
    let nanoseconds = memory.access.number ?? .nan
    let latency = (nanoseconds * (settings.machine.clock.number ?? .nan) / 1000).rounded(.up)
    return divided(stream.loads + stream.stores, by: perAccess) * (latency.isFinite ? Int(latency) : 1)
  }

  private func divided(_ count: Int, by size: Int) -> Int { (count + size - 1) / size }

  private var usedMemories: [ProcessorDescription.Memory] {
    let names = Set(
      graph.nodes.flatMap { node in (node.operands.prefix(1) + node.results).map { memory(of: $0).name } } + [weightMemory.name])
    return settings.machine.memories.filter { names.contains($0.name) }
  }

  private var constants: [SourcedConstant] {
    let machine = settings.machine
    let operations = machine.operations
    let facts = [
      machine.clock, operations.int8Multiply, operations.int16Add, operations.int32Add, operations.float32Multiply, operations.float32Add,
      machine.registerBit,
    ]
    return (facts + usedMemories.flatMap { [$0.read, $0.write, $0.access] }).compactMap { $0.constant(of: machine.name) }
  }

  /// The settings that decide the answer.
  var settingNotes: [String] {
    ["reuse=\(settings.reuse.rawValue), weights=\(settings.weights.rawValue): \(settings.reuse.meaning); \(settings.weights.meaning)"]
  }

  private var modelNotes: [String] {
    [
      "weights lie in \(weightMemory.name), each value in the smallest memory that holds one sample of it",
      "an operand is charged its share of a memory word; padding is loaded as zeros",
      "a division counts as a multiplication, a comparison as an addition",
      "not charged: instructions, leakage, conversions between number formats, bringing weights into their memory",
      "time: operations and accesses one after another, \(settings.machine.lanes) at a time",
    ]
  }
}

extension Reuse {
  /// In words, for a report.
  var meaning: String {
    switch self {
    case .none: "each product loads an input, a weight and its partial sum, and stores the sum"
    case .register: "each product loads an input and a weight, its sum stays in a register"
    case .full: "each input and weight of a layer is loaded once for a sample"
    }
  }
}

extension WeightStorage {
  /// In words, for a report.
  var meaning: String {
    switch self {
    case .int8: "a weight of ±1 is a byte and takes a multiplier"
    case .bit: "a weight of ±1 is a bit and takes an adder only"
    }
  }
}
