import GraphIR
import PluginAPI
import ReferenceKernels

extension Plan {
  /// Plans a program whose `wanted` values will be asked for; nil when the graph holds something that floats cannot.
  init?(_ program: Program, _ graph: Graph, wanted: [ValueID]) {
    let isBatched = graph.inputs.allSatisfy { id in
      let type = graph.type(of: id)
      return type.element == .float32 && type.shape.rank > 0 && type.shape[0] == Shape.free
    }
    guard isBatched, !graph.inputs.isEmpty else { return nil }
    self.graph = graph
    machine = program.machine
    self.wanted = wanted
    kept = [Int?](repeating: nil, count: graph.values.count)
    var builder = Builder(program, graph, wanted)
    guard builder.build() else { return nil }
    folded = builder.folded
    (steps, wirings, finishes, boundary) = (builder.steps, builder.wirings, builder.finishes, builder.boundary ?? builder.steps.count)
    kept = builder.kept
    // Where each value is first written and last read decides whether one place does for all samples.
    for (number, layout) in builder.layouts.enumerated() {
      if let place = builder.inputOf[number] {
        values.append(Value(home: .input(place), layout: layout))
        continue
      }
      let isPrivate = builder.madeAt[number] < boundary && builder.lastUse[number] < boundary && !builder.isWanted(number)
      let floats = (layout.storage + 15) / 16 * 16
      values.append(Value(home: .arena(offset: arenaFloats, stride: isPrivate ? 0 : layout.storage), layout: layout))
      arenaFloats += isPrivate ? floats : (layout.storage * Plan.chunk + 15) / 16 * 16
    }
    for wiring in wirings {
      let samples = wiring.layer.positions == 1 ? Plan.chunk : 1
      if machine.errors.isNoisy { noiseFloats = max(noiseFloats, wiring.noiseQuads * 64 * samples) }
      preparedFloats = max(preparedFloats, (wiring.preparedStorage * samples + 15) / 16 * 16)
    }
  }

  /// Elements that floats hold; of sums, `addReference` sees to it.
  private static let heldElements: Set<DataType> = [.float32, .uint8, .int8, .bool, .int32]

  /// Why a graph has no plan, as far as types tell.
  static func obstacle(in graph: Graph) -> String {
    for id in graph.inputs where graph.type(of: id).element != .float32 || !graph.type(of: id).shape.hasFreeBatch {
      return "input '\(graph[id].name)' is \(graph.type(of: id))"
    }
    var fixed: Set<ValueID> = []
    for node in graph.nodes {
      if node.operands.allSatisfy({ graph.constant($0) != nil || fixed.contains($0) }) {
        fixed.formUnion(node.results)
        continue
      }
      let types = node.results.map { graph.type(of: $0) }
      for type in types where !heldElements.contains(type.element) || !type.shape.hasFreeBatch {
        return "node '\(node.origin)' gives \(type)"
      }
    }
    return "its sums are too large"
  }

  /// Walks the graph once.
  private struct Builder {
    let program: Program
    let graph: Graph
    let wanted: Set<ValueID>
    let uses: [Int]
    var layouts: [Layout] = []
    var inputOf: [Int?] = []
    var lastUse: [Int] = []
    var madeAt: [Int] = []
    var kept: [Int?]
    var steps: [Step] = []
    var wirings: [LayerWiring] = []
    var finishes: [Finish] = []
    var boundary: Int?
    let layerOf: [NodeID: Layer]
    var folded: [ValueID: Tensor] = [:]

    init(_ program: Program, _ graph: Graph, _ wanted: [ValueID]) {
      self.program = program
      self.graph = graph
      self.wanted = Set(wanted)
      kept = [Int?](repeating: nil, count: graph.values.count)
      var uses = [Int](repeating: 0, count: graph.values.count)
      for node in graph.nodes { for id in node.operands { uses[Int(id.index)] += 1 } }
      self.uses = uses
      layerOf = Dictionary(uniqueKeysWithValues: program.layers.flatMap(\.slices).map { ($0.node, $0) })
    }

    mutating func value(_ layout: Layout, input: Int? = nil) -> Int {
      layouts.append(layout)
      inputOf.append(input)
      lastUse.append(-1)
      madeAt.append(steps.count)
      return layouts.count - 1
    }

    mutating func use(_ number: Int) { lastUse[number] = steps.count }

    func isWanted(_ number: Int) -> Bool { wanted.contains { kept[Int($0.index)] == number } }

    func constant(_ id: ValueID) -> Tensor? { graph.constant(id) ?? folded[id] }

    func count(_ id: ValueID) -> Int? { graph.type(of: id).shape.elementCountPerSample }

    func isKeepable(_ id: ValueID) -> Bool {
      let type = graph.type(of: id)
      return heldElements.contains(type.element) && type.shape.hasFreeBatch && count(id) != nil
    }

    mutating func build() -> Bool {
      for (place, id) in graph.inputs.enumerated() {
        guard let count = count(id) else { return false }
        kept[Int(id.index)] = value(.plain(count), input: place)
      }
      for id in graph.nodeIDs where kept[Int(graph[id].results[0].index)] == nil {
        guard add(id) else { return false }
      }
      for id in wanted where kept[Int(id.index)] == nil && constant(id) == nil { return false }
      return wanted.allSatisfy { kept[Int($0.index)] != nil }
    }

    mutating func add(_ id: NodeID) -> Bool {
      let node = graph[id]
      let constants = node.operands.compactMap(constant)
      if constants.count == node.operands.count {
        guard let results = try? Reference.evaluate(node.op, constants) else { return false }
        for (id, tensor) in zip(node.results, results) { folded[id] = tensor }
        return true
      }
      if let layer = layerOf[id] { return add(layer, node) }
      let result = node.results[0]
      guard node.results.allSatisfy(isKeepable) else { return false }
      switch node.op {
      case .reshape:
        guard let from = kept[Int(node.operands[0].index)] else { return false }
        kept[Int(result.index)] = from
        return true
      case .quantize(let a):
        guard let from = kept[Int(node.operands[0].index)], let scale = constant(node.operands[1]), scale.count == 1,
          scale.element == .float32, node.operands.count == 2, max(abs(a.lo), abs(a.hi)) < 1 << 20
        else { return addReference(id) }
        use(from)
        let to = value(layouts[from])
        steps.append(.quantize(from: from, to: to, scale: scale.floats[0], lo: Float(a.lo), hi: Float(a.hi)))
        kept[Int(result.index)] = to
        return true
      case .dequantize:
        guard let from = kept[Int(node.operands[0].index)], let scale = constant(node.operands[1]), scale.count == 1,
          scale.element == .float32, node.operands.count == 2
        else { return addReference(id) }
        use(from)
        let to = value(layouts[from])
        steps.append(.dequantize(from: from, to: to, scale: scale.floats[0]))
        kept[Int(result.index)] = to
        return true
      case .pool(let a):
        let shape = graph.type(of: node.operands[0]).shape
        guard a.kind == .max, a.window.isUnpadded, !a.roundUp, let from = kept[Int(node.operands[0].index)], layouts[from].fits(shape)
        else { return addReference(id) }
        return addPool(a, from, shape, result)
      case .rescale(let a): return addRescale(a, node) || addReference(id)
      case .dense(let a):
        guard let from = kept[Int(node.operands[0].index)], graph.type(of: node.operands[0]).element == .float32,
          let outputs = count(result), let dense = HostDense(a, node.operands.dropFirst().map { constant($0) })
        else { return addReference(id) }
        let x = plain(from)
        boundary = boundary ?? steps.count
        use(x)
        let to = value(.plain(outputs))
        steps.append(.dense(dense, from: x, to: to))
        kept[Int(result.index)] = to
        return true
      default: return addPointwise(id)
      }
    }

    /// What is done number by number keeps the layout of its operands.
    mutating func addPointwise(_ id: NodeID) -> Bool {
      let node = graph[id]
      let type = graph.type(of: node.results[0])
      let isCondition = node.op == .select
      guard let function = Pointwise.Function(node.op),
        node.operands.enumerated().allSatisfy({ place, operand in
          graph.type(of: operand).element == (isCondition && place == 0 ? .bool : .float32)
            && (constant(operand) != nil || graph.type(of: operand).shape == type.shape)
        })
      else { return addReference(id) }
      var from = node.operands.map { constant($0) == nil ? kept[Int($0.index)] : nil }
      let given = from.compactMap { $0 }
      guard let first = given.first, given.count == node.operands.filter({ constant($0) == nil }).count
      else { return addReference(id) }
      let layout = given.allSatisfy { layouts[$0] == layouts[first] } ? layouts[first] : .plain(layouts[first].count)
      var operands: [Pointwise.Operand] = []
      for (place, operand) in node.operands.enumerated() {
        if let tensor = constant(operand) {
          guard let constant = Pointwise.operand(tensor, for: type.shape, in: layout) else { return addReference(id) }
          operands.append(constant)
        } else if let number = from[place] {
          from[place] = layout.positions == nil ? plain(number) : number
          operands.append(.value(from[place] ?? number))
        }
      }
      for case let number? in from { use(number) }
      let to = value(layout)
      steps.append(.pointwise(Pointwise(function: function, operands: operands, to: to)))
      kept[Int(node.results[0].index)] = to
      return true
    }

    mutating func addPool(_ a: Pool, _ from: Int, _ shape: Shape, _ result: ValueID) -> Bool {
      let output = graph.type(of: result).shape
      let geometry = Geometry(a.window, input: shape, kernel: a.kernel, output: output)
      let (layout, plane) = (layouts[from], shape.dimensions.dropFirst(2).reduce(1, *))
      let taps = geometry.inputs.filter { Int($0) < plane }.map { $0 * Int32(layout.width) }
      let outputs = geometry.positions.count
      let outer = layout.positions == nil ? shape[1] : (shape[1] + 15) / 16
      let positions = (0..<outer).flatMap { block in
        geometry.positions.map { Int32(block * plane * layout.width) + $0 * Int32(layout.width) }
      }
      use(from)
      let to = value(layout.positions == nil ? .plain(shape[1] * outputs) : .lanes(channels: shape[1], positions: outputs))
      steps.append(.maxPool(Pooling(from: from, to: to, positions: positions, taps: taps, width: layout.width)))
      kept[Int(result.index)] = to
      return true
    }

    /// The value in the tensor's own order.
    mutating func plain(_ number: Int) -> Int {
      if layouts[number].positions == nil { return number }
      use(number)
      let to = value(.plain(layouts[number].count))
      steps.append(.relayout(from: number, to: to))
      return to
    }

    mutating func addReference(_ id: NodeID) -> Bool {
      let node = graph[id]
      guard node.results.allSatisfy({ graph.type(of: $0).element != .int32 }) || isSmallSum(node) else { return false }
      for operand in node.operands where constant(operand) == nil {
        guard let from = kept[Int(operand.index)], isKeepable(operand) else { return false }
        boundary = boundary ?? steps.count
        use(from)
      }
      boundary = boundary ?? steps.count
      for result in node.results {
        guard let count = count(result) else { return false }
        kept[Int(result.index)] = value(.plain(count))
      }
      steps.append(.reference(id))
      return true
    }

    /// Whether a node is a binary layer on the host whose sums floats hold.
    func isSmallSum(_ node: Node) -> Bool {
      switch node.op {
      case .binaryConv, .binaryDense:
        let weights = graph.type(of: node.operands[1]).shape
        return weights.dimensions.dropFirst().reduce(1, *) * 255 < 1 << 24
      default: return false
      }
    }

    mutating func add(_ layer: Layer, _ node: Node) -> Bool {
      guard var from = kept[Int(node.operands[0].index)], layer.inputs * 255 < 1 << 24 else { return false }
      let shape = graph.type(of: node.operands[0]).shape
      if !layouts[from].fits(shape) && layer.geometry.sampleCount != layer.inputs { from = plain(from) }
      if layer.positions == 1 { boundary = boundary ?? steps.count }
      let machine = program.machine
      let wiring = LayerWiring(
        layer, graph, input: layouts[from], isBitSerial: machine.isBitSerial, isBent: machine.errors.dacBow != 0, chunk: Plan.chunk)
      use(from)
      let to = value(wiring.output)
      let ones = [Float](repeating: 1, count: wiring.blocks * 16)
      var finish = Finish(factor: ones, addend: ones.map { _ in 0 })
      let sums = node.results[0]
      // A rescale that alone uses the sums is done where they are made.
      if !wanted.contains(sums), uses[Int(sums.index)] == 1,
        let next = graph.nodes.first(where: { $0.operands.contains(sums) }), case .rescale(let a) = next.op, next.operands.count == 3,
        next.operands[0] == sums, let factor = constant(next.operands[1]), let addend = constant(next.operands[2])
      {
        finish = Builder.finish(a, factor.floats, addend.floats, blocks: wiring.blocks)
        kept[Int(next.results[0].index)] = to
      } else {
        kept[Int(sums.index)] = to
      }
      steps.append(.evaluate(layer: wirings.count, from: from, to: to))
      wirings.append(wiring)
      finishes.append(finish)
      return true
    }

    mutating func addRescale(_ a: Rescale, _ node: Node) -> Bool {
      let last = node.operands.count - 1
      let places = stride(from: 0, to: last, by: 2)
      let from = places.compactMap { kept[Int(node.operands[$0].index)] }
      let factors = places.compactMap { constant(node.operands[$0 + 1])?.floats }
      guard let addend = constant(node.operands[last])?.floats, from.count == factors.count, 2 * from.count == last
      else { return false }
      let layout = layouts[from[0]]
      guard layout.positions != nil, from.allSatisfy({ layouts[$0] == layout }) else { return false }
      let blocks = (addend.count + 15) / 16
      let finish = Builder.finish(a, factors[0], addend, blocks: blocks)
      for number in from { use(number) }
      let to = value(layout)
      steps.append(
        .rescale(
          Rescaling(
            from: from, to: to, factors: factors.map { Builder.padded($0, blocks) }, addend: finish.addend, lo: finish.lo, hi: finish.hi)))
      kept[Int(node.results[0].index)] = to
      return true
    }

    static func padded(_ numbers: [Float], _ blocks: Int) -> [Float] { numbers + [Float](repeating: 0, count: blocks * 16 - numbers.count) }

    static func finish(_ a: Rescale, _ factor: [Float], _ addend: [Float], blocks: Int) -> Finish {
      var finish = Finish(factor: padded(factor, blocks), addend: padded(addend, blocks))
      switch a.activation {
      case .none: break
      case .relu: finish.lo = 0
      case .clip(let lo, let hi): (finish.lo, finish.hi) = (lo, hi)
      }
      return finish
    }
  }
}
