import GraphIR

extension Graph {
  /// The node that computes a value; nil for inputs and constants.
  func definition(of id: ValueID) -> Node? { producer(of: id).map { self[$0] } }

  /// The single number of a constant of rank 0; nil for all else.
  func scalar(_ id: ValueID) -> Float? {
    guard let tensor = constant(id), tensor.element == .float32, tensor.shape.rank == 0 else { return nil }
    return tensor.floats[0]
  }
}
