import GraphIR

extension Binarizer {
  /// Bases that are nearest to the weights themselves: best scales for the bits and best bits for the scales, in turn (as for ABC-Net).
  /// For one base that is `sign`.
  static let alternating = Binarizer(name: "alternating", needsData: false) { problem in
    LayerSolution(
      problem.weights.filters.map { alternated($0.map(Double.init), bases: problem.bases) }, shape: problem.weights.shape, bias: nil)
  }

  /// One filter by alternating least squares on its weights.
  static func alternated(_ weights: [Double], bases: Int) -> FilterSolution {
    var solution = residual(weights, bases: bases)
    guard bases > 1 else { return solution }
    for _ in 0..<50 {
      solution.scales = fittedScales(solution, to: weights)
      let levels = Levels(solution.scales)
      var moved = false
      for (input, weight) in weights.enumerated() {
        let best = levels.nearest(to: weight)
        for basis in 0..<bases {
          let bit = levels.bit(best, basis)
          moved = moved || solution.bits[basis * weights.count + input] != bit
          solution.bits[basis * weights.count + input] = bit
        }
      }
      if !moved { break }
    }
    return solution
  }

  /// The scales that bring the bits nearest to the weights.
  private static func fittedScales(_ solution: FilterSolution, to weights: [Double]) -> [Double] {
    let count = solution.scales.count
    func dot(_ a: Int, _ b: Int) -> Double { zip(solution.bits(of: a), solution.bits(of: b)).reduce(0) { $0 + Double($1.0 * $1.1) } }
    let matrix = (0..<count).map { a in (0..<count).map { b in dot(a, b) + (a == b ? 1e-9 * Double(weights.count) : 0) } }
    let right = (0..<count).map { a in zip(solution.bits(of: a), weights).reduce(0) { $0 + Double($1.0) * $1.1 } }
    return solved(matrix, right)
  }
}

/// The 2^k numbers that k bases can stand for.
struct Levels {
  private let values: [Double]

  init(_ scales: [Double]) {
    values = (0..<1 << scales.count).map { level in
      scales.enumerated().reduce(0) { $0 + (level >> $1.offset & 1 == 1 ? $1.element : -$1.element) }
    }
  }

  subscript(level: Int) -> Double { values[level] }

  /// The level next to a number; the first of equals.
  func nearest(to number: Double) -> Int {
    values.indices.dropFirst().reduce(0) { (values[$1] - number).magnitude < (values[$0] - number).magnitude ? $1 : $0 }
  }

  func bit(_ level: Int, _ basis: Int) -> Int8 { level >> basis & 1 == 1 ? 1 : -1 }
}

/// The solution of a small positive definite system.
private func solved(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
  var (a, x) = (matrix, right)
  for pivot in a.indices {
    for row in a.indices.dropFirst(pivot + 1) {
      let factor = a[row][pivot] / a[pivot][pivot]
      for column in a.indices { a[row][column] -= factor * a[pivot][column] }
      x[row] -= factor * x[pivot]
    }
  }
  for pivot in a.indices.reversed() {
    for column in a.indices.dropFirst(pivot + 1) { x[pivot] -= a[pivot][column] * x[column] }
    x[pivot] /= a[pivot][pivot]
  }
  return x
}
