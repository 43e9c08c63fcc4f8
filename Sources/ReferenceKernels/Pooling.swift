import GraphIR

extension Reference {
  /// ONNX MaxPool and AveragePool. Of a window wholly in the padding (dilation can make one) the maximum is the type's lowest number, the average 0.
  static func pool(_ a: Pool, _ x: Tensor, _ type: TensorType) -> Tensor {
    let windows = Windows(a.window, input: x.shape, kernel: a.kernel, output: type.shape)
    switch x.element.arithmetic {
    case .real:
      let result = pool(windows, x.reals, planes: type.shape[0] * type.shape[1]) { inside, indices in
        switch a.kind {
        case .max: return inside.reduce(-.infinity, maximum)
        case .average:
          let count = a.countPadding ? windows.paddedCount(at: indices) : inside.count
          return count == 0 ? 0 : inside.reduce(0, +) / Double(count)
        }
      }
      return Tensor(type.element, type.shape, rounding: result)
    case .signed: return maxPool(windows, x.integers(as: Int64.self), type)
    case .unsigned: return maxPool(windows, x.integers(as: UInt64.self), type)
    }
  }

  private static func maxPool<Number: FixedWidthInteger>(_ windows: Windows, _ x: [Number], _ type: TensorType) -> Tensor {
    let lowest = type.element.range(of: Number.self).lowerBound
    let result = pool(windows, x, planes: type.shape[0] * type.shape[1]) { inside, _ in inside.reduce(lowest, max) }
    return Tensor(type.element, type.shape, wrapping: result)
  }

  /// For each plane and place: what `combine` makes of the window's elements inside the plane, in row-major order.
  private static func pool<Number: Numeric>(
    _ windows: Windows, _ x: [Number], planes: Int, _ combine: (_ inside: [Number], _ indices: [Int]) -> Number
  ) -> [Number] {
    let plane = windows.input.reduce(1, *)
    let places = windows.output.reduce(1, *)
    var result = [Number](repeating: 0, count: planes * places)
    var inside: [Number] = []
    windows.forEach { place, indices in
      let offsets = windows.offsets(at: indices).filter { $0 >= 0 }
      for index in 0..<planes {
        inside.removeAll(keepingCapacity: true)
        for offset in offsets { inside.append(x[index * plane + offset]) }
        result[index * places + place] = combine(inside, indices)
      }
    }
    return result
  }
}
