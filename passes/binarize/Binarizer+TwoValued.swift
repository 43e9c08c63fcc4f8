import GraphIR

extension Binarizer {
  /// Takes weights that have two values ±alpha in each filter, as they are; the scale is alpha. Nil for all others.
  static func twoValued(_ weights: Tensor) -> [BinaryBasis]? {
    guard weights.count > 0 else { return nil }
    var scale: [Float] = []
    for filter in weights.filters {
      let alpha = filter[filter.startIndex].magnitude
      guard alpha.isFinite && filter.allSatisfy({ $0.magnitude == alpha }) else { return nil }
      scale.append(alpha)
    }
    let bits = Tensor(.bit, weights.shape, weights.floats.map { $0.sign == .minus ? -1 : 1 } as [Int8])
    return [BinaryBasis(bits: bits, scale: .vector(scale))]
  }
}
