import GraphIR

extension Binarizer {
  /// Takes weights that have two values ±alpha in each filter, as they are; the scale is alpha.
  static let twoValued = Binarizer(name: "exact") { weights in
    guard weights.count > 0 else { return nil }
    var scale: [Float] = []
    var isTwoValued = true
    weights.forEachFilter { filter in
      let alpha = filter[filter.startIndex].magnitude
      isTwoValued = isTwoValued && alpha.isFinite && filter.allSatisfy { $0.magnitude == alpha }
      scale.append(alpha)
    }
    guard isTwoValued else { return nil }
    let bits = Tensor(.bit, weights.shape, weights.floats.map { $0.sign == .minus ? -1 : 1 } as [Int8])
    return [BinaryBasis(bits: bits, scale: .vector(scale))]
  }
}
