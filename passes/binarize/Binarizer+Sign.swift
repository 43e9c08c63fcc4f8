import GraphIR

extension Binarizer {
  /// The sign of each weight (of 0: +1), scaled by the filter's mean magnitude, which is the best scale for those signs (XNOR-Net BWN);
  /// further bases do the same to what is left over.
  static let sign = Binarizer(name: "sign", needsData: false) { problem in
    LayerSolution(
      problem.weights.filters.map { residual($0.map(Double.init), bases: problem.bases) }, shape: problem.weights.shape, bias: nil)
  }

  /// One filter by signs of what is left over, base after base.
  static func residual(_ weights: [Double], bases: Int) -> FilterSolution {
    var left = weights
    var solution = FilterSolution(bits: [], scales: [])
    for _ in 0..<bases {
      let scale = left.reduce(0) { $0 + $1.magnitude } / Double(max(1, left.count))
      let bits: [Int8] = left.map { $0 < 0 ? -1 : 1 }
      for index in left.indices { left[index] -= scale * Double(bits[index]) }
      solution.bits += bits
      solution.scales.append(scale)
    }
    return solution
  }
}
