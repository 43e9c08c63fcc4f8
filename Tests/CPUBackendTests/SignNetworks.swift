import GraphIR

extension Networks {
  /// How a sign is written: -1 or +1 of every number, or of every number but 0 (and not of NaN).
  enum SignForm: CaseIterable {
    case select, reversedSelect, cast, twoSigns, plain
  }

  /// Layers on codes of -1 and +1, at first of the input and then of sums: batch norms with scales of both signs, pools before and behind them,
  /// numbers that are clipped, windows with strides and dilations, two readers, codes that are an output, a residual sum, and results that are
  /// numbers and wider codes.
  static func signs(batch: Int, seed: Int = 12, _ form: SignForm = .select) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "signs")
    let one = graph.addConstant(.scalar(1)), zero = graph.addConstant(.scalar(0)), minusOne = graph.addConstant(.scalar(-1))
    let tenth = graph.addConstant(.scalar(0.1)), two = graph.addConstant(.scalar(2))
    func node(_ op: Op, _ operands: [ValueID], _ origin: String = "") throws -> ValueID { try graph.append1(op, operands, origin: origin) }
    func sign(_ x: ValueID) throws -> ValueID {
      switch form {
      case .select: try node(.select, [node(.binary(.greaterOrEqual), [x, zero]), one, minusOne])
      case .reversedSelect: try node(.select, [node(.binary(.greater), [zero, x]), minusOne, one])
      case .cast:
        try node(
          .binary(.sub), [node(.binary(.mul), [node(.cast(Cast(to: .float32)), [node(.binary(.lessOrEqual), [zero, x])]), two]), one])
      case .twoSigns: try node(.unary(.sign), [node(.binary(.add), [node(.unary(.sign), [x]), tenth])])
      case .plain: try node(.unary(.sign), [x])
      }
    }
    func codes(_ x: ValueID, _ origin: String) throws -> ValueID {
      try node(.quantize(Quantize(to: .int8, lo: -1, hi: 1)), [sign(x), one], origin)
    }
    func scales(_ count: Int) -> [Float] { random.floats(count, 0.2...1.5).map { random.int(0...3) == 0 ? -$0 : $0 } }
    func channel(_ values: [Float]) -> ValueID { graph.addConstant(Tensor(.float32, [values.count, 1, 1], values)) }
    func normalized(_ x: ValueID, _ count: Int) throws -> ValueID {
      try node(.binary(.add), [node(.binary(.mul), [x, channel(scales(count))]), channel(random.floats(count, -9...9))])
    }
    func layer(_ x: ValueID, _ from: Int, _ to: Int, _ size: Int, _ window: Window, _ activation: Activation, _ origin: String) throws
      -> ValueID
    {
      let weights = graph.addConstant(bits(&random, [to, from, size, size]))
      let sums = try node(.binaryConv(BinaryConv(window: window)), [x, weights], origin)
      let (m, c) = (graph.addConstant(.vector(scales(to))), graph.addConstant(.vector(random.floats(to, -4...4))))
      return try node(.rescale(Rescale(activation: activation)), [sums, m, c], "\(origin) rescaled")
    }
    var pool = Pool()
    pool.kernel = [2, 2]
    pool.window = Window(strides: [2, 2])
    let near = Window(pads: [1, 1, 1, 1])
    let x = graph.addInput("x", TensorType(.float32, [batch, 20, 13, 14]))
    let a = try codes(try normalized(x, 20), "a")
    // A pool before the batch norm, one behind it, and clipping.
    let b0 = try layer(a, 20, 40, 3, near, .none, "b")
    let b = try codes(try normalized(try node(.pool(pool), [b0], "b pooled"), 40), "b codes")
    let c0 = try normalized(try layer(b, 40, 70, 3, Window(strides: [1, 2], pads: [2, 1, 0, 1]), .clip(-6, 30), "c"), 70)
    pool.kernel = [3, 3]
    pool.window = near
    let c1 = try node(.unary(.neg), [try node(.pool(pool), [c0], "c pooled")])
    let c = try codes(try node(.clip(Clip(lo: -2, hi: 7)), [c1]), "c codes")
    graph.addOutput("c", c)
    let d = try layer(c, 70, 64, 1, Window(), .none, "d")
    let e = try layer(c, 70, 64, 3, Window(pads: [2, 1, 2, 1], dilations: [2, 1]), .relu, "e")
    let sum = try node(.binary(.add), [d, e], "sum")
    graph.addOutput("sum", sum)
    let f0 = try layer(try codes(try normalized(sum, 64), "f"), 64, 33, 3, near, .relu, "f layer")
    graph.addOutput(
      "f",
      try node(
        .quantize(Quantize(to: .uint8, lo: 0, hi: 63)), [try node(.pool(pool), [f0], "f pooled"), graph.addConstant(.scalar(0.5))],
        "f codes"))
    // Dense layers: of what is laid in a row before it is coded or behind, and of codes.
    let g = try normalized(try layer(c, 70, 33, 3, near, .none, "g"), 33)
    let flat = Op.reshape(Reshape(shape: [batch, 33 * 6 * 4]))
    var dense =
      seed % 2 == 0
      ? try node(.quantize(Quantize(to: .int8, lo: -1, hi: 1)), [node(flat, [sign(g)]), one]) : try node(flat, [codes(g, "g codes")])
    for (from, to) in [(792, 37), (37, 20), (20, 11)] {
      let sums = try node(.binaryDense(BinaryDense()), [dense, graph.addConstant(bits(&random, [to, from]))])
      let y = try node(.rescale(Rescale()), [sums, graph.addConstant(.vector(scales(to))), graph.addConstant(.vector(random.floats(to)))])
      if to == 11 { graph.addOutput("dense", y) } else { dense = try codes(y, "dense codes") }
    }
    return graph
  }

  /// Two layers of signs with random steps between the sums of one and the signs that the other reads: steps that keep an order by channel or turn
  /// it round, with constants that bring sums to a threshold, and pools among them.
  static func randomSigns(seed: Int) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "random signs \(seed)")
    let channels = 16 + random.int(0...9)
    func node(_ op: Op, _ operands: [ValueID]) throws -> ValueID { try graph.append1(op, operands, origin: "") }
    func number(_ value: Float) -> ValueID { graph.addConstant(.scalar(value)) }
    func channel(_ range: ClosedRange<Float>, signed: Bool = false) -> ValueID {
      let values = random.floats(channels, range).map { signed && random.flag() ? -$0 : $0 }
      return graph.addConstant(Tensor(.float32, [channels, 1, 1], values))
    }
    func codes(_ x: ValueID) throws -> ValueID {
      let sign = try node(.select, [try node(.binary(.greaterOrEqual), [x, number(0)]), number(1), number(-1)])
      return try node(.quantize(Quantize(to: .int8, lo: -1, hi: 1)), [sign, number(1)])
    }
    func layer(_ x: ValueID) throws -> ValueID {
      let weights = graph.addConstant(bits(&random, [channels, channels, 3, 3]))
      let sums = try node(.binaryConv(BinaryConv(window: Window(pads: [1, 1, 1, 1]))), [x, weights])
      let factors = [random.floats(channels, -0.5...0.5), random.floats(channels, -4...4)].map { graph.addConstant(.vector($0)) }
      return try node(.rescale(Rescale()), [sums] + factors)
    }
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, channels, 6, 7]))
    var y = try layer(try codes(x))
    for _ in 0..<random.int(1...6) {
      var pool = Pool()
      pool.kernel = [2, 3]
      pool.window = Window(pads: [1, 1, 0, 1])
      let steps: [(Op, [ValueID])] = [
        (.pool(pool), [y]), (.unary(.neg), [y]), (.unary(.relu), [y]), (.clip(Clip(lo: -3, hi: 2.5)), [y]),
        (.binary(.add), [channel(-3...3), y]), (.binary(.sub), [channel(-3...3), y]), (.binary(.sub), [y, number(0.75)]),
        (.binary(.mul), [y, channel(0.1...2, signed: true)]), (.binary(.div), [y, channel(0.5...3, signed: true)]),
        (.binary(.min), [y, channel(-1...4)]), (.binary(.max), [channel(-4...1), y]),
      ]
      let (op, operands) = steps[random.int(0...steps.count - 1)]
      y = try node(op, operands)
    }
    graph.addOutput("y", try layer(try codes(y)))
    return graph
  }
}
