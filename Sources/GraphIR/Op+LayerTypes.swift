// Type rules of layers: convolutions, dense layers, pooling, and the ops of the numeric contract.

func convType(_ a: Conv, _ operands: [TensorType]) throws -> TensorType {
  let x = operands[0]
  let w = operands[1]
  try requireFloat(x)
  try require(w.element == x.element, "weights are \(w.element.rawValue), the input \(x.element.rawValue)")
  let shape = try windowed(a.window, x.shape, weights: w.shape, groups: a.groups)
  if operands.count == 3 {
    try require(operands[2] == TensorType(x.element, [w.shape[0]]), "the bias is \(operands[2]), not \(x.element.rawValue)[\(w.shape[0])]")
  }
  return TensorType(x.element, shape)
}

/// The shape of a convolution's result.
private func windowed(_ window: Window, _ x: Shape, weights: Shape, groups: Int) throws -> Shape {
  try require(x.rank >= 3, "a convolution takes [N, C, spatial…], not \(x)")
  try require(weights.rank == x.rank, "weights \(weights) do not fit an input \(x): the ranks differ")
  try require(weights.dimensions.allSatisfy { $0 > 0 }, "weights \(weights) are empty")
  try require(groups > 0 && weights[0] % groups == 0, "\(weights[0]) filters do not split into \(groups) groups")
  let (channels, overflow) = weights[1].multipliedReportingOverflow(by: groups)
  try require(!overflow && x[1] == channels, "the input has \(x[1]) channels, the weights \(weights) want \(channels)")
  return Shape([x[0], weights[0]] + (try spatialExtents(window, x, kernel: Array(weights.dimensions.dropFirst(2)))))
}

private func spatialExtents(_ window: Window, _ x: Shape, kernel: [Int], roundUp: Bool = false) throws -> [Int] {
  let axes = x.rank - 2
  try require(kernel.count == axes, "a kernel of rank \(kernel.count) does not fit \(axes) spatial axes")
  try require(window.strides.isEmpty || window.strides.count == axes, "strides must have \(axes) entries")
  try require(window.dilations.isEmpty || window.dilations.count == axes, "dilations must have \(axes) entries")
  try require(window.pads.isEmpty || window.pads.count == 2 * axes, "pads must have \(2 * axes) entries")
  let limit = 1 << 31
  for list in [window.strides, window.dilations, kernel] {
    try require(list.allSatisfy { $0 > 0 && $0 < limit }, "strides, dilations and kernels must be positive")
  }
  try require(window.pads.allSatisfy { $0 >= 0 && $0 < limit }, "pads must not be negative")
  return try (0..<axes).map { try window.outputExtent($0, input: x[$0 + 2], kernel: kernel[$0], roundUp: roundUp) }
}

func denseType(_ operands: [TensorType]) throws -> TensorType {
  let x = operands[0]
  let w = operands[1]
  try requireFloat(x)
  try require(w.element == x.element, "weights are \(w.element.rawValue), the input \(x.element.rawValue)")
  try require(x.shape.rank == 2 && w.shape.rank == 2 && x.shape[1] == w.shape[1], "an input \(x.shape) does not fit weights \(w.shape)")
  if operands.count == 3 {
    try require(operands[2] == TensorType(x.element, [w.shape[0]]), "the bias is \(operands[2]), not \(x.element.rawValue)[\(w.shape[0])]")
  }
  return TensorType(x.element, Shape([x.shape[0], w.shape[0]]))
}

func matmulType(_ a: TensorType, _ b: TensorType) throws -> TensorType {
  try require(a.element == b.element, "operands are \(a.element.rawValue) and \(b.element.rawValue); they must agree")
  try require(a.element != .bool && a.element != .bit, "matmul does not take \(a.element.rawValue)")
  try require(a.shape.rank >= 2 && b.shape.rank >= 2, "matmul takes matrices, not \(a.shape) and \(b.shape)")
  let (m, k) = (a.shape[a.shape.rank - 2], a.shape[a.shape.rank - 1])
  let n = b.shape[b.shape.rank - 1]
  try require(b.shape[b.shape.rank - 2] == k && k != Shape.free, "inner extents of \(a.shape) and \(b.shape) differ")
  try require(n != Shape.free, "a free batch cannot be the inner extent")
  let outer = try broadcast([Shape(Array(a.shape.dimensions.dropLast(2))), Shape(Array(b.shape.dimensions.dropLast(2)))])
  let result = Shape(outer.dimensions + [m, n])
  try require(!result.dimensions.dropFirst().contains(Shape.free), "a free batch must stay in dimension 0")
  return TensorType(a.element, result)
}

func poolType(_ a: Pool, _ x: TensorType) throws -> TensorType {
  try require(x.element != .bool && x.element != .bit, "pooling does not take \(x.element.rawValue)")
  try require(a.kind == .max || x.element.isFloat, "average pooling takes floats")
  try require(x.shape.rank >= 3, "pooling takes [N, C, spatial…], not \(x.shape)")
  let extents = try spatialExtents(a.window, x.shape, kernel: a.kernel, roundUp: a.roundUp)
  for (axis, kernel) in a.kernel.enumerated() {
    let reach = (kernel - 1) * a.window.dilation(axis) + 1
    let pads = max(a.window.padBefore(axis), a.window.padAfter(axis))
    try require(pads < reach, "padding of \(pads) covers a whole window of \(reach) on spatial axis \(axis)")
  }
  return TensorType(x.element, Shape([x.shape[0], x.shape[1]] + extents))
}

// MARK: - The numeric contract

/// Whether `parameter` is one number, or one for each index of `axis` of `shape`.
private func requireScale(_ parameter: TensorType, axis: Int, of shape: Shape, _ what: String) throws {
  if parameter.shape.rank == 0 { return }
  try requireAxis(axis, shape.rank)
  try require(parameter.shape == Shape([shape[axis]]), "\(what) \(parameter.shape) does not run along axis \(axis) of \(shape)")
}

func quantizeType(_ a: Quantize, _ operands: [TensorType]) throws -> TensorType {
  try require(operands[0].element == .float32 && operands[1].element == .float32, "quantize takes f32")
  guard let range = a.to.integerRange else { throw Diagnostic(.badInput, "codes cannot be \(a.to.rawValue)") }
  try require(a.lo <= a.hi && range.contains(a.lo) && range.contains(a.hi), "codes \(a.lo)...\(a.hi) do not fit \(a.to.rawValue)")
  try requireScale(operands[1], axis: a.axis, of: operands[0].shape, "the scale")
  if operands.count == 3 {
    try require(operands[2].element == a.to, "the zero point is \(operands[2].element.rawValue), the codes are \(a.to.rawValue)")
    try requireScale(operands[2], axis: a.axis, of: operands[0].shape, "the zero point")
  }
  return TensorType(a.to, operands[0].shape)
}

func dequantizeType(_ a: AxisAttribute, _ operands: [TensorType]) throws -> TensorType {
  let q = operands[0]
  try require(q.element.isInteger || q.element == .bit, "\(q.element.rawValue) elements are not codes")
  try requireFloat(operands[1])
  try requireScale(operands[1], axis: a.axis, of: q.shape, "the scale")
  if operands.count == 3 {
    try require(operands[2].element == q.element, "the zero point is \(operands[2].element.rawValue), the codes are \(q.element.rawValue)")
    try requireScale(operands[2], axis: a.axis, of: q.shape, "the zero point")
  }
  return TensorType(operands[1].element, q.shape)
}

/// The rules that both binary layers share: codes of one byte, bit weights, a sane tile, readout and order.
private func requireBinary(_ operands: [TensorType], inputs k: Int, tile: Int, readout: Readout) throws {
  try require(operands[0].element == .uint8 || operands[0].element == .int8, "codes are \(operands[0].element.rawValue), not u8 or i8")
  try require(operands[1].element == .bit, "weights are \(operands[1].element.rawValue), not bit")
  try require(tile >= 0 && tile <= k, "a tile of \(tile) does not fit \(k) inputs")
  if case .adc(let bits, let lsb, let top) = readout {
    try require((1...24).contains(bits), "a readout has 1 to 24 bits, not \(bits)")
    try require(lsb.isFinite && lsb > 0, "the readout's lsb \(lsb) is not positive")
    try require(top >= 1 && top <= Readout.largestCode(bits: bits), "the readout's largest code \(top) is none of \(bits) bits")
  }
  if operands.count == 3 {
    try require(operands[2] == TensorType(.int32, [k]), "the order is \(operands[2]), not i32[\(k)]")
  }
}

func binaryConvType(_ a: BinaryConv, _ operands: [TensorType]) throws -> TensorType {
  let w = operands[1].shape
  let shape = try windowed(a.window, operands[0].shape, weights: w, groups: 1)
  guard let k = Shape.product(w.dimensions.dropFirst()) else { throw Diagnostic(.badInput, "weights \(w) are too large") }
  try requireBinary(operands, inputs: k, tile: a.tile, readout: a.readout)
  return TensorType(.int32, shape)
}

func binaryDenseType(_ a: BinaryDense, _ operands: [TensorType]) throws -> TensorType {
  let (x, w) = (operands[0].shape, operands[1].shape)
  try require(x.rank == 2 && w.rank == 2 && x[1] == w[1] && w[1] > 0, "an input \(x) does not fit weights \(w)")
  try requireBinary(operands, inputs: w[1], tile: a.tile, readout: a.readout)
  return TensorType(.int32, Shape([x[0], w[0]]))
}

func rescaleType(_ operands: [TensorType]) throws -> TensorType {
  try require(operands.count % 2 == 1, "rescale takes P and m in pairs, then c")
  let sums = operands[0]
  try require(sums.shape.rank >= 2, "rescale takes [N, F, …], not \(sums.shape)")
  let parameter = TensorType(.float32, [sums.shape[1]])
  for (place, operand) in operands.enumerated() {
    let wanted = place % 2 == 0 && place < operands.count - 1 ? TensorType(.int32, sums.shape) : parameter
    try require(operand == wanted, "operand \(place) is \(operand), not \(wanted)")
  }
  return TensorType(.float32, sums.shape)
}
