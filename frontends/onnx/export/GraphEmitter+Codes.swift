import GraphIR

extension GraphEmitter {
  /// QuantizeLinear; bounds within the type's own are a Clip of the codes behind it.
  mutating func emit(_ a: Quantize, _ node: Node) throws {
    guard [.uint8, .int8, .uint16, .int16].contains(a.to), let range = a.to.integerRange else {
      throw Diagnostic(.unsupported, "to \(a.to.rawValue) has no like in ONNX")
    }
    try requireAgreeing(node)
    var attributes = axis(a.axis, node)
    if node.operands.count < 3 && a.to != .uint8 { attributes.append(("output_dtype", .element(a.to))) }
    let inputs = operands(node)
    let hasLow = a.lo > range.lowerBound
    let hasHigh = a.hi < range.upperBound
    guard hasLow || hasHigh else { return try main("QuantizeLinear", inputs, attributes) }
    var codes = step("QuantizeLinear", inputs, "codes", attributes)
    if hasLow {
      let bounds = [codes, constant(.integers(a.to, [], [a.lo]), "lo")]
      guard hasHigh else { return try main("Clip", bounds) }
      codes = step("Clip", bounds, "raised")
    }
    try main("Clip", [codes, "", constant(.integers(a.to, [], [a.hi]), "hi")])
  }

  mutating func emitDequantize(_ a: AxisAttribute, _ node: Node) throws {
    let (codes, scale) = (graph.type(of: node.operands[0]), graph.type(of: node.operands[1]))
    guard [.uint8, .int8, .uint16, .int16, .int32, .bit].contains(codes.element), scale.element != .float64 else {
      throw Diagnostic(.unsupported, "of \(codes.element.rawValue) to \(scale.element.rawValue) has no like in ONNX")
    }
    try requireAgreeing(node)
    try main("DequantizeLinear", operands(node), axis(a.axis, node))
  }

  private func axis(_ axis: Int, _ node: Node) -> [(name: String, value: EmittedAttribute)] {
    graph.type(of: node.operands[1]).shape.rank == 0 ? [] : [("axis", .int(axis))]
  }

  /// ONNX wants a scale and a zero point of one shape.
  private func requireAgreeing(_ node: Node) throws {
    guard node.operands.count < 3 || graph.type(of: node.operands[1]).shape == graph.type(of: node.operands[2]).shape else {
      throw Diagnostic(.unsupported, "has a scale and a zero point of different shapes; ONNX wants one shape")
    }
  }

  // MARK: Binary layers, in whole numbers that f32 holds exactly

  /// One tile, or tiles read exactly: a convolution. Several tiles behind converters: every window is laid out as a column of K inputs by a
  /// convolution with a single 1 in each filter, and the tiles are the groups of a second one over the columns.
  mutating func emit(_ a: BinaryConv, _ node: Node) throws {
    let weights = try binaryWeights(node)
    let tiles = TileCut(weights, tile: a.tile, a.readout)
    let codes = castCodes(node)
    guard tiles.count > 1 else {
      let sums = step("Conv", [codes, decoded(weights, node)], "tile", window(a.window, kernel: nil))
      return try finishSums(read(sums, a.readout))
    }
    let kernel = Array(weights.shape.dimensions.dropFirst(2))
    let ones = TileCut.unfolding(channels: weights.shape[1], kernel: kernel)
    let columns = step(
      "Conv", [codes, constant(ones, "window")], "columns", window(a.window, kernel: nil) + [("group", .int(weights.shape[1]))])
    try emitTiles(columns, tiles, node, spatial: graph.type(of: node.results[0]).shape.rank - 2, a.readout)
  }

  mutating func emit(_ a: BinaryDense, _ node: Node) throws {
    let weights = try binaryWeights(node)
    let tiles = TileCut(weights, tile: a.tile, a.readout)
    let codes = castCodes(node)
    guard tiles.count > 1 else {
      let sums = step("Gemm", [codes, decoded(weights, node)], "tile", [("transB", .int(1))])
      return try finishSums(read(sums, a.readout))
    }
    try emitTiles(codes, tiles, node, spatial: 0, a.readout)
  }

  /// Columns [N, K, …] to sums [N, F, …]: reordered, padded to whole tiles, multiplied tile by tile, read, added up.
  private mutating func emitTiles(_ columns: String, _ tiles: TileCut, _ node: Node, spatial: Int, _ readout: Readout) throws {
    var columns = columns
    var order: [Int]?
    if node.operands.count == 3 {
      guard let tensor = graph.constant(node.operands[2]), let list = tensor.integers, list.sorted() == Array(0..<tiles.inputs) else {
        throw Diagnostic(.unsupported, "has an order that is no constant permutation")
      }
      order = list
      columns = step("Gather", [columns, self[node.operands[2]]], "ordered", [("axis", .int(1))])
    }
    let missing = tiles.count * tiles.tile - tiles.inputs
    if missing > 0 {
      var pads = Array(repeating: 0, count: 2 * (2 + spatial))
      pads[2 + spatial + 1] = missing
      columns = step("Pad", [columns, integers(pads, "rest")], "whole")
    }
    if spatial == 0 { columns = step("Reshape", [columns, integers([0, tiles.count * tiles.tile, 1], "points")], "column") }
    let axes = max(spatial, 1)
    let weights = constant(tiles.grouped(order: order, axes: axes), "weights")
    let scaled = step("DequantizeLinear", [weights, constant(.scalar(1), "one")], "signs")
    let sums = read(step("Conv", [columns, scaled], "tiles", [("group", .int(tiles.count))]), readout)
    let extents = graph.type(of: node.results[0]).shape.dimensions.dropFirst(2)
    let apart = step("Reshape", [sums, integers([0, tiles.count, tiles.filters] + extents, "parts")], "apart")
    try finishSums(step("ReduceSum", [apart, integers([1], "axis")], "total", [("keepdims", .int(0))]))
  }

  private func binaryWeights(_ node: Node) throws -> Tensor {
    guard let weights = graph.constant(node.operands[1]) else { throw Diagnostic(.unsupported, "has weights that are no constant") }
    let inputs = weights.shape.dimensions.dropFirst().reduce(1, *)
    // Sums stay whole below 2^24.
    guard inputs <= (1 << 24) / 256 else { throw Diagnostic(.unsupported, "sums \(inputs) inputs, which f32 does not hold exactly") }
    return weights
  }

  private mutating func castCodes(_ node: Node) -> String { step("Cast", [self[node.operands[0]]], "codes", [("to", .element(.float32))]) }

  /// The weights as numbers: int8 in the file.
  private mutating func decoded(_ weights: Tensor, _ node: Node) -> String {
    step("DequantizeLinear", [self[node.operands[1]], constant(.scalar(1), "one")], "signs")
  }

  /// Step 3 of the numeric contract. QuantizeLinear divides, rounds to even and saturates; a plain division could be folded into the weights by
  /// whoever reads the file, and round otherwise.
  private mutating func read(_ sums: String, _ readout: Readout) -> String {
    guard case .adc(let bits, let lsb, let top) = readout else { return sums }
    // Sums are whole: half of one more is never 0.
    if bits == 1 { return step("Sign", [step("Add", [sums, constant(.scalar(0.5), "half")], "shifted")], "read") }
    let limit = Float(top)
    let unit = constant(.scalar(lsb), "lsb")
    let rounded: String
    if bits <= 16 {
      let zero = constant(.integers(bits <= 8 ? .int8 : .int16, [], [0]), "zero")
      let codes = step("QuantizeLinear", [sums, unit, zero], "steps")
      rounded = step("Cast", [codes], "rounded", [("to", .element(.float32))])
    } else {
      rounded = step("Round", [step("Div", [sums, unit], "steps")], "rounded")
    }
    return step("Clip", [rounded, constant(.scalar(-limit), "least"), constant(.scalar(limit), "greatest")], "read")
  }

  private mutating func finishSums(_ sums: String) throws { try main("Cast", [sums], [("to", .element(.int32))]) }

  /// Steps 5 and 6 of the numeric contract: each product and sum a node of its own, so that each is rounded.
  mutating func emit(_ a: Rescale, _ node: Node) throws {
    let rank = graph.type(of: node.results[0]).shape.rank
    var total = ""
    for place in stride(from: 0, to: node.operands.count - 1, by: 2) {
      let numbers = step("Cast", [self[node.operands[place]]], "sums", [("to", .element(.float32))])
      let product = step("Mul", [numbers, try column(node.operands[place + 1], rank)], "scaled")
      total = total.isEmpty ? product : step("Add", [total, product], "both")
    }
    try activated("Add", [total, try column(node.operands[node.operands.count - 1], rank)], [], a.activation)
  }

  /// A list [F] as [F, 1, …], to broadcast against [N, F, …].
  private mutating func column(_ list: ValueID, _ rank: Int) throws -> String {
    if rank == 2 { return self[list] }
    let filters = graph.type(of: list).shape[0]
    let shape = [filters] + Array(repeating: 1, count: rank - 2)
    if let tensor = graph.constant(list) {
      return constant(tensor.reshaped(Shape(shape)), graph[list].name.isEmpty ? "list" : graph[list].name)
    }
    return step("Reshape", [self[list], integers(shape, "list_shape")], "list")
  }
}

/// How a binary layer's inputs are cut into tiles.
private struct TileCut {
  let weights: Tensor
  let inputs: Int
  let filters: Int
  let tile: Int
  let count: Int

  init(_ weights: Tensor, tile: Int, _ readout: Readout) {
    self.weights = weights
    filters = weights.shape[0]
    inputs = weights.shape.dimensions.dropFirst().reduce(1, *)
    // What is read exactly may as well be summed whole.
    self.tile = tile == 0 || readout == .exact ? inputs : tile
    count = (inputs + self.tile - 1) / self.tile
  }

  /// int8 weights [count · F, tile, 1, …], tile by tile; 0 where the last tile has no input.
  func grouped(order: [Int]?, axes: Int) -> Tensor {
    Tensor(.int8, Shape([count * filters, tile] + Array(repeating: 1, count: axes))) { out in
      weights.withElements(Int8.self) { signs in
        for index in 0..<count * tile * filters {
          let (row, place) = (index / tile, index % tile)
          let input = row / filters * tile + place
          if input < inputs { out[index] = UInt8(bitPattern: signs[row % filters * inputs + (order?[input] ?? input)]) }
        }
      }
    }
  }

  /// Weights [C · |kernel|, 1, kernel…] with a single 1 each: in groups by channel they lay windows out as columns.
  static func unfolding(channels: Int, kernel: [Int]) -> Tensor {
    let size = kernel.reduce(1, *)
    var ones = [Float](repeating: 0, count: channels * size * size)
    for row in 0..<channels * size { ones[row * size + row % size] = 1 }
    return Tensor(.float32, Shape([channels * size, 1] + kernel), ones)
  }
}
