import GraphIR

/// A binary layer as its tiles are summed: which inputs each output takes, in which order, with which weights.
struct TiledLayer {
  /// Inputs in each tile; the last has what is left.
  var tile: Int
  var readout: Readout
  /// nil for a dense layer.
  var window: Window?
  var weights: ValueID
  /// The order operand, when there is one.
  var order: ValueID?
  /// Inputs for each output.
  var inputs: Int
  /// Extents of a convolution's window.
  var kernel: [Int]

  /// nil when the node is no binary layer.
  init?(_ node: Node, in graph: Graph) {
    switch node.op {
    case .binaryConv(let a): (tile, readout, window) = (a.tile, a.readout, a.window)
    case .binaryDense(let a): (tile, readout, window) = (a.tile, a.readout, nil)
    default: return nil
    }
    weights = node.operands[1]
    order = node.operands.count == 3 ? node.operands[2] : nil
    inputs = graph.inputsPerOutput(weights)
    kernel = Array(graph.type(of: weights).shape.dimensions.dropFirst(2))
    if tile == 0 { tile = inputs }
  }

  /// For each place of the output: where its inputs lie in a sample of codes, in the order given; -1 for padding.
  func inputOffsets(_ order: [Int], in codes: Shape) -> [[Int]] {
    guard let window else { return [order] }
    let input = Array(codes.dimensions.dropFirst(2))
    let output = input.indices.map { axis in (try? window.outputExtent(axis, input: input[axis], kernel: kernel[axis])) ?? 0 }
    let plane = input.reduce(1, *)
    let taps = kernel.reduce(1, *)
    return places(of: output).map { place in
      let within = places(of: kernel).map { tap -> Int? in
        var offset = 0
        for axis in input.indices {
          let position = place[axis] * window.stride(axis) + tap[axis] * window.dilation(axis) - window.padBefore(axis)
          guard position >= 0 && position < input[axis] else { return nil }
          offset = offset * input[axis] + position
        }
        return offset
      }
      return order.map { k in within[k % taps].map { k / taps * plane + $0 } ?? -1 }
    }
  }

  /// All index tuples of a space, row-major.
  private func places(of extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
  }
}

extension Tensor {
  /// Codes of 8 bits as whole numbers.
  var codes: [Int32] {
    element == .int8 ? elements(Int8.self).map { Int32($0) } : elements(UInt8.self).map { Int32($0) }
  }
}
