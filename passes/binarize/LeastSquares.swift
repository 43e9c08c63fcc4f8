import CBinarizeKernels
import GraphIR

/// What a layer is to do on calibration data, as sums over it: for a filter's weights w on centred inputs x and target y, the mean of
/// (y - w·x)² is wᵀGw - 2wᵀr + y², and the best bias follows. Weights are in units of the inputs' codes; a ridge draws them towards the
/// original ones where the data does not say.
///
/// A class because it owns the matrix, which is large; never changed once made.
final class LeastSquares: Sendable {
  /// The products of so many inputs take 12 GB with the sums they are made of.
  static let mostInputs = 32_768
  /// The factor of so many takes about ten seconds of a core (measured: 8,134 inputs, 10.9 s), and eight times as long for twice as many.
  static let mostToSolve = 8192

  /// Inputs of each output.
  let inputs: Int
  let filters: Int
  /// What one step of an input is worth.
  let unit: Double
  /// G, row-major.
  let gram: [Float]
  /// r by filter, `[F][inputs]`.
  let cross: [Double]
  let meanInput: [Double]
  let meanTarget: [Double]
  /// The mean square of centred targets, by filter.
  let power: [Double]

  /// From raw sums over `rows` rows: products of inputs (the lower triangle of `[stride][stride]`), of inputs and targets, and both alone.
  init(_ sums: RawSums, unit: Double, weights: Tensor, ridge: Double) {
    let (n, stride, rows) = (sums.inputs, sums.stride, Double(max(1, sums.rows)))
    inputs = n
    filters = sums.filters
    self.unit = unit
    let meanInput = sums.input[..<n].map { $0 / rows }
    let meanTarget = sums.target.map { $0 / rows }
    let trace = (0..<n).reduce(0) { $0 + sums.gram[$1 * stride + $1] / rows - meanInput[$1] * meanInput[$1] }
    // Fewer rows than weights leave directions open, in which the original weights are the best guess.
    let thin = max(1, 4 * Double(n) / rows)
    let added = max(ridge * thin * trace / Double(max(1, n)), 1e-30)
    var gram = [Float](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0...i {
        let entry = sums.gram[i * stride + j] / rows - meanInput[i] * meanInput[j]
        gram[i * n + j] = Float(i == j ? max(0, entry) + added : entry)
        gram[j * n + i] = gram[i * n + j]
      }
    }
    let original = weights.floats
    var cross = [Double](repeating: 0, count: sums.filters * n)
    for filter in 0..<sums.filters {
      for i in 0..<n {
        let entry = sums.cross[filter * stride + i] / rows - meanInput[i] * meanTarget[filter]
        cross[filter * n + i] = entry + added * Double(original[filter * n + i]) * unit
      }
    }
    power = sums.square.indices.map { max(0, sums.square[$0] / rows - meanTarget[$0] * meanTarget[$0]) }
    (self.gram, self.cross, self.meanInput, self.meanTarget) = (gram, cross, meanInput, meanTarget)
  }

  /// The bias that makes the mean of a filter's outputs right.
  func bias(filter: Int, _ weight: (Int) -> Double) -> Float {
    Float((0..<inputs).reduce(meanTarget[filter]) { $0 - weight($1) * meanInput[$1] })
  }

  /// The Cholesky factor of G, lower triangle; nil when it has none.
  func factor() -> [Double]? {
    var matrix = gram.map(Double.init)
    return matrix.withUnsafeMutableBufferPointer { bitline_cholesky($0.baseAddress, Int64(inputs)) } == 0 ? matrix : nil
  }

  /// The weights of least error, unbound to bits, in units of codes.
  func best(filter: Int, factor: [Double]) -> [Double] {
    var x = Array(cross[filter * inputs..<(filter + 1) * inputs])
    x.withUnsafeMutableBufferPointer { bitline_cholesky_solve(factor, Int64(inputs), $0.baseAddress) }
    return x
  }

  /// Fits the scales of one filter and, in up to `sweeps` rounds, its bits. The result's value is the error less that of weights of zero.
  func descend(filter: Int, from start: FilterSolution, sweeps: Int) -> (solution: FilterSolution, value: Double) {
    var solution = start
    var products = [Double](repeating: 0, count: (start.scales.count + 1) * inputs)
    let value = cross.withUnsafeBufferPointer { cross in
      bitline_descend(
        gram, cross.baseAddress.map { $0 + filter * inputs }, Int64(inputs), Int32(start.scales.count), Int32(sweeps), &solution.bits,
        &solution.scales, &products)
    }
    return (solution, value)
  }

  /// The layer's solution from those of its filters in units of codes; scales below zero are turned together with their bits.
  func joined(_ filters: [FilterSolution], shape: Shape) -> LayerSolution {
    let biases = filters.indices.map { filter in bias(filter: filter) { filters[filter].weight($0) } }
    let scaled = filters.map { filter in
      var result = filter
      for basis in filter.scales.indices {
        if filter.scales[basis] < 0 { for i in 0..<inputs { result.bits[basis * inputs + i] *= -1 } }
        result.scales[basis] = filter.scales[basis].magnitude / unit
      }
      return result
    }
    return LayerSolution(scaled, shape: shape, bias: biases)
  }
}
