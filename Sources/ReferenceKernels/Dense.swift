import GraphIR

extension Reference {
  /// ONNX Gemm with transposed weights, and an activation: `y[n, f] = activation(Σ x[n, k] · w[f, k] + bias[f])`.
  static func dense(_ a: Dense, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let x = operands[0].reals
    let weights = operands[1].reals
    let bias = operands.count == 3 ? operands[2].reals : []
    let inputs = operands[1].shape[1]
    var result: [Double] = []
    for sample in 0..<type.shape[0] {
      let row = Array(x[sample * inputs..<(sample + 1) * inputs])
      for filter in 0..<type.shape[1] {
        result.append(activate(dot(row, weights, from: filter * inputs) + (bias.isEmpty ? 0 : bias[filter]), a.activation))
      }
    }
    return Tensor(type.element, type.shape, rounding: result)
  }

  /// ONNX MatMul of matrices: `y[…, m, n] = Σ a[…, m, k] · b[…, k, n]`, in order of k; integers wrap.
  static func matmul(_ a: Tensor, _ b: Tensor, _ type: TensorType) throws -> Tensor {
    guard a.element != .bool && a.element != .bit else { throw Diagnostic(.badInput, "matmul does not take \(a.element.rawValue)") }
    let outer = Array(type.shape.dimensions.dropLast(2))
    let (m, k, n) = (type.shape[type.shape.rank - 2], a.shape[a.shape.rank - 1], type.shape[type.shape.rank - 1])
    let x = expand(a, to: Shape(outer + [m, k]))
    let y = expand(b, to: Shape(outer + [k, n]))
    func products<Number: Numeric>(_ x: [Number], _ y: [Number], _ add: (Number, Number, Number) -> Number) -> [Number] {
      var result: [Number] = []
      result.reserveCapacity(type.shape.elementCount ?? 0)
      for matrix in 0..<outer.reduce(1, *) {
        for row in 0..<m {
          for column in 0..<n {
            var sum: Number = 0
            for index in 0..<k { sum = add(sum, x[(matrix * m + row) * k + index], y[(matrix * k + index) * n + column]) }
            result.append(sum)
          }
        }
      }
      return result
    }
    switch a.element.arithmetic {
    case .real: return Tensor(type.element, type.shape, rounding: products(x.reals, y.reals) { $0 + $1 * $2 })
    case .signed:
      let sums = products(x.integers(as: Int64.self), y.integers(as: Int64.self)) { $0 &+ $1 &* $2 }
      return Tensor(type.element, type.shape, wrapping: sums)
    case .unsigned:
      let sums = products(x.integers(as: UInt64.self), y.integers(as: UInt64.self)) { $0 &+ $1 &* $2 }
      return Tensor(type.element, type.shape, wrapping: sums)
    }
  }
}
