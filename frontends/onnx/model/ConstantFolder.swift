import GraphIR
import ReferenceKernels

/// One of the numbers that make a shape.
enum Extent: Hashable {
  case known(Int)
  /// The free batch itself.
  case batch

  func bound(batch: Int) -> Int {
    switch self {
    case .known(let value): value
    case .batch: batch
    }
  }
}

/// Finds out values that do not depend on the inputs' elements, when an importer asks for one.
///
/// The free batch may take part: what is computed of it is computed twice, for two assumed batches. Equal results do not depend on the
/// batch; results that are the assumed batches are the batch; all else cannot be said in the IR. Results are kept, so asking twice is cheap.
struct ConstantFolder {
  /// The assumed batches: primes, far from any extent that networks have.
  static let probes = [1_000_003, 1_000_033]

  /// Constants that hold the first assumed batch: what they are for the second.
  private var assumptions: [ValueID: Tensor] = [:]
  private var batchDependent: Set<ValueID> = []
  private var known: [[ValueID: Tensor]] = [[:], [:]]
  /// What inputs were given, of those whose elements decide on a shape.
  private var given: [ValueID: Tensor] = [:]
  private var computedBytes = 0
  private var work = 0
  private let memoryLimit: Int

  /// The largest result that is computed, in elements: shapes are small, and folding weights is not an importer's work.
  private static let elementLimit = 1 << 20
  /// How many elements are computed or read in all.
  private static let workLimit = 1 << 23

  init(memoryLimit: Int) { self.memoryLimit = memoryLimit }

  func dependsOnBatch(_ id: ValueID) -> Bool { batchDependent.contains(id) }

  /// Takes a constant, which holds the first assumed batch, to be `tensor` for the second.
  mutating func assume(_ tensor: Tensor, for id: ValueID) {
    assumptions[id] = tensor
    batchDependent.insert(id)
  }

  /// Takes an input for the constant that it was given.
  mutating func bind(_ id: ValueID, to tensor: Tensor) { given[id] = tensor }

  /// Learns of a new node's result.
  mutating func note(_ result: ValueID, of operands: [ValueID]) {
    if operands.contains(where: batchDependent.contains) { batchDependent.insert(result) }
  }

  /// The value of a `ValueID` that does not depend on the inputs.
  mutating func tensor(_ id: ValueID, _ what: String, in graph: Graph) throws -> Tensor {
    let first = try evaluate(id, probe: 0, what, graph)
    guard batchDependent.contains(id) else { return first }
    guard first == (try evaluate(id, probe: 1, what, graph)) else { throw Diagnostic.freeBatch("\(what) depends on the free batch") }
    return first
  }

  mutating func extents(_ id: ValueID, _ what: String, in graph: Graph) throws -> [Extent] {
    let results = try (0...1).map { probe in
      let tensor = try evaluate(id, probe: probe, what, graph)
      guard tensor.shape.rank <= 1, let values = tensor.integers else {
        throw Diagnostic(.badInput, "\(what) is \(tensor.type), not a list of integers")
      }
      return values
    }
    guard results[0].count == results[1].count else {
      throw Diagnostic.freeBatch("\(what) has as many elements as the free batch")
    }
    return try zip(results[0], results[1]).map { first, second in
      if first == second { return .known(first) }
      guard [first, second] == ConstantFolder.probes else { throw Diagnostic.freeBatch("\(what) is computed from the free batch") }
      return .batch
    }
  }

  /// The value under one assumed batch. Walks on a stack of its own: a chain may be as long as the file.
  private mutating func evaluate(_ id: ValueID, probe: Int, _ what: String, _ graph: Graph) throws -> Tensor {
    var pending = [id]
    while let top = pending.last {
      if known[probe][top] != nil {
        pending.removeLast()
        continue
      }
      switch graph[top].definition {
      case .input:
        guard let tensor = given[top] else { preconditionFailure("a value that depends on an unknown input was asked for") }
        known[probe][top] = tensor
      case .constant(let tensor): known[probe][top] = probe == 0 ? tensor : assumptions[top] ?? tensor
      case .result(let id, let place):
        let node = graph[id]
        let missing = node.operands.filter { known[probe][$0] == nil }
        if missing.isEmpty {
          known[probe][top] = try result(of: node, place, node.operands.compactMap { known[probe][$0] }, what)
        } else {
          pending += missing
        }
      }
    }
    guard let tensor = known[probe][id] else { preconditionFailure("a value was walked but not found out") }
    return tensor
  }

  private mutating func result(of node: Node, _ place: Int, _ operands: [Tensor], _ what: String) throws -> Tensor {
    // Types may differ from the graph's: those were inferred for the first assumed batch only.
    let type = try node.op.resultTypes(for: operands.map(\.type))[place]
    guard let count = type.shape.elementCount, count <= ConstantFolder.elementLimit else {
      throw Diagnostic(.unsupported, "\(what) would be computed through a value of type \(type), which is too large for a shape")
    }
    try charge(node.op, count: count, operands, what)
    computedBytes += count * type.element.storageBytes
    guard computedBytes <= memoryLimit else {
      throw Diagnostic(.badInput, "computing shapes takes more than the memory limit of \(memoryLimit) bytes")
    }
    return try Reference.evaluate(node.op, operands)[place]
  }

  /// Counts the multiplications and moves that computing a result takes: shapes take few, and a file may ask for many.
  private mutating func charge(_ op: Op, count: Int, _ operands: [Tensor], _ what: String) throws {
    var each = 1
    switch op {
    case .conv, .dense, .binaryConv, .binaryDense: each = operands[1].count / max(operands[1].shape[0], 1)
    case .matmul: each = operands[0].shape.dimensions.last ?? 1
    case .pool(let a): each = Shape.product(a.kernel) ?? .max
    default: break
    }
    let (product, overflow) = count.multipliedReportingOverflow(by: each)
    work = overflow ? .max : work.addingReportingOverflow(max(product, operands.reduce(0) { $0 + $1.count })).partialValue
    guard !overflow, work >= 0, work <= ConstantFolder.workLimit else {
      throw Diagnostic(.unsupported, "\(what) takes more than \(ConstantFolder.workLimit) steps to compute, which is too much for a shape")
    }
  }

  /// Those of `values`, of the finished graph and computed from an assumed batch, that are the same for every batch.
  mutating func settled(_ values: [ValueID], in graph: Graph) -> [ValueID: Tensor] {
    var settled: [ValueID: Tensor] = [:]
    for id in values where batchDependent.contains(id) { settled[id] = try? tensor(id, "the result", in: graph) }
    return settled
  }

  /// Faults for nodes that outputs need and that use an assumed batch, but for those that give what is `settled`.
  func batchFaults(in graph: Graph, settled: [ValueID: Tensor]) -> [Diagnostic] {
    if assumptions.isEmpty { return [] }
    var isLive = [Bool](repeating: false, count: graph.values.count)
    for output in graph.outputs { isLive[Int(output.value.index)] = true }
    var faults: [Diagnostic] = []
    for output in graph.outputs where assumptions[output.value] != nil {
      faults.append(Diagnostic.freeBatch("output '\(output.name)' is computed from the free batch"))
    }
    for node in graph.nodes.reversed() where node.results.contains(where: { isLive[Int($0.index)] && settled[$0] == nil }) {
      for operand in node.operands { isLive[Int(operand.index)] = true }
      if node.operands.contains(where: { assumptions[$0] != nil }) {
        faults.append(Diagnostic.freeBatch("the result depends on the free batch").at("node '\(node.origin)'"))
      }
    }
    return faults.reversed()
  }
}
