import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Pass {
  /// Evens out channels between two layers: the filters of the first are multiplied by a power of two for each channel, and what the second
  /// weighs that channel by is divided by it.
  ///
  /// A layer's codes have one step for all channels, and its bits one scale for all inputs of a filter: a channel of small numbers and large
  /// weights is coded coarsely, one of large numbers and small weights is given too much weight. With r the root mean square of a channel's
  /// numbers on calibration data and w that of its weights, numbers and weights times √(w/r) and √(r/w) are alike large. Layers whose
  /// channels are even as they are stay. Powers of two, and activations that let factors through, change no result.
  public static let equalize = Pass("equalize", "evens out channels between two layers, so that codes and bits suit all of them") {
    graph, context in
    guard !context.calibration.isEmpty else { return graph }
    let uses = graph.useCounts
    let pairs = graph.nodeIDs.compactMap { ChannelPair(endingAt: $0, in: graph, uses) }
    let powers = try sizes(of: pairs, in: graph, context)
    var filters: [NodeID: [Int]] = [:]
    var inputs: [NodeID: [Int]] = [:]
    for (pair, power) in zip(pairs, powers) where power.contains(where: { $0 != 0 }) {
      (filters[pair.first], inputs[pair.second]) = (power, power.map { -$0 })
      let changed = power.count { $0 != 0 }
      context.note(
        "\(graph[pair.second].origin): \(changed) of \(power.count) channels evened out, by up to 2^\(power.map(abs).max() ?? 0)")
    }
    if filters.isEmpty { return graph }
    return try graph.rewritten { candidate, new, old in
      let (rows, columns) = (filters[candidate.id], inputs[candidate.id])
      guard rows != nil || columns != nil, let weights = old.constant(candidate.node.operands[1]) else { return nil }
      var operands = candidate.operands
      operands[1] = new.addConstant(weights.scaled(filters: rows, channels: columns), name: old[candidate.node.operands[1]].name)
      if let rows, operands.count > 2, let bias = old.constant(candidate.node.operands[2]) {
        operands[2] = new.addConstant(bias.scaled(filters: rows, channels: nil), name: old[candidate.node.operands[2]].name)
      }
      return try new.append(candidate.node.op, operands, origin: candidate.node.origin)
    }
  }

  /// The power of two for each channel of each pair.
  private static func sizes(of pairs: [ChannelPair], in graph: Graph, _ context: PassContext) throws -> [[Int]] {
    var squares = pairs.map { [Double](repeating: 0, count: $0.channels) }
    var left = 128
    for batch in context.calibration where left > 0 && !pairs.isEmpty {
      // Some samples at a time, since the values between all layers are there at once.
      let count = batch.first?.shape[0] ?? 0
      for start in stride(from: 0, to: min(left, count), by: 16) {
        let some = batch.map { $0.slice(batch: start..<min(start + 16, count)) }
        for (place, tensor) in try context.evaluate(graph, some, pairs.map(\.value)).enumerated() {
          squares[place] = zip(squares[place], tensor.squares(channels: pairs[place].channels)).map { $0 + $1 }
        }
      }
      left -= count
    }
    return zip(pairs, squares).map { pair, squares in
      let weights = graph.constant(graph[pair.second].operands[1])?.squares(channels: pair.channels) ?? []
      return powers(zip(weights, squares).map { $0 > 0 && $1 > 0 ? $0 / $1 : 0 })
    }
  }
}

/// Two layers with nothing between them that factors of channels do not pass through.
private struct ChannelPair {
  let first: NodeID
  let second: NodeID
  /// What the second layer takes.
  let value: ValueID
  let channels: Int

  /// nil when a layer's input is not another's output alone, or either has weights that must stay what they are.
  init?(endingAt second: NodeID, in graph: Graph, _ uses: [Int]) {
    let node = graph[second]
    guard node.op.isPlainLayer, graph.hasPlainWeights(node) else { return nil }
    var value = node.operands[0]
    while uses[Int(value.index)] == 1, let id = graph.producer(of: value) {
      let before = graph[id]
      if before.op.isPlainLayer {
        let channels = graph.type(of: value).shape[1]
        guard before.op.letsFactorsThrough, graph.hasPlainWeights(before),
          before.operands.dropFirst(2).allSatisfy({ graph.constant($0) != nil }),
          graph.type(of: node.operands[0]).shape[1] % channels == 0
        else { return nil }
        (first, self.second, self.value, self.channels) = (id, second, node.operands[0], channels)
        return
      }
      guard before.op.letsFactorsThrough else { return nil }
      // A reshape keeps channels together when it only joins what lies behind them.
      if case .reshape = before.op, graph.type(of: value).shape.rank != 2 { return nil }
      value = before.operands[0]
    }
    return nil
  }
}

extension Op {
  fileprivate var isPlainLayer: Bool {
    switch self {
    case .conv(let a): a.groups == 1
    case .dense: true
    default: false
    }
  }

  /// Whether a positive factor of a channel of the input is one of the output.
  fileprivate var letsFactorsThrough: Bool {
    switch self {
    case .conv, .dense: withoutActivation.activation.isHomogeneous
    case .unary(.relu), .pool, .reshape: true
    default: false
    }
  }
}

extension Activation {
  fileprivate var isHomogeneous: Bool {
    switch self {
    case .none, .relu: true
    case .clip: false
    }
  }
}

extension Graph {
  /// Whether a layer's weights are a constant of f32 that has more than two values in some filter.
  fileprivate func hasPlainWeights(_ node: Node) -> Bool {
    guard let weights = constant(node.operands[1]), weights.element == .float32 else { return false }
    return weights.floats.allSatisfy(\.isFinite) && Binarizer.twoValued(weights) == nil
  }
}

extension Tensor {
  /// The sum of squares of each channel, which is axis 1 or, where later axes were joined to it, a part of axis 1.
  fileprivate func squares(channels: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: channels)
    let run = shape.dimensions.dropFirst().reduce(1, *) / max(1, channels)
    for (place, number) in floats.enumerated() { sums[place / run % channels] += Double(number) * Double(number) }
    return sums
  }

  /// Times a power of two for each index of axis 0 and for each channel of the rest.
  fileprivate func scaled(filters: [Int]?, channels: [Int]?) -> Tensor {
    let size = count / max(1, shape[0])
    let run = size / max(1, channels?.count ?? 1)
    let numbers = floats.enumerated().map { place, number in
      number * Float(sign: .plus, exponent: (filters?[place / size] ?? 0) + (channels?[place % size / run] ?? 0), significand: 1)
    }
    return Tensor(.float32, shape, numbers)
  }
}

/// For ratios of mean squares of weights and numbers, the power of two nearest to the fourth root of each over that of them all; 0 where a
/// channel is dead, and for all where they are even as they are: off by less than √2 in root mean square.
private func powers(_ ratios: [Double]) -> [Int] {
  let logs = ratios.map { $0 > 0 ? log2($0) / 4 : nil }
  let live = logs.compactMap { $0 }
  let mean = live.reduce(0, +) / Double(max(1, live.count))
  let spread = live.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, live.count))
  guard spread.squareRoot() > 0.5 else { return logs.map { _ in 0 } }
  // What calibration data hardly wakes may be large on other data: no channel is blown up by more than 16.
  return logs.map { $0.map { Int(min(max(($0 - mean).rounded(), -4), 4)) } ?? 0 }
}
