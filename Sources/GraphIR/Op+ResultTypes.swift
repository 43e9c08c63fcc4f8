extension Op {
  /// The types of the results, from the types of the operands. Throws a diagnostic that says what would be right.
  ///
  /// A free batch (dimension 0 of `Shape.free`) is carried through wherever the op treats samples alike.
  public func resultTypes(for operands: [TensorType]) throws -> [TensorType] {
    let arity = schema.operands
    guard arity.contains(operands.count) else {
      let wanted = arity.count == 1 ? "\(arity.lowerBound)" : "\(arity.lowerBound) to \(arity.upperBound)"
      throw Diagnostic(.badInput, "'\(name)' takes \(wanted) operands, not \(operands.count)")
    }
    switch self {
    case .unary(let kind): return [try unaryType(kind, operands[0])]
    case .binary(let kind): return [try binaryType(kind, operands[0], operands[1])]
    case .select:
      try require(operands[0].element == .bool, "the condition is \(operands[0].element.rawValue), not bool")
      try require(operands[1].element == operands[2].element, "then and else differ in element type")
      return [TensorType(operands[1].element, try broadcast(operands.map(\.shape)))]
    case .clip(let a):
      try require(operands[0].element != .bool && operands[0].element != .bit, "clip does not take \(operands[0].element.rawValue)")
      try require(!(a.lo > a.hi), "the lower bound \(a.lo) is above the upper bound \(a.hi)")
      return [operands[0]]
    case .cast(let a):
      let (from, to) = (operands[0].element, a.to)
      try require(
        !a.reinterprets || from.storageBytes == to.storageBytes && from != .bit && to != .bit,
        "\(from.rawValue) elements cannot be read as \(to.rawValue)")
      return [TensorType(a.to, operands[0].shape)]
    case .conv(let a): return [try convType(a, operands)]
    case .dense: return [try denseType(operands)]
    case .matmul: return [try matmulType(operands[0], operands[1])]
    case .pool(let a): return [try poolType(a, operands[0])]
    case .reduce(let a): return [try reduceType(a, operands[0])]
    case .softmax(let a):
      try requireAxis(a.axis, operands[0].shape.rank)
      try requireFloat(operands[0])
      return [operands[0]]
    case .cumulate(let a):
      try requireAlong(a.axis, operands[0], "cumulate")
      return [operands[0]]
    case .topK(let a): return [try topKType(a, operands[0])]
    case .scatter(let a): return [try scatterType(a, operands)]
    case .reshape(let a): return [try reshapeType(a, operands[0])]
    case .transpose(let a): return [try transposeType(a, operands[0])]
    case .expand(let a):
      let result = try broadcast([operands[0].shape, a.shape])
      try require(result == a.shape, "\(operands[0].shape) does not broadcast to \(a.shape)")
      try require(
        !a.shape.hasFreeBatch || operands[0].shape.rank == a.shape.rank && operands[0].shape.hasFreeBatch,
        "a free batch cannot be made from \(operands[0].shape)")
      return [TensorType(operands[0].element, a.shape)]
    case .concat(let a): return [try concatType(a, operands)]
    case .slice(let a): return [try sliceType(a, operands[0])]
    case .pad(let a): return [try padType(a, operands[0])]
    case .gather(let a): return [try gatherType(a, operands)]
    case .quantize(let a): return [try quantizeType(a, operands)]
    case .dequantize(let a): return [try dequantizeType(a, operands)]
    case .binaryConv(let a): return [try binaryConvType(a, operands)]
    case .binaryDense(let a): return [try binaryDenseType(a, operands)]
    case .rescale: return [try rescaleType(operands)]
    case .custom(let a): return [TensorType(a.resultElement, a.resultShape)]
    }
  }
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
  if !condition { throw Diagnostic(.badInput, message()) }
}

func requireAxis(_ axis: Int, _ rank: Int) throws {
  try require(axis >= 0 && axis < rank, "axis \(axis) is outside a rank of \(rank)")
}

func requireFloat(_ type: TensorType) throws {
  try require(type.element.isFloat, "\(type.element.rawValue) is not a floating-point type")
}

func broadcast(_ shapes: [Shape]) throws -> Shape {
  var result = shapes[0]
  for shape in shapes.dropFirst() {
    guard let joined = result.broadcast(with: shape) else {
      throw Diagnostic(.badInput, "shapes \(result) and \(shape) do not broadcast together")
    }
    result = joined
  }
  return result
}

// MARK: - Element-wise ops

private func unaryType(_ kind: UnaryKind, _ x: TensorType) throws -> TensorType {
  switch kind {
  case .not: try require(x.element == .bool, "'not' takes bool, not \(x.element.rawValue)")
  case .abs, .neg, .relu, .sign:
    try require(x.element != .bool && x.element != .bit, "'\(kind.rawValue)' does not take \(x.element.rawValue)")
  case .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .erf, .exp, .floor, .log, .reciprocal, .round, .sigmoid, .sin,
    .sinh,
    .softplus, .sqrt, .tan, .tanh:
    try requireFloat(x)
  }
  return x
}

private func binaryType(_ kind: BinaryKind, _ a: TensorType, _ b: TensorType) throws -> TensorType {
  try require(a.element == b.element, "operands are \(a.element.rawValue) and \(b.element.rawValue); they must agree")
  let shape = try broadcast([a.shape, b.shape])
  switch kind {
  case .equal: return TensorType(.bool, shape)
  case .less, .lessOrEqual, .greater, .greaterOrEqual:
    try require(a.element != .bool, "'\(kind.rawValue)' does not order bool")
    return TensorType(.bool, shape)
  case .and, .or, .xor:
    try require(a.element == .bool || a.element.isInteger, "'\(kind.rawValue)' takes bool or integers, not \(a.element.rawValue)")
    return TensorType(a.element, shape)
  case .add, .sub, .mul, .div, .pow, .min, .max, .remainder:
    try require(a.element != .bool && a.element != .bit, "'\(kind.rawValue)' does not take \(a.element.rawValue)")
    return TensorType(a.element, shape)
  }
}

// MARK: - Shape ops

private func reshapeType(_ a: Reshape, _ x: TensorType) throws -> TensorType {
  try require(a.shape.dimensions.dropFirst().allSatisfy { $0 >= 0 }, "only dimension 0 of \(a.shape) may be free")
  try require(a.shape.hasFreeBatch || a.shape.dimensions.allSatisfy { $0 >= 0 }, "\(a.shape) is not a shape")
  if x.shape.hasFreeBatch || a.shape.hasFreeBatch {
    try require(
      x.shape.hasFreeBatch && a.shape.hasFreeBatch && x.shape.elementCountPerSample == a.shape.elementCountPerSample,
      "cannot reshape \(x.shape) to \(a.shape): a free batch stays in dimension 0 with as many elements for each sample")
  } else {
    try require(
      x.shape.elementCount != nil && x.shape.elementCount == a.shape.elementCount,
      "cannot reshape \(x.shape) to \(a.shape): the counts of elements differ")
  }
  return TensorType(x.element, a.shape)
}

private func transposeType(_ a: Transpose, _ x: TensorType) throws -> TensorType {
  try require(a.order.sorted() == Array(0..<x.shape.rank), "\(a.order) is not an order of \(x.shape.rank) axes")
  try require(!x.shape.hasFreeBatch || a.order[0] == 0, "a free batch must stay in dimension 0")
  return TensorType(x.element, Shape(a.order.map { x.shape[$0] }))
}

private func concatType(_ a: AxisAttribute, _ operands: [TensorType]) throws -> TensorType {
  var result = operands[0]
  try requireAxis(a.axis, result.shape.rank)
  try require(operands.count == 1 || a.axis > 0 || !result.shape.hasFreeBatch, "a free batch cannot be joined")
  for operand in operands.dropFirst() {
    try require(operand.element == result.element, "parts are \(result.element.rawValue) and \(operand.element.rawValue)")
    try require(operand.shape.rank == result.shape.rank, "parts \(result.shape) and \(operand.shape) differ in rank")
    for axis in 0..<result.shape.rank where axis != a.axis {
      try require(operand.shape[axis] == result.shape[axis], "parts \(result.shape) and \(operand.shape) differ on axis \(axis)")
    }
    let (extent, overflow) = result.shape[a.axis].addingReportingOverflow(operand.shape[a.axis])
    try require(!overflow, "the joined axis \(a.axis) is too long")
    result.shape[a.axis] = extent
  }
  return result
}

private func sliceType(_ a: Slice, _ x: TensorType) throws -> TensorType {
  let rank = x.shape.rank
  try require(
    a.starts.count == rank && a.steps.count == rank && a.extents.count == rank, "starts, steps and extents must have \(rank) entries")
  for axis in 0..<rank {
    if axis == 0 && x.shape.hasFreeBatch {
      try require(a.extents[0] == Shape.free && a.starts[0] == 0 && a.steps[0] == 1, "a free batch is sliced whole")
      continue
    }
    try require(a.extents[axis] >= 0, "the extent \(a.extents[axis]) on axis \(axis) is negative")
    if a.extents[axis] == 0 { continue }
    let (reach, overflow) = (a.extents[axis] - 1).multipliedReportingOverflow(by: a.steps[axis])
    let (last, overflows) = a.starts[axis].addingReportingOverflow(reach)
    let range = 0..<x.shape[axis]
    try require(
      !overflow && !overflows && range.contains(a.starts[axis]) && range.contains(last),
      "the slice on axis \(axis) leaves 0..<\(x.shape[axis])")
  }
  return TensorType(x.element, Shape(a.extents))
}

private func padType(_ a: Pad, _ x: TensorType) throws -> TensorType {
  let rank = x.shape.rank
  try require(a.pads.count == 2 * rank, "pads must have \(2 * rank) entries, not \(a.pads.count)")
  try require(a.pads.allSatisfy { $0.magnitude < 1 << 40 }, "pads \(a.pads) are too large")
  var shape = x.shape
  for axis in 0..<rank {
    let added = a.pads[axis] + a.pads[axis + rank]
    if axis == 0 && x.shape.hasFreeBatch {
      try require(a.pads[0] == 0 && a.pads[rank] == 0, "a free batch cannot be padded")
      continue
    }
    shape[axis] += added
    try require(shape[axis] >= 0, "axis \(axis) of \(x.shape) is cropped below 0")
    if a.mode == .reflect {
      try require(max(a.pads[axis], a.pads[axis + rank]) < max(x.shape[axis], 1), "axis \(axis) is too short to reflect")
    }
    if a.mode != .constant { try require(x.shape[axis] > 0 || shape[axis] == 0, "nothing to repeat on axis \(axis)") }
  }
  return TensorType(x.element, shape)
}

private func gatherType(_ a: AxisAttribute, _ operands: [TensorType]) throws -> TensorType {
  let data = operands[0].shape
  let indices = operands[1]
  try requireAxis(a.axis, data.rank)
  try require(indices.element == .int64 || indices.element == .int32, "indices are \(indices.element.rawValue), not i64 or i32")
  try require(a.axis > 0 || !data.hasFreeBatch, "cannot gather along a free batch")
  let shape = Shape(Array(data.dimensions[..<a.axis]) + indices.shape.dimensions + Array(data.dimensions[(a.axis + 1)...]))
  try require(!shape.dimensions.dropFirst().contains(Shape.free), "a free batch of indices would leave dimension 0")
  return TensorType(operands[0].element, shape)
}

private func reduceType(_ a: Reduce, _ x: TensorType) throws -> TensorType {
  try require(Set(a.axes).count == a.axes.count, "axes \(a.axes) repeat")
  try require(x.element != .bit, "bit elements are not reduced")
  var dimensions: [Int] = []
  for axis in a.axes { try requireAxis(axis, x.shape.rank) }
  for axis in 0..<x.shape.rank {
    if !a.axes.contains(axis) { dimensions.append(x.shape[axis]) } else if a.keepAxes { dimensions.append(1) }
  }
  try require(!(x.shape.hasFreeBatch && a.axes.contains(0)), "cannot reduce over a free batch")
  return TensorType(x.element, Shape(dimensions))
}
