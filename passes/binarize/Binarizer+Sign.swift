import GraphIR

extension Binarizer {
  /// The sign of each weight (of 0: +1), scaled by the filter's mean magnitude, which is the best scale for those signs (XNOR-Net BWN).
  static let sign = Binarizer(name: "sign") { weights in
    guard weights.count > 0, weights.floats.allSatisfy(\.isFinite) else { return nil }
    var scale: [Float] = []
    weights.forEachFilter { filter in
      scale.append(Float(filter.reduce(0.0) { $0 + Double($1.magnitude) } / Double(filter.count)))
    }
    let bits = Tensor(.bit, weights.shape, weights.floats.map { $0 < 0 ? -1 : 1 } as [Int8])
    return [BinaryBasis(bits: bits, scale: .vector(scale))]
  }
}
