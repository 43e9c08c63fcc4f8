import GraphIR

/// A dense layer beside the array, summed as the reference does: in f64 and in the order of the inputs, rounded once.
struct HostDense: Sendable {
  let inputs: Int
  let outputs: Int
  /// `[inputs, outputs]`.
  let weights: [Double]
  let bias: [Double]
  let activation: Activation

  /// nil where weights or bias are not constants of f32.
  init?(_ a: Dense, _ constants: [Tensor?]) {
    guard let weights = constants[0], constants.allSatisfy({ $0?.element == .float32 }) else { return nil }
    activation = a.activation
    (outputs, inputs) = (weights.shape[0], weights.shape[1])
    let (numbers, outputs, inputs) = (weights.floats, outputs, inputs)
    self.weights = (0..<inputs).flatMap { input in (0..<outputs).map { Double(numbers[$0 * inputs + input]) } }
    bias = constants.count == 2 ? constants[1]?.floats.map(Double.init) ?? [] : [Double](repeating: 0, count: outputs)
  }

  /// Sums of one sample; `sums` is room for one number for each output.
  func run(_ x: UnsafePointer<Float>, sums: UnsafeMutablePointer<Double>, to: UnsafeMutablePointer<Float>) {
    sums.update(repeating: 0, count: outputs)
    weights.withUnsafeBufferPointer { weights in
      guard var row = weights.baseAddress else { return }
      for input in 0..<inputs {
        let x = Double(x[input])
        for output in 0..<outputs { sums[output] += x * row[output] }
        row += outputs
      }
    }
    for output in 0..<outputs {
      let x = sums[output] + bias[output]
      switch activation {
      case .none: to[output] = Float(x)
      case .relu: to[output] = x < 0 ? 0 : Float(x)
      case .clip(let lo, let hi): to[output] = x < Double(lo) ? lo : x > Double(hi) ? hi : Float(x)
      }
    }
  }
}
