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
    if tile == 0 { tile = inputs }
  }
}
