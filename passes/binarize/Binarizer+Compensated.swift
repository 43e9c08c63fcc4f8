import GraphIR

extension Binarizer {
  /// Rounds weights to the levels of their bases one after the other, and lets those that are still to come make up for what each rounding
  /// spoils on the layer's inputs (as GPTQ does). Scales are those of `alternating`, and the bias stays.
  static let compensated = Binarizer(name: "gptq", needsData: true) { problem in
    guard let squares = problem.squares, let factor = squares.factor() else { return alternating.solve(problem) }
    let filters = problem.weights.filters.map { weights in
      let weights = weights.map(Double.init)
      return compensated(weights, from: alternated(weights, bases: problem.bases), factor: factor)
    }
    return LayerSolution(filters, shape: problem.weights.shape, bias: nil)
  }

  /// One filter, rounded from its last weight to its first. `factor` is L of G = L Lᵀ: with all later errors e fixed, the error is least
  /// when weight i is off by -(Σ L[j][i] e[j]) / L[i][i].
  static func compensated(_ weights: [Double], from start: FilterSolution, factor: [Double]) -> FilterSolution {
    let n = weights.count
    let levels = Levels(start.scales)
    var solution = start
    var pull = [Double](repeating: 0, count: n)
    for i in weights.indices.reversed() {
      let level = levels.nearest(to: weights[i] + pull[i] / factor[i * n + i])
      for basis in start.scales.indices { solution.bits[basis * n + i] = levels.bit(level, basis) }
      let error = weights[i] - levels[level]
      for j in 0..<i { pull[j] += factor[i * n + j] * error }
    }
    return solution
  }
}
