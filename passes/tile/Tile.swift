import GraphIR
import PluginAPI

extension Pass {
  /// Cuts the inputs of every binary layer into tiles that one evaluation of the target takes, in the order in which the weights lie
  /// or in a better one.
  ///
  ///     %p = binary_conv(%q, %bits)                    // before; 150 inputs for each output
  ///
  ///     %p = binary_conv(%q, %bits) {tile=50}          // after, for 64 columns: three tiles of 50
  ///
  /// With `split=even` there are as few tiles as the columns allow and all are as long as the first, but for what is left to the last; with
  /// `split=full` every tile but the last takes all columns. Sums stay what they are until a finite readout stands behind the tiles.
  ///
  /// With `order=calibrated` a layer of several tiles gets an order operand, so that tile sums are small on calibration data (`TileOrder`).
  public static let tile = Pass(
    "tile", "cuts the inputs of binary layers into tiles of the target's columns",
    options: [
      OptionSpec("columns", .int(1...(1 << 20)), default: nil, "inputs of one evaluation; the target's when absent"),
      OptionSpec("split", .word(["even", "full"]), default: "even", "tiles of like length, or as long as the columns allow"),
      OptionSpec(
        "order", .word(["memory", "calibrated"]), default: "memory",
        "which inputs share a tile: those that lie side by side, or those whose sums are small on calibration data"),
    ]
  ) { graph, context in
    guard let columns = context.options[int: "columns"] ?? context.target?.columns else {
      context.note("there is no target to cut for; sums stay whole (name a target, or say tile{columns=N})")
      return graph
    }
    let isFull = context.options[text: "split"] == "full"
    func length(_ inputs: Int) -> Int { isFull ? min(columns, inputs) : evenTile(of: inputs, columns: columns) }
    let orders = context.options[text: "order"] == "calibrated" ? try tileOrders(in: graph, context, length) : [:]
    return try graph.rewritten { candidate, new, _ in
      guard candidate.node.op.isBinaryLayer else { return nil }
      let inputs = new.inputsPerOutput(candidate.operands[1])
      let tile = length(inputs)
      context.note("\(candidate.node.label): \(inputs) inputs in \(tiles(of: inputs, tile))")
      var operands = candidate.operands
      if let order = orders[candidate.id] { operands.append(new.addConstant(Tensor(.int32, [inputs], order.map(Int32.init)))) }
      return try new.append(candidate.node.op.tiled(tile), operands, origin: candidate.node.origin)
    }
  }
}

/// The length of as few tiles as possible, all but the last alike.
private func evenTile(of inputs: Int, columns: Int) -> Int {
  let count = (inputs + columns - 1) / columns
  return (inputs + count - 1) / count
}

private func tiles(of inputs: Int, _ tile: Int) -> String {
  let count = (inputs + tile - 1) / tile
  let last = inputs - (count - 1) * tile
  if count == 1 { return "1 tile" }
  return last == tile ? "\(count) tiles of \(tile)" : "\(count) tiles of \(tile), the last of \(last)"
}

extension Op {
  var isBinaryLayer: Bool {
    switch self {
    case .binaryConv, .binaryDense: true
    default: false
    }
  }

  /// A binary layer with its inputs cut; anything else as it is.
  fileprivate func tiled(_ tile: Int) -> Op {
    switch self {
    case .binaryConv(var a):
      a.tile = tile
      return .binaryConv(a)
    case .binaryDense(var a):
      a.tile = tile
      return .binaryDense(a)
    default: return self
    }
  }
}

extension Graph {
  /// How many inputs each output of a layer with these weights sums.
  func inputsPerOutput(_ weights: ValueID) -> Int { type(of: weights).shape.dimensions.dropFirst().reduce(1, *) }
}
