import GraphIR

/// One summand of binary weights: bits of ±1, and a scale for each filter.
struct BinaryBasis: Equatable {
  /// Of type bit, in the weights' shape.
  var bits: Tensor
  /// f32, one number for each index of axis 0.
  var scale: Tensor
}

/// What a method is given of one layer.
struct LayerProblem: Sendable {
  /// f32 `[F, …]`, finite.
  var weights: Tensor
  /// How many bases are wanted.
  var bases: Int
  /// What the layer is to do on calibration data; nil without such.
  var squares: LeastSquares?
  /// Seeds whatever a method draws.
  var seed: UInt64
}

/// What a method makes of a layer.
struct LayerSolution: Equatable {
  var bases: [BinaryBasis]
  /// The bias that goes with them, by filter; nil: what it was.
  var bias: [Float]?
}

/// A way to stand in for a layer's weights by a sum of bases, `W ≈ Σ scale · bits`. One file each.
struct Binarizer: Sendable {
  /// The word for it in the option `method`.
  let name: String
  /// Whether it looks at calibration data.
  let needsData: Bool
  let solve: @Sendable (LayerProblem) -> LayerSolution

  /// The methods that take any weights.
  static let general: [Binarizer] = [.sign, .alternating, .leastSquares, .compensated, .descent]
}

extension LayerSolution {
  /// The solution of separate filters, joined.
  init(_ filters: [FilterSolution], shape: Shape, bias: [Float]?) {
    let count = filters.first?.scales.count ?? 0
    bases = (0..<count).map { basis in
      BinaryBasis(
        bits: Tensor(.bit, shape, filters.flatMap { $0.bits(of: basis) }), scale: .vector(filters.map { Float($0.scales[basis]) }))
    }
    self.bias = bias
  }
}

/// The bases of one filter.
struct FilterSolution: Sendable {
  /// ±1, `[bases][inputs]`.
  var bits: [Int8]
  var scales: [Double]

  var inputs: Int { bits.count / max(1, scales.count) }

  func bits(of basis: Int) -> ArraySlice<Int8> { bits[basis * inputs..<(basis + 1) * inputs] }

  /// The weight that the bases stand for.
  func weight(_ input: Int) -> Double {
    scales.indices.reduce(0) { $0 + scales[$1] * Double(bits[$1 * inputs + input]) }
  }
}

extension Tensor {
  /// The elements of each index of axis 0, in order.
  var filters: [ArraySlice<Float>] {
    let numbers = floats
    let size = shape[0] == 0 ? 0 : numbers.count / shape[0]
    return (0..<shape[0]).map { numbers[$0 * size..<($0 + 1) * size] }
  }
}

/// How far the bases are from the weights: the norm of the difference over the norm of the weights.
func relativeError(of bases: [BinaryBasis], from weights: Tensor) -> Double {
  let size = weights.count / max(weights.shape[0], 1)
  let parts = bases.map { (bits: $0.bits.elements(Int8.self), scale: $0.scale.floats) }
  var off = 0.0
  var norm = 0.0
  for (index, weight) in weights.floats.enumerated() {
    let stand = parts.reduce(0.0) { $0 + Double($1.bits[index]) * Double($1.scale[index / size]) }
    off += (Double(weight) - stand) * (Double(weight) - stand)
    norm += Double(weight) * Double(weight)
  }
  return norm == 0 ? 0 : (off / norm).squareRoot()
}
