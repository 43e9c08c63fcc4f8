import GraphIR
import ReferenceKernels

/// Nodes between a value and codes of it, each of which treats every element by itself, alike within a channel, and keeps their order or turns
/// it round; and pools of greatest elements.
struct BitChain {
  /// What it starts from: numbers, or sums that a rescale makes numbers of.
  let root: ValueID
  /// From the root on, to the `quantize` that makes codes.
  let nodes: [NodeID]
  private let graph: Graph
  private let constants: Constants
  private let channels: Int
  /// What is coded, unless a reshape that lays channels and places in one row comes between: then what that is given.
  let coded: ValueID

  /// Goes back from `quantize` for as long as nobody else reads a value. `enters` says whether a rescale belongs to it.
  init?(to quantize: NodeID, _ graph: Graph, _ constants: Constants, _ uses: [Int], enters: (NodeID) -> Bool) {
    var root = graph[quantize].operands[0]
    if uses[Int(root.index)] == 1, let reshape = graph.producer(of: root), let whole = BitChain.flattened(by: reshape, graph) {
      root = whole
    }
    let shape = graph.type(of: root).shape
    guard shape.rank >= 2, graph[quantize].operands.dropFirst().allSatisfy({ constants[Int($0.index)]?.count == 1 }) else { return nil }
    (self.graph, self.constants, channels, coded) = (graph, constants, shape[1], root)
    var nodes = [quantize]
    while uses[Int(root.index)] == 1, let producer = graph.producer(of: root),
      let before = BitChain.operand(of: graph[producer], graph, constants, channels)
    {
      if case .rescale = graph[producer].op, !enters(producer) { break }
      // Nothing is spread over channels or places.
      let (shapeBefore, shape) = (graph.type(of: before).shape, graph.type(of: root).shape)
      if case .pool = graph[producer].op { if shapeBefore[1] != channels { break } } else if shapeBefore != shape { break }
      nodes.insert(producer, at: 0)
      root = before
      if case .rescale = graph[producer].op { break }
    }
    (self.root, self.nodes) = (root, nodes)
  }

  /// What a reshape lays in one row for each sample; nil for another.
  static func flattened(by reshape: NodeID, _ graph: Graph) -> ValueID? {
    guard case .reshape = graph[reshape].op else { return nil }
    let (from, to) = (graph.type(of: graph[reshape].operands[0]).shape, graph.type(of: graph[reshape].results[0]).shape)
    guard from.rank > 2, to.rank == 2, from[0] == to[0], to[1] == from[1] * from.positions else { return nil }
    return graph[reshape].operands[0]
  }

  /// The operand by whose elements those of the result are ordered; nil where they are not.
  private static func operand(of node: Node, _ graph: Graph, _ constants: Constants, _ channels: Int) -> ValueID? {
    let type = graph.type(of: node.results[0])
    /// Finite numbers: one, or one for each channel.
    func isSteady(_ id: ValueID) -> Bool {
      guard let constant = constants[Int(id.index)], constant.element == .float32, constant.floats.allSatisfy(\.isFinite) else {
        return false
      }
      if constant.count == 1 { return constant.shape.rank <= type.shape.rank }
      let place = constant.shape.rank - type.shape.rank + 1
      return place >= 0 && constant.count == channels && constant.shape[place] == channels
    }
    switch node.op {
    case .unary(let kind) where [.sign, .relu, .neg].contains(kind): return node.operands[0]
    case .clip(let a) where a.lo <= a.hi: return node.operands[0]
    case .cast(let a) where graph.type(of: node.operands[0]).element == .bool && a.to == .float32: return node.operands[0]
    case .pool(let a) where a.isMaximumOfSome && type.element == .float32: return node.operands[0]
    case .select where node.operands.dropFirst().allSatisfy(isSteady): return node.operands[0]
    case .rescale where node.operands.count == 3:
      let parts = node.operands.dropFirst().map { constants[Int($0.index)]?.floats }
      return parts.allSatisfy { $0?.allSatisfy(\.isFinite) == true } ? node.operands[0] : nil
    case .binary(let kind):
      let (a, b) = (node.operands[0], node.operands[1])
      switch kind {
      case .add, .sub, .mul, .min, .max, .less, .lessOrEqual, .greater, .greaterOrEqual: return isSteady(b) ? a : isSteady(a) ? b : nil
      case .div: return isSteady(b) && constants[Int(b.index)]?.floats.contains(0) == false ? a : nil
      case .pow, .remainder, .and, .or, .xor, .equal: return nil
      }
    default: return nil
    }
  }

  /// What comes of one number for each channel: the results of all nodes but pools, the codes last.
  private func results(of numbers: Tensor) throws -> [Tensor] {
    var results: [Tensor] = []
    for id in nodes where !isPool(id) {
      let before = results.last ?? numbers
      // Every other operand is constant.
      results.append(try Reference.fold(graph[id].op, graph[id].operands.map { constants[Int($0.index)] ?? before })[0])
    }
    return results
  }

  func isPool(_ id: NodeID) -> Bool { if case .pool = graph[id].op { true } else { false } }

  /// Where codes change.
  struct Found<Number: Comparable & Sendable> {
    var crossings: Crossings<Number>
    /// For each pool, by channel, whether what comes behind it falls, so that its maximum has the least code.
    var minima: [[Bool]]
  }

  /// Where codes change among numbers in order, named by `keys`; nil when some is none of -1, 0 and 1, or not known. Nothing on the way is NaN
  /// between two ends where nothing is.
  private func found(_ keys: ClosedRange<Int>, _ numbers: ([Int]) -> Tensor) throws -> Found<Int>? {
    func codes(_ results: [Tensor]) -> [Int]? {
      guard results.allSatisfy({ !$0.element.isFloat || !$0.doubles.contains(where: \.isNaN) }), let codes = results.last?.integers,
        codes.count == channels, codes.allSatisfy({ (-1...1).contains($0) })
      else { return nil }
      return codes
    }
    let ends = try [keys.lowerBound, keys.upperBound].map { try results(of: numbers([Int](repeating: $0, count: channels))) }
    guard let first = codes(ends[0]), let last = codes(ends[1]) else { return nil }
    let rises = zip(first, last).map { $0 <= $1 }
    var minima: [[Bool]] = []
    var done = 0
    for id in nodes {
      if !isPool(id) {
        done += 1
        continue
      }
      minima.append(
        (0..<channels).map { channel in
          let isInOrder = done == 0 || ends[0][done - 1].double(at: channel) <= ends[1][done - 1].double(at: channel)
          return isInOrder != rises[channel]
        })
    }
    /// The least key of each channel whose code is at least so far from the first end's side.
    func least(_ step: Int) throws -> [Int]? {
      var lo = [Int](repeating: keys.lowerBound, count: channels)
      var hi = [Int](repeating: keys.upperBound + 1, count: channels)
      while zip(lo, hi).contains(where: { $0 < $1 }) {
        let middle = zip(lo, hi).map { min($0 + ($1 - $0) / 2, keys.upperBound) }
        guard let codes = try codes(results(of: numbers(middle))) else { return nil }
        for channel in 0..<channels where lo[channel] < hi[channel] {
          let isThere = rises[channel] ? codes[channel] >= step : codes[channel] <= -step
          if isThere { hi[channel] = middle[channel] } else { lo[channel] = middle[channel] + 1 }
        }
      }
      return lo
    }
    guard let from = try least(0), let to = try least(1) else { return nil }
    return Found(crossings: Crossings(from: from, to: to, rises: rises), minima: minima)
  }

  /// The shape of one number for each channel.
  private var oneOfEach: Shape {
    Shape([1, channels] + graph.type(of: root).shape.dimensions.dropFirst(2).map { _ in 1 })
  }

  /// The thresholds of sums that are no greater in magnitude than `most`; nil unless every sum has a code of -1 or +1.
  func ofSums(most: Int) throws -> Found<Int>? {
    let found = try found(-most...most) { Tensor(.int32, oneOfEach, $0.map { Int32($0) }) }
    return found.flatMap { $0.crossings.from == $0.crossings.to ? $0 : nil }
  }

  /// A third value that so few numbers of all 2^32 have is left to turn up: `sign` has it of zero, and a batch norm before it of those near one
  /// number that round to it.
  private static let rareNumbers = 1 << 12

  /// The thresholds of finite numbers; nil unless all but rare ones have a code of -1 or +1.
  func ofNumbers() throws -> Found<Float>? {
    let most = Int(Float.greatestFiniteMagnitude.bitPattern)
    func number(_ key: Int) -> Float {
      if key > most { return .infinity }
      return key < 0 ? -Float(bitPattern: UInt32(-key)) : Float(bitPattern: UInt32(key))
    }
    guard let found = try found(-most...most, { Tensor(.float32, oneOfEach, $0.map(number)) }) else { return nil }
    let keys = found.crossings
    guard zip(keys.from, keys.to).allSatisfy({ $1 - $0 <= BitChain.rareNumbers }) else { return nil }
    return Found(
      crossings: Crossings(from: keys.from.map(number), to: keys.to.map(number), rises: keys.rises), minima: found.minima)
  }
}

extension Pool {
  /// Whether it is a maximum, each over at least one element of the input.
  var isMaximumOfSome: Bool {
    kind == .max && !roundUp
      && kernel.indices.allSatisfy { window.dilation($0) == 1 && max(window.padBefore($0), window.padAfter($0)) < kernel[$0] }
  }
}
