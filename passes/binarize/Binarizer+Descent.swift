import Dispatch
import GraphIR
import Synchronization

extension Binarizer {
  /// Bits, scales and biases of least squared error on the layer's outputs, found by turning single weights: from the bits of the weights, of
  /// the best unbound weights, and of those rounded with compensation; then from the best so far with some bits turned by chance. The best
  /// of all is kept, filter by filter.
  static let descent = Binarizer(name: "descent", needsData: true) { problem in
    guard let squares = problem.squares else { return alternating.solve(problem) }
    // Above, the factor costs more than its starts are worth.
    let factor = squares.inputs <= 3000 ? squares.factor() : nil
    let weights = problem.weights.filters.map { $0.map { Double($0) * squares.unit } }
    let best = Mutex([FilterSolution?](repeating: nil, count: weights.count))
    DispatchQueue.concurrentPerform(iterations: weights.count) { filter in
      let search = FilterSearch(squares: squares, filter: filter, restarts: restarts(for: squares, bases: problem.bases))
      let found = search.best(weights: weights[filter], bases: problem.bases, factor: factor, seed: problem.seed)
      best.withLock { $0[filter] = found }
    }
    return squares.joined(best.withLock { $0.compactMap { $0 } }, shape: problem.weights.shape)
  }

  /// Starts by chance, as many as a layer's size allows: each costs about as much as the first descent.
  private static func restarts(for squares: LeastSquares, bases: Int) -> Int {
    let cost = squares.filters * squares.inputs * squares.inputs * bases
    return min(12, max(0, 1_500_000_000 / max(1, cost)))
  }
}

/// The search for one filter's bits.
private struct FilterSearch {
  let squares: LeastSquares
  let filter: Int
  let restarts: Int
  /// Rounds of a descent; it mostly settles in under ten.
  private let sweeps = 40

  init(squares: LeastSquares, filter: Int, restarts: Int) {
    (self.squares, self.filter, self.restarts) = (squares, filter, restarts)
  }

  func best(weights: [Double], bases: Int, factor: [Double]?, seed: UInt64) -> FilterSolution {
    let plain = Binarizer.alternated(weights, bases: bases)
    var starts = [plain]
    if let factor {
      let free = Binarizer.alternated(squares.best(filter: filter, factor: factor), bases: bases)
      starts += [free, Binarizer.compensated(squares.best(filter: filter, factor: factor), from: free, factor: factor)]
    }
    var best = squares.descend(filter: filter, from: plain, sweeps: sweeps)
    for start in starts.dropFirst() {
      let found = squares.descend(filter: filter, from: start, sweeps: sweeps)
      if found.value < best.value { best = found }
    }
    var random = Draws(seed: seed &+ UInt64(filter) &* 0x9e37_79b9_7f4a_7c15)
    for _ in 0..<restarts {
      var start = best.solution
      for place in start.bits.indices where random.next() < UInt64.max / 20 { start.bits[place] *= -1 }
      let found = squares.descend(filter: filter, from: start, sweeps: sweeps)
      if found.value < best.value { best = found }
    }
    return best.solution
  }
}

/// SplitMix64: the same draws everywhere.
private struct Draws: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
