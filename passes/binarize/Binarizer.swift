import GraphIR

/// One summand of binary weights: bits of ±1, and a scale for each filter.
struct BinaryBasis {
  /// Of type bit, in the weights' shape.
  var bits: Tensor
  /// f32, one number for each index of axis 0.
  var scale: Tensor
}

/// A way to stand in for a layer's weights by a sum of bases, `W ≈ Σ scale · bits`. One file each.
struct Binarizer: Sendable {
  /// The word for it in the option `method`.
  let name: String
  /// The bases of f32 weights `[F, …]`; nil when the weights are not of the kind that the method takes.
  let bases: @Sendable (_ weights: Tensor) -> [BinaryBasis]?

  /// The methods that take any weights.
  static let general: [Binarizer] = [.sign]
}

extension Tensor {
  /// Calls `body` with the elements of each index of axis 0, in order.
  func forEachFilter(_ body: (ArraySlice<Float>) -> Void) {
    let numbers = floats
    let size = shape[0] == 0 ? 0 : numbers.count / shape[0]
    for filter in 0..<shape[0] { body(numbers[filter * size..<(filter + 1) * size]) }
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
