import GraphIR

extension Reference {
  /// ONNX ReduceSum, ReduceMean, ReduceMax, ReduceMin and ReduceProd, in row-major order of the reduced axes.
  ///
  /// Of nothing, the sum is 0, the product 1, the mean NaN (0 for integers), the maximum the type's lowest number and the minimum its highest.
  /// NaN goes through maximum and minimum. The mean of integers truncates toward zero. A bool sum is true when any element is.
  static func reduce(_ a: Reduce, _ x: Tensor, _ type: TensorType) -> Tensor {
    switch x.element.arithmetic {
    case .real:
      let result = reduce(x.reals, x.shape, a.axes) { reduced in
        switch a.kind {
        case .sum: reduced.reduce(0, +)
        case .mean: reduced.reduce(0, +) / Double(reduced.count)
        case .product: reduced.reduce(1, *)
        case .max: reduced.reduce(-.infinity, maximum)
        case .min: reduced.reduce(.infinity, minimum)
        }
      }
      return Tensor(type.element, type.shape, rounding: result)
    case .signed: return reduce(a, x, x.integers(as: Int64.self), type)
    case .unsigned: return reduce(a, x, x.integers(as: UInt64.self), type)
    }
  }

  private static func reduce<Number: FixedWidthInteger>(_ a: Reduce, _ x: Tensor, _ numbers: [Number], _ type: TensorType) -> Tensor {
    let range = type.element.range(of: Number.self)
    let result = reduce(numbers, x.shape, a.axes) { reduced in
      switch a.kind {
      case .sum: reduced.reduce(0, &+)
      case .mean: quotient(reduced.reduce(0, &+), Number(truncatingIfNeeded: reduced.count))
      case .product: reduced.reduce(1, &*)
      case .max: reduced.reduce(range.lowerBound, max)
      case .min: reduced.reduce(range.upperBound, min)
      }
    }
    return Tensor(type.element, type.shape, wrapping: result)
  }

  /// For each index of the axes that stay: what `combine` makes of the elements along those that are reduced.
  private static func reduce<Number>(_ x: [Number], _ shape: Shape, _ axes: [Int], _ combine: ([Number]) -> Number) -> [Number] {
    let all = Grid.axes(of: shape)
    let kept = Grid.offsets(all.indices.filter { !axes.contains($0) }.map { all[$0] })
    let reduced = Grid.offsets(all.indices.filter { axes.contains($0) }.map { all[$0] })
    var elements: [Number] = []
    return kept.map { base in
      elements.removeAll(keepingCapacity: true)
      for offset in reduced { elements.append(x[base + offset]) }
      return combine(elements)
    }
  }

  /// ONNX Softmax along one axis: `exp(x - max) / Σ exp(x - max)`.
  static func softmax(_ x: Tensor, axis: Int) -> Tensor {
    let all = Grid.axes(of: x.shape)
    let along = all[axis]
    let bases = Grid.offsets(all.indices.map { $0 == axis ? [0] : all[$0] })
    var numbers = x.reals
    for base in bases where !along.isEmpty {
      let greatest = along.reduce(-.infinity) { maximum($0, numbers[base + $1]) }
      for offset in along { numbers[base + offset] = exponential(numbers[base + offset] - greatest) }
      let sum = along.reduce(0) { $0 + numbers[base + $1] }
      for offset in along { numbers[base + offset] /= sum }
    }
    return Tensor(x.element, x.shape, rounding: numbers)
  }
}
