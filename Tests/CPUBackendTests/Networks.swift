import GraphIR

/// Small networks that go through most kernels.
enum Networks {
  static func tensor(_ generator: inout Generator, _ shape: Shape) -> Tensor {
    Tensor(.float32, shape, generator.floats(shape.elementCount ?? 0))
  }

  static func bits(_ generator: inout Generator, _ shape: Shape) -> Tensor {
    Tensor(.bit, shape, generator.signs(shape.elementCount ?? 0))
  }

  /// Two convolutions with a residual, pooling, reshaping, dense layers and a softmax. `batch` may be `Shape.free`.
  static func float(batch: Int, seed: Int = 1) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "float")
    let x = graph.addInput("x", TensorType(.float32, [batch, 3, 14, 14]))
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(tensor(&random, shape)) }
    let window = Window(pads: [1, 1, 1, 1])
    let a = try graph.append1(
      .conv(Conv(window: window, activation: .relu)), [x, constant([8, 3, 3, 3]), constant([8])], origin: "a")
    let b = try graph.append1(.conv(Conv(window: window)), [a, constant([8, 8, 3, 3])], origin: "b")
    let c = try graph.append1(.binary(.add), [b, a], origin: "c")
    let d = try graph.append1(.conv(Conv(window: window, groups: 8, activation: .clip(0, 6))), [c, constant([8, 1, 3, 3])], origin: "d")
    var pool = Pool()
    pool.kernel = [2, 2]
    pool.window = Window(strides: [2, 2])
    let e = try graph.append1(.pool(pool), [d], origin: "e")
    let scaled = try graph.append1(.binary(.mul), [e, constant([1, 8, 1, 1])], origin: "scaled")
    let shifted = try graph.append1(.binary(.add), [constant([8, 1, 1]), scaled], origin: "shifted")
    pool.kind = .average
    pool.kernel = [3, 3]
    pool.window = Window(strides: [2, 2], pads: [1, 1, 1, 1])
    let f = try graph.append1(.pool(pool), [shifted], origin: "f")
    let joined = try graph.append1(.concat(AxisAttribute(axis: 1)), [f, f], origin: "joined")
    let flat = try graph.append1(.reshape(Reshape(shape: [batch, 16 * 4 * 4])), [joined], origin: "flat")
    let g = try graph.append1(.dense(Dense(activation: .relu)), [flat, constant([40, 256]), constant([40])], origin: "g")
    let h = try graph.append1(.matmul, [g, constant([40, 10])], origin: "h")
    let y = try graph.append1(.softmax(AxisAttribute(axis: 1)), [h], origin: "y")
    graph.addOutput("y", y)
    return graph
  }

  /// Convolutions in blocks of channels with sums to fuse, values that need both layouts, and pooling of blocks.
  static func residual(batch: Int, seed: Int = 4) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "residual")
    let x = graph.addInput("x", TensorType(.float32, [batch, 3, 15, 17]))
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(tensor(&random, shape)) }
    let window = Window(pads: [1, 1, 1, 1])
    let stem = try graph.append1(
      .conv(Conv(window: window, activation: .relu)), [x, constant([20, 3, 3, 3]), constant([20])], origin: "stem")
    let a = try graph.append1(
      .conv(Conv(window: window, activation: .clip(0, 6))), [stem, constant([40, 20, 3, 3]), constant([40])], origin: "a")
    let b = try graph.append1(.conv(Conv(window: window)), [a, constant([40, 40, 3, 3])], origin: "b")
    let side = try graph.append1(.conv(Conv()), [stem, constant([40, 20, 1, 1]), constant([40])], origin: "side")
    let sum = try graph.append1(.binary(.add), [b, side], origin: "sum")
    let c = try graph.append1(.unary(.relu), [sum], origin: "c")
    var pool = Pool()
    pool.kernel = [3, 3]
    pool.window = Window(strides: [2, 2], pads: [1, 1, 1, 1])
    let pooled = try graph.append1(.pool(pool), [c], origin: "pooled")
    let halved = try graph.append1(
      .conv(Conv(window: Window(strides: [2, 2], pads: [1, 1, 1, 1]))), [c, constant([40, 40, 3, 3]), constant([40])], origin: "halved")
    let product = try graph.append1(.binary(.mul), [pooled, halved], origin: "product")
    let d = try graph.append1(.conv(Conv(window: window)), [product, constant([48, 40, 3, 3])], origin: "d")
    let shifted = try graph.append1(.binary(.add), [d, constant([1, 48, 1, 1])], origin: "shifted")
    let e = try graph.append1(.conv(Conv()), [shifted, constant([32, 48, 1, 1])], origin: "e")
    let f = try graph.append1(.conv(Conv(window: window)), [e, constant([32, 32, 3, 3])], origin: "f")
    let g0 = try graph.append1(.binary(.add), [e, f], origin: "g0")
    let g1 = try graph.append1(
      .conv(Conv(window: window, groups: 32, activation: .relu)), [g0, constant([32, 1, 3, 3]), constant([32])], origin: "g1")
    let g = try graph.append1(.unary(.sigmoid), [g1], origin: "g")
    var mean = Reduce()
    mean.kind = .mean
    mean.axes = [2, 3]
    graph.addOutput("mean", try graph.append1(.reduce(mean), [g], origin: "mean"))
    graph.addOutput("g", g)
    return graph
  }

  /// Binary layers in blocks of channels: fused with what follows them, with a pool in between, for several readers, and into a sum.
  static func codes(batch: Int, seed: Int = 5) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "codes")
    let x = graph.addInput("x", TensorType(.float32, [batch, 3, 14, 18]))
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(tensor(&random, shape)) }
    func weights(_ shape: Shape) -> ValueID { graph.addConstant(bits(&random, shape)) }
    func factor(_ count: Int) -> ValueID { graph.addConstant(.vector(random.floats(count, 0.0005...0.002))) }
    let scale = graph.addConstant(.scalar(4.0 / 63))
    let window = Window(pads: [1, 1, 1, 1])
    func quantize(_ value: ValueID, _ origin: String) throws -> ValueID {
      try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), [value, scale], origin: origin)
    }
    func layer(_ codes: ValueID, _ from: Int, _ to: Int, _ activation: Activation, _ origin: String) throws -> ValueID {
      let sums = try graph.append1(.binaryConv(BinaryConv(window: window)), [codes, weights([to, from, 3, 3])], origin: "\(origin) sums")
      return try graph.append1(.rescale(Rescale(activation: activation)), [sums, factor(to), constant([to])], origin: origin)
    }
    var pool = Pool()
    pool.kernel = [2, 2]
    pool.window = Window(strides: [2, 2])
    let stem = try graph.append1(
      .conv(Conv(window: window, activation: .clip(0, 4))), [x, constant([20, 3, 3, 3]), constant([20])], origin: "stem")
    let q0 = try quantize(stem, "q0")
    let q1 = try quantize(try layer(q0, 20, 36, .clip(0, 4), "a"), "q1")
    let b = try layer(q1, 36, 33, .clip(0, 4), "b")
    let q2 = try quantize(try graph.append1(.pool(pool), [b], origin: "pooled"), "q2")
    let c = try layer(q2, 33, 33, .none, "c")
    let back = try graph.append1(.dequantize(AxisAttribute(axis: 1)), [q2, scale], origin: "back")
    let sum = try graph.append1(.binary(.add), [c, back], origin: "sum")
    let signed = try graph.append1(.quantize(Quantize(to: .int8, lo: -127, hi: 127)), [sum, scale], origin: "signed")
    let d = try layer(signed, 33, 48, .relu, "d")
    let e = try graph.append1(.pool(pool), [d], origin: "e")
    graph.addOutput("sums", try graph.append1(.binaryConv(BinaryConv()), [q2, weights([16, 33, 1, 1])], origin: "sums"))
    graph.addOutput("e", e)
    graph.addOutput("q1", q1)
    return graph
  }

  /// Codes, binary layers by tiles with and without a converter, several bases, and back.
  static func lowered(batch: Int, seed: Int = 2) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "lowered")
    let x = graph.addInput("x", TensorType(.float32, [batch, 3, 12, 12]))
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(tensor(&random, shape)) }
    func weights(_ shape: Shape) -> ValueID { graph.addConstant(bits(&random, shape)) }
    let scale = graph.addConstant(.scalar(1.0 / 31))
    let codes = try graph.append1(.quantize(Quantize(to: .int8, lo: -31, hi: 31)), [x, scale], origin: "codes")
    var conv = BinaryConv(window: Window(pads: [1, 1, 1, 1]))
    conv.tile = 16
    conv.readout = .adc(bits: 7, lsb: 4.5)
    let order = graph.addConstant(Tensor(.int32, [27], Array(0..<Int32(27)).shuffled(using: &random)))
    let p0 = try graph.append1(.binaryConv(conv), [codes, weights([20, 3, 3, 3]), order], origin: "p0")
    conv.readout = .exact
    let p1 = try graph.append1(.binaryConv(conv), [codes, weights([20, 3, 3, 3])], origin: "p1")
    let y0 = try graph.append1(
      .rescale(Rescale(activation: .relu)), [p0, constant([20]), p1, constant([20]), constant([20])], origin: "y0")
    let q0 = try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), [y0, scale], origin: "q0")
    var pool = Pool()
    pool.kernel = [2, 2]
    pool.window = Window(strides: [2, 2])
    let pooled = try graph.append1(.pool(pool), [q0], origin: "pooled")
    let flat = try graph.append1(.reshape(Reshape(shape: [batch, 720])), [pooled], origin: "flat")
    var dense = BinaryDense()
    dense.tile = 64
    dense.readout = .adc(bits: 6, lsb: 50)
    let p2 = try graph.append1(.binaryDense(dense), [flat, weights([10, 720])], origin: "p2")
    let y = try graph.append1(.rescale(Rescale()), [p2, constant([10]), constant([10])], origin: "y")
    let back = try graph.append1(.dequantize(AxisAttribute(axis: 1)), [flat, scale], origin: "back")
    graph.addOutput("y", y)
    graph.addOutput("back", back)
    return graph
  }

  /// Ops that only reference kernels know, and values that inputs do not change.
  static func odd(batch: Int, seed: Int = 3) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "odd")
    let x = graph.addInput("x", TensorType(.float32, [batch, 4, 6]))
    func constant(_ shape: Shape) -> ValueID { graph.addConstant(tensor(&random, shape)) }
    let turned = try graph.append1(.transpose(Transpose(order: [0, 2, 1])), [x], origin: "turned")
    let doubled = try graph.append1(.unary(.tanh), [constant([1, 6, 1])], origin: "doubled")
    let sum = try graph.append1(.binary(.sub), [doubled, turned], origin: "sum")
    let signs = try graph.append1(.binary(.greater), [sum, graph.addConstant(.scalar(0))], origin: "signs")
    let chosen = try graph.append1(.select, [signs, turned, sum], origin: "chosen")
    let narrow = try graph.append1(.cast(Cast(to: .float16)), [chosen], origin: "narrow")
    let wide = try graph.append1(.cast(Cast(to: .float32)), [narrow], origin: "wide")
    var slice = Slice()
    slice.starts = [0, 5, 0]
    slice.steps = [1, -2, 1]
    slice.extents = [batch, 3, 4]
    let sliced = try graph.append1(.slice(slice), [wide], origin: "sliced")
    var reduce = Reduce()
    reduce.kind = .mean
    reduce.axes = [1, 2]
    let mean = try graph.append1(.reduce(reduce), [sliced], origin: "mean")
    let scaled = try graph.append1(.binary(.mul), [sliced, mean], origin: "scaled")
    let shares = try graph.append1(.softmax(AxisAttribute(axis: 1)), [scaled], origin: "shares")
    graph.addOutput("shares", shares)
    let expanded = try graph.append1(.expand(Reshape(shape: [batch, 3, 4])), [mean], origin: "expanded")
    let product = try graph.append1(.matmul, [expanded, x], origin: "product")
    let line = try graph.append1(.conv(Conv(window: Window(strides: [2]))), [product, constant([5, 3, 2])], origin: "line")
    graph.addOutput("line", line)
    graph.addOutput("doubled", doubled)
    graph.addOutput("x", x)
    return graph
  }
}
