import GraphIR

extension Graph {
  /// By value: `a`, when every element is -a, 0 or a whatever the inputs are, as behind a sign. Such numbers are codes already.
  ///
  ///     %s = sign(%x)                                      // 1
  ///     %b = select(%positive, %one, %minusOne)            // 1
  ///     %m = mul(%b, %a)                                   // a, a positive constant
  ///     %p = pad(%m)                                       // a, when padded with 0
  var signMagnitudes: [Float?] {
    var known = values.map { value -> Float? in
      guard case .constant(let tensor) = value.definition, tensor.element == .float32 else { return nil }
      return signMagnitude(of: tensor.floats)
    }
    for node in nodes where type(of: node.results[0]).element == .float32 {
      let operands = node.operands.map { known[Int($0.index)] }
      known[Int(node.results[0].index)] = signMagnitude(of: node.op, operands)
    }
    return known
  }
}

private func signMagnitude(of op: Op, _ operands: [Float?]) -> Float? {
  switch op {
  case .unary(.sign): return 1
  case .unary(.neg), .unary(.abs), .unary(.relu), .reshape, .transpose, .slice, .expand: return operands[0]
  case .pad(let a) where a.mode != .constant || a.value == 0: return operands[0]
  case .pool(let a) where a.kind == .max: return operands[0]
  case .select: return operands[1] == operands[2] ? operands[1] : nil
  case .concat: return operands.allSatisfy { $0 == operands[0] } ? operands[0] : nil
  case .binary(.mul):
    guard let a = operands[0], let b = operands[1], (a * b).isNormal else { return nil }
    return a * b
  default: return nil
  }
}

/// Looks at no more numbers than it takes to find a third one.
private func signMagnitude(of numbers: [Float]) -> Float? {
  guard let first = numbers.first(where: { $0 != 0 })?.magnitude, first.isNormal else { return nil }
  return numbers.allSatisfy { $0 == 0 || $0.magnitude == first } ? first : nil
}
