import GraphIR

/// Bounds on every element.
struct BoundKernel: Kernel {
  let activation: Activation

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let x = operands[0]
    tally.elements(x.count, loads: 1, bits: 32, resultBits: 32)
    tally.operate(int32Adds: activation.bounds * x.count)
    return .filled(.float32, x.shape, as: Float.self) { y in
      x.withElements(Float.self) { x in for index in x.indices { y[index] = activation(x[index]) } }
    }
  }
}

/// Two numbers in, one out, element by element.
struct ArithmeticKernel: Kernel {
  private let kind: BinaryKind

  /// nil for what the arithmetic unit cannot do.
  init?(_ kind: BinaryKind) {
    guard kind == .add || kind == .sub || kind == .mul else { return nil }
    self.kind = kind
  }

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let (a, b) = (operands[0], operands[1])
    tally.elements(a.count, loads: 2, bits: 32, resultBits: 32)
    tally.operate(floatMultiplies: kind == .mul ? a.count : 0, floatAdds: kind == .mul ? 0 : a.count)
    return .filled(.float32, a.shape, as: Float.self) { y in
      a.withElements(Float.self) { a in
        b.withElements(Float.self) { b in
          for index in a.indices {
            y[index] = kind == .add ? a[index] + b[index] : kind == .sub ? a[index] - b[index] : a[index] * b[index]
          }
        }
      }
    }
  }
}
