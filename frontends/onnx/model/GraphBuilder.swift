import GraphIR

/// The graph being built: what importers append to.
struct GraphBuilder {
  private(set) var graph: Graph
  /// What nodes appended now stand for.
  var origin = ""
  private var folder: ConstantFolder
  /// For each value that depends on the inputs' elements: these inputs.
  private var sources: [ValueID: Set<ValueID>] = [:]
  /// What the model is to be run on, by input.
  private var given: [ValueID: Tensor] = [:]
  /// Inputs whose elements a shape depended on, and what they were given.
  private(set) var boundInputs: [ValueID: Tensor] = [:]
  /// Codes narrower than what carries them (int4 in i8, say).
  private var narrowCodes: [ValueID: OnnxElement] = [:]
  /// Bytes of constants made so far, on top of the file's own.
  private var constantBytes = 0
  private let memoryLimit: Int

  init(name: String, memoryLimit: Int) {
    graph = Graph(name: name)
    self.memoryLimit = memoryLimit
    folder = ConstantFolder(memoryLimit: memoryLimit)
  }

  func type(_ id: ValueID) -> TensorType { graph.type(of: id) }
  func shape(_ id: ValueID) -> Shape { graph.type(of: id).shape }
  func element(_ id: ValueID) -> DataType { graph.type(of: id).element }
  func rank(_ id: ValueID) -> Int { shape(id).rank }

  /// Throws when a value of this type cannot be handled within the memory limit.
  func requireRoom(for type: TensorType) throws { try TypeLimits.check(type, memory: memoryLimit) }

  // MARK: Appending

  /// Appends a node of one result.
  mutating func emit(_ op: Op, _ operands: ValueID...) throws -> ValueID { try emit(op, operands) }

  /// Appends a node of one result.
  mutating func emit(_ op: Op, _ operands: [ValueID]) throws -> ValueID {
    try TypeLimits.check(op)
    try requireRoom(for: try op.resultTypes(for: operands.map(type))[0])
    guard constantBytes <= memoryLimit else {
      throw Diagnostic(.badInput, "constants take more than the memory limit of \(memoryLimit) bytes", hint: "raise --max-memory")
    }
    let result = try graph.append1(op, operands, origin: origin)
    let inputs = operands.compactMap { sources[$0] }
    if let first = inputs.first { sources[result] = inputs.dropFirst().reduce(first) { $0 == $1 ? $0 : $0.union($1) } }
    folder.note(result, of: operands)
    return result
  }

  mutating func constant(_ tensor: Tensor) -> ValueID {
    constantBytes += tensor.count * tensor.element.storageBytes
    return graph.addConstant(tensor)
  }

  /// One number of the element type of `other`; throws when that cannot hold it.
  mutating func scalar(_ value: Double, like other: ValueID) throws -> ValueID { constant(try .number(value, element(other))) }

  mutating func addInput(_ name: String, _ type: TensorType) throws -> ValueID {
    try requireRoom(for: type)
    let input = graph.addInput(name, type)
    sources[input] = [input]
    return input
  }

  /// Says what an input will be; it is used only where a shape depends on its elements.
  mutating func give(_ tensor: Tensor, for input: ValueID) { given[input] = tensor }

  /// Adds a constant of the file's own.
  mutating func addInitializer(_ name: String, _ tensor: Tensor) -> ValueID { graph.addConstant(tensor, name: name) }

  mutating func addOutput(_ name: String, _ id: ValueID) { graph.addOutput(name, id) }

  /// Names a value that has no name yet.
  mutating func suggestName(_ name: String, for id: ValueID) {
    if graph[id].name.isEmpty { graph.setName(name, of: id) }
  }

  /// Remembers that a value holds codes of a narrower type than its own.
  mutating func setCodeType(_ element: OnnxElement, of id: ValueID) {
    if element != OnnxElement(self.element(id)) { narrowCodes[id] = element }
  }

  // MARK: Asking

  /// The type of the codes that a value holds, as the file said it.
  func codeType(of id: ValueID) -> OnnxElement { narrowCodes[id] ?? OnnxElement(element(id)) }

  /// Whether a value is known now, whatever the inputs and the batch are.
  func isConstant(_ id: ValueID) -> Bool { sources[id] == nil && !folder.dependsOnBatch(id) }

  /// The tensor that a value is, whatever the inputs are; throws when it depends on one. `what` says what it is needed for.
  mutating func tensor(_ id: ValueID, _ what: String) throws -> Tensor {
    try requireKnown(id, what)
    return try folder.tensor(id, what, in: graph)
  }

  /// The one number that a value is.
  mutating func number(_ id: ValueID, _ what: String) throws -> Double {
    let tensor = try tensor(id, what)
    guard tensor.count == 1 else { throw Diagnostic(.badInput, "\(what) has \(tensor.count) elements, not one") }
    return tensor.double(at: 0)
  }

  /// The integers that a value is; throws when one of them is the free batch.
  mutating func integers(_ id: ValueID, _ what: String) throws -> [Int] {
    try extents(id, what).map { extent in
      guard case .known(let value) = extent else { throw Diagnostic.freeBatch("\(what) depends on the free batch") }
      return value
    }
  }

  /// The integers that a value is, one of which may be the free batch.
  mutating func extents(_ id: ValueID, _ what: String) throws -> [Extent] {
    try requireKnown(id, what)
    return try folder.extents(id, what, in: graph)
  }

  /// Takes the inputs that a value depends on for constants, if it is known what they are given.
  private mutating func requireKnown(_ id: ValueID, _ what: String) throws {
    guard let inputs = sources[id] else { return }
    for input in inputs.sorted(by: { $0.index < $1.index }) where boundInputs[input] == nil {
      guard let tensor = given[input] else {
        throw Diagnostic(
          .unsupported, "\(what) depends on input '\(graph[input].name)'", hint: "it must be constant, or given with 'run --input'")
      }
      folder.bind(input, to: tensor)
      boundInputs[input] = tensor
    }
  }

  /// A constant of a value's extents, `range` of them; the free batch among them is remembered.
  mutating func shapeConstant(of id: ValueID, _ range: Range<Int>) -> ValueID {
    let dimensions = shape(id).dimensions[range].map { $0 == Shape.free ? Extent.batch : .known($0) }
    return batchConstant([range.count]) { batch in dimensions.map { $0.bound(batch: batch) } }
  }

  /// An i64 constant whose elements may depend on the free batch.
  mutating func batchConstant(_ shape: Shape, _ elements: (_ batch: Int) -> [Int]) -> ValueID {
    let tensors = ConstantFolder.probes.map { Tensor.integers(.int64, shape, elements($0)) }
    let id = constant(tensors[0])
    if tensors[0] != tensors[1] { folder.assume(tensors[1], for: id) }
    return id
  }

  /// Constants in the finished graph's place of what was computed from the free batch and does not depend on it, such as another extent of the
  /// same shape. Throws where a value depends on the batch in a way that no op of the IR can say.
  mutating func settleBatch() throws -> [ValueID: Tensor] {
    // Where what shapes alone say meets what inputs say.
    var met: Set<ValueID> = []
    for node in graph.nodes where node.operands.contains(where: { sources[$0] != nil }) { met.formUnion(node.operands) }
    let candidates = graph.nodes.filter { $0.results.count == 1 }.map { $0.results[0] }.filter { sources[$0] == nil && met.contains($0) }
    let settled = folder.settled(candidates, in: graph)
    try Diagnostics.throwIfAny(folder.batchFaults(in: graph, settled: settled))
    return settled
  }
}

extension Diagnostic {
  /// What cannot be said while the batch is free.
  static func freeBatch(_ message: String) -> Diagnostic { Diagnostic(.unsupported, message, hint: "bind it with --batch") }
}
