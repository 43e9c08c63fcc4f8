import GraphIR

extension Binarizer {
  /// The bits of the weights themselves, with scales and biases of least squared error on the layer's outputs.
  static let leastSquares = Binarizer(name: "lsq", needsData: true) { problem in
    guard let squares = problem.squares else { return alternating.solve(problem) }
    let filters = problem.weights.filters.enumerated().map { index, weights in
      squares.descend(filter: index, from: alternated(weights.map(Double.init), bases: problem.bases), sweeps: 0).solution
    }
    return squares.joined(filters, shape: problem.weights.shape)
  }
}
