import GraphIR

extension Reference {
  /// ONNX Conv, and an activation. Each sum runs over the channels of the group, then along the kernel's axes, then takes the bias.
  static func conv(_ a: Conv, _ operands: [Tensor], _ type: TensorType) -> Tensor {
    let x = operands[0].reals
    let weights = operands[1].reals
    let bias = operands.count == 3 ? operands[2].reals : []
    let (samples, filters) = (type.shape[0], type.shape[1])
    let channels = operands[1].shape[1]
    let windows = Windows(a.window, input: operands[0].shape, kernel: Array(operands[1].shape.dimensions.dropFirst(2)), output: type.shape)
    let plane = windows.input.reduce(1, *)
    let places = windows.output.reduce(1, *)
    let filtersPerGroup = filters / a.groups
    var result = [Double](repeating: 0, count: samples * filters * places)
    windows.forEach { place, indices in
      let offsets = windows.offsets(at: indices)
      for sample in 0..<samples {
        for group in 0..<a.groups {
          let first = (sample * a.groups + group) * channels
          let inputs = column(x, (first..<first + channels).map { $0 * plane }, offsets)
          for filter in group * filtersPerGroup..<(group + 1) * filtersPerGroup {
            let sum = dot(inputs, weights, from: filter * inputs.count) + (bias.isEmpty ? 0 : bias[filter])
            result[(sample * filters + filter) * places + place] = activate(sum, a.activation)
          }
        }
      }
    }
    return Tensor(type.element, type.shape, rounding: result)
  }

  /// What one window sees: for each plane, the elements at `offsets`; 0 where an offset is outside.
  static func column<Number: Numeric>(_ x: [Number], _ planes: [Int], _ offsets: [Int]) -> [Number] {
    var column: [Number] = []
    column.reserveCapacity(planes.count * offsets.count)
    for plane in planes {
      for offset in offsets { column.append(offset < 0 ? 0 : x[plane + offset]) }
    }
    return column
  }

  /// The sum of `x[k] · weights[first + k]`, in order of k.
  static func dot(_ x: [Double], _ weights: [Double], from first: Int) -> Double {
    x.withUnsafeBufferPointer { x in
      weights.withUnsafeBufferPointer { weights in
        var sum = 0.0
        for k in x.indices { sum += x[k] * weights[first + k] }
        return sum
      }
    }
  }

  /// An activation, as `Activation` defines it, before the one rounding.
  static func activate(_ x: Double, _ activation: Activation) -> Double {
    switch activation {
    case .none: return x
    case .relu: return x < 0 ? 0 : x
    case .clip(let lo, let hi): return x < Double(lo) ? Double(lo) : x > Double(hi) ? Double(hi) : x
    }
  }
}
