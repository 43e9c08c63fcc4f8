import GraphIR

/// One direction of a recurrent layer, and how far it has come.
struct RecurrentCell {
  enum Kind: Int { case plain = 1, gated = 3, longShort = 4 }

  private let kind: Kind
  /// `[size, gates · hidden]` and `[hidden, gates · hidden]`
  private let inputWeights: ValueID
  private let hiddenWeights: ValueID
  private let inputBias: ValueID?
  private let hiddenBias: ValueID?
  private let peepholes: ValueID?
  private let activations: [RecurrentActivation]
  private let bound: Float?
  private let linearBeforeReset: Bool
  private let couplesForget: Bool
  private let size: Int
  /// `[batch, hidden]`
  private(set) var hidden: ValueID
  private(set) var memory: ValueID

  init(
    _ node: ImportedNode, _ kind: Kind, direction: Int, batch: Int, isBatchFirst: Bool, like x: ValueID, _ builder: inout GraphBuilder
  ) throws {
    self.kind = kind
    let gates = kind.rawValue
    let size = builder.shape(try node[2])[builder.rank(try node[2]) - 1]
    self.size = size
    guard builder.shape(try node[1])[1] == gates * size, size == node.attributes.int("hidden_size", default: size) else {
      throw Diagnostic(.badInput, "weights \(builder.shape(try node[1])) and \(builder.shape(try node[2])) do not fit together")
    }
    func own(_ id: ValueID, _ builder: inout GraphBuilder) throws -> ValueID { try builder.pick(id, axis: 0, direction) }
    inputWeights = try builder.transpose(own(node[1], &builder), [1, 0])
    hiddenWeights = try builder.transpose(own(node[2], &builder), [1, 0])
    let bias = try node.optional(3).map { try own($0, &builder) }
    let width = gates * size
    inputBias = try bias.map { try builder.slice($0, axis: 0, from: 0, count: width) }
    hiddenBias = try bias.map { try builder.slice($0, axis: 0, from: width, count: width) }
    peepholes = kind == .longShort ? try node.optional(7).map { try own($0, &builder) } : nil
    let blank = try builder.zeros([batch, size], like: x)
    func start(_ place: Int, _ builder: inout GraphBuilder) throws -> ValueID {
      guard let given = node.optional(place) else { return blank }
      return try builder.pick(given, axis: isBatchFirst ? 1 : 0, direction)
    }
    hidden = try start(5, &builder)
    memory = kind == .longShort ? try start(6, &builder) : blank
    activations = try RecurrentActivation.list(node, kind, direction: direction)
    let clip = node.attributes.float("clip", default: 0)
    bound = clip > 0 ? clip : nil
    linearBeforeReset = try node.attributes.flag("linear_before_reset", default: false)
    couplesForget = try node.attributes.flag("input_forget", default: false)
  }

  /// Takes one step; past the end of a sequence the state stays, and the output is 0.
  mutating func advance(by x: ValueID, isLive: ValueID?, _ builder: inout GraphBuilder) throws -> ValueID {
    let (old, oldMemory) = (hidden, memory)
    switch kind {
    case .plain: try advancePlain(x, &builder)
    case .gated: try advanceGated(x, &builder)
    case .longShort: try advanceLongShort(x, &builder)
    }
    guard let isLive else { return hidden }
    let output = try builder.select(isLive, hidden, builder.scalar(0, like: hidden))
    hidden = try builder.select(isLive, hidden, old)
    memory = try builder.select(isLive, memory, oldMemory)
    return output
  }

  /// `x · weights + bias`
  private func product(_ x: ValueID, _ weights: ValueID, _ bias: ValueID?, _ builder: inout GraphBuilder) throws -> ValueID {
    let product = try builder.matmul(x, weights)
    return try bias.map { try builder.binary(.add, product, $0) } ?? product
  }

  private func gate(_ gates: ValueID, _ place: Int, _ builder: inout GraphBuilder) throws -> ValueID {
    try builder.slice(gates, axis: builder.rank(gates) - 1, from: place * size, count: size)
  }

  private func activate(_ x: ValueID, _ place: Int, _ builder: inout GraphBuilder) throws -> ValueID {
    try activations[place].apply(try bound.map { try builder.clip(x, lo: -$0, hi: $0) } ?? x, &builder)
  }

  private mutating func advancePlain(_ x: ValueID, _ builder: inout GraphBuilder) throws {
    let sum = try builder.binary(
      .add, product(x, inputWeights, inputBias, &builder), product(hidden, hiddenWeights, hiddenBias, &builder))
    hidden = try activate(sum, 0, &builder)
  }

  /// Gates: update, reset, hidden.
  private mutating func advanceGated(_ x: ValueID, _ builder: inout GraphBuilder) throws {
    let fromInput = try product(x, inputWeights, inputBias, &builder)
    let fromHidden = try product(hidden, hiddenWeights, hiddenBias, &builder)
    let update = try activate(builder.binary(.add, gate(fromInput, 0, &builder), gate(fromHidden, 0, &builder)), 0, &builder)
    let reset = try activate(builder.binary(.add, gate(fromInput, 1, &builder), gate(fromHidden, 1, &builder)), 0, &builder)
    let recurrent: ValueID
    if linearBeforeReset {
      recurrent = try builder.binary(.mul, reset, gate(fromHidden, 2, &builder))
    } else {
      let weights = try gate(hiddenWeights, 2, &builder)
      let bias = try hiddenBias.map { try gate($0, 2, &builder) }
      recurrent = try product(builder.binary(.mul, reset, hidden), weights, bias, &builder)
    }
    let fresh = try activate(builder.binary(.add, gate(fromInput, 2, &builder), recurrent), 1, &builder)
    let kept = try builder.binary(.mul, update, hidden)
    let one = try builder.scalar(1, like: update)
    hidden = try builder.binary(.add, builder.binary(.mul, builder.binary(.sub, one, update), fresh), kept)
  }

  /// Gates: input, output, forget, cell; peepholes: input, output, forget.
  private mutating func advanceLongShort(_ x: ValueID, _ builder: inout GraphBuilder) throws {
    let gates = try builder.binary(
      .add, product(x, inputWeights, inputBias, &builder), product(hidden, hiddenWeights, hiddenBias, &builder))
    func sum(_ place: Int, peeping cell: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
      let own = try gate(gates, place, &builder)
      guard let peepholes else { return own }
      return try builder.binary(.add, own, builder.binary(.mul, gate(peepholes, place, &builder), cell))
    }
    let input = try activate(sum(0, peeping: memory, &builder), 0, &builder)
    let one = try builder.scalar(1, like: input)
    let forget = couplesForget ? try builder.binary(.sub, one, input) : try activate(sum(2, peeping: memory, &builder), 0, &builder)
    let fresh = try activate(gate(gates, 3, &builder), 1, &builder)
    memory = try builder.binary(.add, builder.binary(.mul, forget, memory), builder.binary(.mul, input, fresh))
    let output = try activate(sum(1, peeping: memory, &builder), 0, &builder)
    hidden = try builder.binary(.mul, output, activations[2].apply(memory, &builder))
  }
}

/// An activation function of a recurrent layer, with its factors.
struct RecurrentActivation {
  private let name: String
  private let alpha: Double?
  private let beta: Double?

  /// The functions of one direction; factors are listed for those functions that take some.
  static func list(_ node: ImportedNode, _ kind: RecurrentCell.Kind, direction: Int) throws -> [RecurrentActivation] {
    let usual: [String] =
      switch kind {
      case .plain: ["tanh"]
      case .gated: ["sigmoid", "tanh"]
      case .longShort: ["sigmoid", "tanh", "tanh"]
      }
    guard let given = node.attributes.strings("activations"), !given.isEmpty else {
      return usual.map { RecurrentActivation(name: $0, alpha: nil, beta: nil) }
    }
    let names = given.map { $0.lowercased() }
    guard names.count >= (direction + 1) * usual.count else {
      throw Diagnostic(.badInput, "\(names.count) activations, where each direction has \(usual.count)")
    }
    var alphas = (node.attributes.floats("activation_alpha") ?? [])[...]
    var betas = (node.attributes.floats("activation_beta") ?? [])[...]
    let all = names.map { name in
      RecurrentActivation(
        name: name, alpha: takesAlpha.contains(name) ? alphas.popFirst().map(Double.init) : nil,
        beta: takesBeta.contains(name) ? betas.popFirst().map(Double.init) : nil)
    }
    return Array(all[direction * usual.count..<(direction + 1) * usual.count])
  }

  private static let takesAlpha: Set<String> = ["affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"]
  private static let takesBeta: Set<String> = ["affine", "scaledtanh", "hardsigmoid"]

  func apply(_ x: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
    switch name {
    case "tanh": return try builder.unary(.tanh, x)
    case "sigmoid": return try builder.unary(.sigmoid, x)
    case "relu": return try builder.unary(.relu, x)
    case "softplus": return try builder.unary(.softplus, x)
    case "softsign": return try builder.binary(.div, x, builder.binary(.add, builder.unary(.abs, x), 1))
    case "affine": return try builder.binary(.add, builder.binary(.mul, x, alpha ?? 1), beta ?? 0)
    case "scaledtanh": return try builder.binary(.mul, builder.unary(.tanh, builder.binary(.mul, x, beta ?? 1)), alpha ?? 1)
    case "hardsigmoid":
      return try builder.clip(builder.binary(.add, builder.binary(.mul, x, alpha ?? 0.2), beta ?? 0.5), lo: 0, hi: 1)
    case "leakyrelu": return try builder.select(builder.binary(.less, x, 0), builder.binary(.mul, x, alpha ?? 0.01), x)
    case "thresholdedrelu":
      return try builder.select(builder.binary(.greaterOrEqual, x, alpha ?? 1), x, builder.scalar(0, like: x))
    case "elu":
      let below = try builder.binary(.mul, builder.binary(.sub, builder.unary(.exp, x), 1), alpha ?? 1)
      return try builder.select(builder.binary(.less, x, 0), below, x)
    default: throw Diagnostic(.unsupported, "activation '\(name)' is not supported")
    }
  }
}
