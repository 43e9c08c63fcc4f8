import GraphIR

/// A convolution or dense layer of f32, each sum in eight f32 lanes that are added at its end.
struct FloatLayer: Kernel {
  private let walk: WindowWalk
  private let groups: Int
  private let activation: Activation
  /// Of the result, with the batch as compiled.
  private let shape: Shape

  init(_ a: Conv, _ types: [TensorType], _ result: TensorType) {
    walk = WindowWalk(a.window, input: types[0].shape, kernel: Array(types[1].shape.dimensions.dropFirst(2)), output: result.shape)
    (groups, activation, shape) = (a.groups, a.activation, result.shape)
  }

  init(_ a: Dense, _ types: [TensorType]) {
    walk = WindowWalk()
    (groups, activation, shape) = (1, a.activation, Shape([types[0].shape[0], types[1].shape[0]]))
  }

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let (x, w) = (operands[0], operands[1])
    let counting = ProductCounting(arithmetic: .float32, reuse: settings.reuse)
    let (samples, filters) = (x.shape[0], w.shape[0])
    let inputs = w.count / max(filters, 1)
    let bias = operands.count == 3 ? operands[2].elements(Float.self) : []
    let perGroup = filters / groups
    let planes = inputs / walk.kernelCount
    var shape = shape
    shape[0] = samples
    let outputs = filters * walk.places
    for _ in 0..<samples {
      counting.countSample(inputs: x.count / samples, weights: w.count, &tally)
      tally.operate(floatAdds: bias.isEmpty ? 0 : outputs, int32Adds: outputs * activation.bounds)
      tally.parameters(uses: bias.isEmpty ? 0 : outputs, distinct: bias.count, settings.reuse)
    }
    return .filled(.float32, shape, as: Float.self) { y in
      x.withPointer(Float.self) { x in
        w.withPointer(Float.self) { w in
          withUnsafeTemporaryAllocation(of: Float.self, capacity: inputs) { row in
            guard let row = row.baseAddress else { return }
            for group in 0..<samples * groups {
              let own = x + group * planes * walk.plane
              let (sample, first) = (group / groups, group % groups * perGroup)
              for place in 0..<walk.places {
                walk.load(own, planes: planes, place: place, into: row) { $0 }
                for filter in first..<first + perGroup {
                  let sum = FloatLayer.dot(row, w + filter * inputs, inputs) + (bias.isEmpty ? 0 : bias[filter])
                  y[(sample * filters + filter) * walk.places + place] = activation(sum)
                }
                counting.count(outputs: perGroup, inputs: inputs, &tally)
              }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private static func dot(_ row: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = SIMD8<Float>()
    var k = 0
    while k + 8 <= count {
      let x = UnsafeRawPointer(row + k).loadUnaligned(as: SIMD8<Float>.self)
      lanes += x * UnsafeRawPointer(weights + k).loadUnaligned(as: SIMD8<Float>.self)
      k += 8
    }
    var sum = lanes.sum()
    while k < count {
      sum += row[k] * weights[k]
      k += 1
    }
    return sum
  }
}

extension Activation {
  /// Comparisons that one number takes.
  var bounds: Int {
    switch self {
    case .none: 0
    case .relu: 1
    case .clip: 2
    }
  }
}
