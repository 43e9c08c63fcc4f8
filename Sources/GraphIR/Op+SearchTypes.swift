// Type rules of ops that run along an axis, search it, or write into places found at run time.

/// Whether `x` holds numbers, and `axis` is one of its axes and not a free batch.
func requireAlong(_ axis: Int, _ x: TensorType, _ what: String) throws {
  try requireAxis(axis, x.shape.rank)
  try require(x.element != .bool && x.element != .bit, "'\(what)' does not take \(x.element.rawValue)")
  try require(axis > 0 || !x.shape.hasFreeBatch, "'\(what)' cannot run along a free batch")
}

func topKType(_ a: TopK, _ x: TensorType) throws -> TensorType {
  try requireAlong(a.axis, x, "top_k")
  try require(a.count >= 0 && a.count <= x.shape[a.axis], "\(a.count) elements of an axis of \(x.shape[a.axis])")
  var shape = x.shape
  shape[a.axis] = a.count
  return TensorType(.int64, shape)
}

func scatterType(_ a: Scatter, _ operands: [TensorType]) throws -> TensorType {
  let (data, indices, updates) = (operands[0], operands[1], operands[2])
  try require(data.shape.rank >= 1 && !data.shape.hasFreeBatch, "scatter takes rows, not \(data)")
  try require(indices.element == .int64 && indices.shape.rank == 1, "indices are \(indices), not i64[n]")
  let wanted = TensorType(data.element, Shape(indices.shape.dimensions + data.shape.dimensions.dropFirst()))
  try require(updates == wanted && !updates.shape.hasFreeBatch, "updates are \(updates), not \(wanted)")
  let joins = a.reduction != .none
  try require(!joins || data.element != .bit, "bit elements are only replaced")
  return data
}
