import GraphIR

/// Where the inputs of each output of a layer lie in one sample.
struct InputWindows {
  /// For each place of the output, the offset of each element of the kernel in a channel's plane; -1 for padding.
  let offsets: [[Int]]
  /// Elements of one channel.
  let plane: Int
  /// Elements of the kernel.
  var taps: Int { offsets[0].count }

  /// nil when the node is no layer, or works in groups.
  init?(_ node: Node, in graph: Graph) {
    let input = graph.type(of: node.operands[0]).shape
    let weights = graph.type(of: node.operands[1]).shape
    switch node.op {
    case .dense:
      offsets = [[0]]
      plane = 1
    case .conv(let a):
      guard a.groups == 1 else { return nil }
      let extents = Array(input.dimensions.dropFirst(2))
      let kernel = Array(weights.dimensions.dropFirst(2))
      let output = extents.indices.compactMap { try? a.window.outputExtent($0, input: extents[$0], kernel: kernel[$0]) }
      guard output.count == extents.count, output.allSatisfy({ $0 > 0 }) else { return nil }
      plane = extents.reduce(1, *)
      offsets = Self.places(of: output).map { place in
        Self.places(of: kernel).map { tap in
          var offset = 0
          for axis in extents.indices {
            let position = place[axis] * a.window.stride(axis) + tap[axis] * a.window.dilation(axis) - a.window.padBefore(axis)
            guard position >= 0 && position < extents[axis] else { return -1 }
            offset = offset * extents[axis] + position
          }
          return offset
        }
      }
    default: return nil
    }
  }

  /// All index tuples of a space, row-major.
  private static func places(of extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
  }
}
