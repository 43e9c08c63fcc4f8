import GraphIR

/// A convolution or dense layer of f32, sums in f64, in order, rounded once behind the activation.
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
                for four in stride(from: first, to: first + perGroup, by: 4) {
                  let count = min(4, first + perGroup - four)
                  let sums = FloatLayer.dots(row, w + four * inputs, inputs, filters: count)
                  for (lane, filter) in (four..<four + count).enumerated() {
                    let sum = sums[lane] + (bias.isEmpty ? 0 : Double(bias[filter]))
                    y[(sample * filters + filter) * walk.places + place] = Float(activation.bounded(sum))
                  }
                }
                counting.count(outputs: perGroup, inputs: inputs, &tally)
              }
            }
          }
        }
      }
    }
  }

  /// The sums of up to four filters that neighbour each other: four at a time wait less for each other than one.
  private static func dots(_ row: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ count: Int, filters: Int) -> SIMD4<Double> {
    var sums = SIMD4<Double>()
    guard filters == 4 else {
      for filter in 0..<filters {
        for k in 0..<count { sums[filter] += Double(row[k]) * Double(weights[filter * count + k]) }
      }
      return sums
    }
    for k in 0..<count {
      let four = SIMD4(weights[k], weights[count + k], weights[2 * count + k], weights[3 * count + k])
      sums += Double(row[k]) * SIMD4<Double>(four)
    }
    return sums
  }
}

extension Activation {
  /// Of a sum that is yet to be rounded.
  fileprivate func bounded(_ x: Double) -> Double {
    switch self {
    case .none: x
    case .relu: x < 0 ? 0 : x
    case .clip(let lo, let hi): x < Double(lo) ? Double(lo) : x > Double(hi) ? Double(hi) : x
    }
  }

  /// Comparisons that one number takes.
  var bounds: Int {
    switch self {
    case .none: 0
    case .relu: 1
    case .clip: 2
    }
  }
}
