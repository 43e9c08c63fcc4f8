import GraphIR

extension OperatorTable {
  /// Activation functions that take several ops of the IR.
  static let activations: [OperatorEntry] = [
    OperatorEntry("Clip", 6...10, inputs: 1...1, ["min": .float, "max": .float]) { node, builder in
      let lo = node.attributes.float("min", default: -Float.greatestFiniteMagnitude)
      let hi = node.attributes.float("max", default: Float.greatestFiniteMagnitude)
      return [try builder.clip(node[0], lo: lo, hi: hi)]
    },
    OperatorEntry("Clip", .since(11), inputs: 1...3, importClip),
    OperatorEntry("LeakyRelu", .since(6), inputs: 1...1, ["alpha": .float]) { node, builder in
      let x = try node[0]
      let below = try builder.scaled(x, node.attributes.float("alpha", default: 0.01))
      return [try builder.belowZero(x, below, x)]
    },
    OperatorEntry("PRelu", 6...6, inputs: 2...2) { node, builder in
      let (x, slope) = (try node[0], try node[1])
      let isPerChannel = builder.rank(slope) == 1 && builder.shape(slope)[0] > 1
      let ones = Array(repeating: 1, count: isPerChannel ? max(builder.rank(x) - 2, 0) : 0)
      let aligned = try builder.reshape(slope, builder.shape(slope).dimensions + ones)
      return [try builder.belowZero(x, try builder.emit(.binary(.mul), aligned, x), x)]
    },
    OperatorEntry("PRelu", .since(7), inputs: 2...2) { node, builder in
      let x = try node[0]
      return [try builder.belowZero(x, try builder.emit(.binary(.mul), node[1], x), x)]
    },
    OperatorEntry("Elu", .since(6), inputs: 1...1, ["alpha": .float]) { node, builder in
      let x = try node[0]
      let below = try builder.scaled(builder.expMinusOne(x), node.attributes.float("alpha", default: 1))
      return [try builder.belowZero(x, below, x)]
    },
    OperatorEntry("Selu", .since(6), inputs: 1...1, ["alpha": .float, "gamma": .float]) { node, builder in
      let x = try node[0]
      // The defaults are the specification's own decimals.
      let below = try builder.scaled(builder.expMinusOne(x), node.attributes.float("alpha", default: 1.67326319217681884765625))
      let whole = try builder.belowZero(x, below, x)
      return [try builder.scaled(whole, node.attributes.float("gamma", default: 1.05070102214813232421875))]
    },
    OperatorEntry("Celu", .since(12), inputs: 1...1, ["alpha": .float], importCelu),
    OperatorEntry("HardSigmoid", .since(6), inputs: 1...1, ["alpha": .float, "beta": .float]) { node, builder in
      let (alpha, beta) = (node.attributes.float("alpha", default: 0.2), node.attributes.float("beta", default: 0.5))
      return [try builder.hardSigmoid(node[0], alpha, beta)]
    },
    OperatorEntry("HardSwish", .since(14), inputs: 1...1) { node, builder in
      let x = try node[0]
      return [try builder.emit(.binary(.mul), x, try builder.hardSigmoid(x, 1.0 / 6.0, 0.5))]
    },
    OperatorEntry("Softsign", .since(1), inputs: 1...1) { node, builder in
      let x = try node[0]
      let denominator = try builder.shifted(try builder.emit(.unary(.abs), x), 1)
      return [try builder.emit(.binary(.div), x, denominator)]
    },
    OperatorEntry("ThresholdedRelu", .since(10), inputs: 1...1, ["alpha": .float]) { node, builder in
      let x = try node[0]
      let alpha = try builder.scalar(Double(node.attributes.float("alpha", default: 1)), like: x)
      return [try builder.emit(.select, try builder.emit(.binary(.greater), x, alpha), x, builder.scalar(0, like: x))]
    },
    OperatorEntry("Shrink", .since(9), inputs: 1...1, ["lambd": .float, "bias": .float], importShrink),
    OperatorEntry("Gelu", .since(20), inputs: 1...1, ["approximate": .string], importGelu),
    OperatorEntry("Mish", .since(18), inputs: 1...1) { node, builder in
      let x = try node[0]
      return [try builder.emit(.binary(.mul), x, try builder.emit(.unary(.tanh), try builder.emit(.unary(.softplus), x)))]
    },
    OperatorEntry("Swish", .since(24), inputs: 1...1, ["alpha": .float]) { node, builder in
      let x = try node[0]
      let gate = try builder.emit(.unary(.sigmoid), try builder.scaled(x, node.attributes.float("alpha", default: 1)))
      return [try builder.emit(.binary(.mul), x, gate)]
    },
  ]

  private static func importClip(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let bounds = [node.optional(1), node.optional(2)]
    if builder.element(x).isFloat, builder.element(x) != .float64, bounds.allSatisfy({ $0.map(builder.isConstant) ?? true }) {
      let lo = try bounds[0].map { Float(try builder.number($0, "the lower bound")) } ?? -.infinity
      let hi = try bounds[1].map { Float(try builder.number($0, "the upper bound")) } ?? .infinity
      return [try builder.clip(x, lo: lo, hi: hi)]
    }
    var result = x
    if let lo = bounds[0] { result = try builder.emit(.binary(.max), result, lo) }
    if let hi = bounds[1] { result = try builder.emit(.binary(.min), result, hi) }
    return [result]
  }

  /// `max(0, x) + min(0, alpha · (exp(x / alpha) - 1))`
  private static func importCelu(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let alpha = node.attributes.float("alpha", default: 1)
    let inner = try builder.emit(.binary(.div), x, builder.scalar(Double(alpha), like: x))
    let below = try builder.scaled(builder.expMinusOne(inner), alpha)
    let zero = try builder.scalar(0, like: x)
    let positive = try builder.emit(.binary(.max), zero, x)
    return [try builder.emit(.binary(.add), positive, try builder.emit(.binary(.min), zero, below))]
  }

  private static func importShrink(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let (lambda, bias) = (Double(node.attributes.float("lambd", default: 0.5)), Double(node.attributes.float("bias", default: 0)))
    guard builder.element(x).isFloat else { throw Diagnostic(.unsupported, "'Shrink' of \(builder.element(x).rawValue) is not supported") }
    let isBelow = try builder.emit(.binary(.less), x, builder.scalar(-lambda, like: x))
    let isAbove = try builder.emit(.binary(.greater), x, builder.scalar(lambda, like: x))
    let above = try builder.emit(.select, isAbove, try builder.shifted(x, -bias), builder.scalar(0, like: x))
    return [try builder.emit(.select, isBelow, try builder.shifted(x, bias), above)]
  }

  private static func importGelu(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let half = try builder.emit(.binary(.mul), x, builder.scalar(0.5, like: x))
    let inner: ValueID
    switch node.attributes.string("approximate", default: "none") {
    case "none":
      inner = try builder.emit(.unary(.erf), try builder.emit(.binary(.mul), x, builder.scalar(0.5.squareRoot(), like: x)))
    case "tanh":
      let cube = try builder.emit(.binary(.mul), x, try builder.emit(.binary(.mul), x, x))
      let sum = try builder.emit(.binary(.add), x, try builder.emit(.binary(.mul), cube, builder.scalar(0.044715, like: x)))
      inner = try builder.emit(.unary(.tanh), try builder.emit(.binary(.mul), sum, builder.scalar((2 / Double.pi).squareRoot(), like: x)))
    case let other: throw Diagnostic(.badInput, "attribute 'approximate' is '\(other)', not 'none' or 'tanh'")
    }
    return [try builder.emit(.binary(.mul), half, try builder.shifted(inner, 1))]
  }
}

extension GraphBuilder {
  /// `x < 0 ? below : otherwise`
  fileprivate mutating func belowZero(_ x: ValueID, _ below: ValueID, _ otherwise: ValueID) throws -> ValueID {
    try emit(.select, try emit(.binary(.less), x, scalar(0, like: x)), below, otherwise)
  }

  fileprivate mutating func scaled(_ x: ValueID, _ factor: Float) throws -> ValueID {
    factor == 1 ? x : try emit(.binary(.mul), x, scalar(Double(factor), like: x))
  }

  fileprivate mutating func shifted(_ x: ValueID, _ amount: Double) throws -> ValueID {
    try emit(.binary(.add), x, scalar(amount, like: x))
  }

  fileprivate mutating func expMinusOne(_ x: ValueID) throws -> ValueID { try shifted(try emit(.unary(.exp), x), -1) }

  /// `max(0, min(1, alpha · x + beta))`
  fileprivate mutating func hardSigmoid(_ x: ValueID, _ alpha: Float, _ beta: Float) throws -> ValueID {
    try clip(try shifted(try scaled(x, alpha), Double(beta)), lo: 0, hi: 1)
  }

  /// Bounds on every element. When they cross, every element becomes the upper one.
  mutating func clip(_ x: ValueID, lo: Float, hi: Float) throws -> ValueID { try emit(.clip(Clip(lo: lo > hi ? hi : lo, hi: hi)), x) }
}
