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

  /// Binary layers in blocks of channels with converters behind their tiles: ways to cut, read and order, codes of both signs and of more bits.
  static func read(batch: Int, seed: Int = 14) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "read")
    let x = graph.addInput("x", TensorType(.float32, [batch, 20, 9, 13]))
    let scale = graph.addConstant(.scalar(1.0 / 31))
    let window = Window(pads: [1, 1, 1, 1])
    func quantize(_ value: ValueID, _ range: ClosedRange<Int>, _ origin: String) throws -> ValueID {
      let to: DataType = range.lowerBound < 0 ? .int8 : .uint8
      return try graph.append1(
        .quantize(Quantize(to: to, lo: range.lowerBound, hi: range.upperBound)), [value, scale], origin: origin)
    }
    func layer(
      _ codes: ValueID, _ from: Int, _ to: Int, tile: Int, _ readout: Readout, ordered: Bool = false, _ origin: String
    ) throws -> ValueID {
      var a = BinaryConv(window: window)
      (a.tile, a.readout) = (tile, readout)
      var operands = [codes, graph.addConstant(bits(&random, [to, from, 3, 3]))]
      if ordered {
        operands.append(graph.addConstant(Tensor(.int32, [9 * from], Array(0..<Int32(9 * from)).shuffled(using: &random))))
      }
      let sums = try graph.append1(.binaryConv(a), operands, origin: "\(origin) sums")
      let (m, c) = (graph.addConstant(.vector(random.floats(to, 0.01...0.02))), graph.addConstant(.vector(random.floats(to))))
      return try graph.append1(.rescale(Rescale(activation: .clip(0, 4))), [sums, m, c], origin: origin)
    }
    var pool = Pool()
    pool.kernel = [2, 2]
    pool.window = Window(strides: [2, 2])
    let signed = try quantize(x, -31...31, "signed")
    let a = try quantize(try layer(signed, 20, 36, tile: 64, .adc(bits: 7, lsb: 12.5), "a"), 0...63, "a codes")
    let b = try layer(a, 36, 50, tile: 50, .adc(bits: 5, lsb: 50), ordered: true, "b")
    let c = try quantize(try graph.append1(.pool(pool), [b], origin: "pooled"), 0...63, "c codes")
    let d = try quantize(try layer(c, 50, 33, tile: 200, .adc(bits: 1, lsb: 9), "d"), 0...255, "d codes")
    let e = try quantize(try layer(d, 33, 48, tile: 64, .adc(bits: 7, lsb: 63), "e"), 0...63, "e codes")
    let f = try layer(e, 48, 40, tile: 64, .adc(bits: 7, lsb: 64), "f")
    for (name, value) in [("a", a), ("c", c), ("d", d), ("e", e), ("f", f)] { graph.addOutput(name, value) }
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

  /// Layers between dequantize and quantize that may run on codes: all kinds, signed codes and zero points, a residual sum, and what may not.
  /// Every value of codes is an output.
  static func quantized(batch: Int, seed: Int = 6) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "quantized")
    let x = graph.addInput("x", TensorType(.float32, [batch, 3, 31, 34]))
    typealias Coded = (codes: ValueID, parameters: [ValueID])
    func parameters(_ scale: Float, _ zero: Int, _ to: DataType) -> [ValueID] {
      let zeros = to == .int8 ? Tensor(.int8, [], [Int8(zero)]) : Tensor(.uint8, [], [UInt8(zero)])
      return [graph.addConstant(.scalar(scale))] + (zero == 0 ? [] : [graph.addConstant(zeros)])
    }
    func quantize(_ value: ValueID, _ scale: Float, _ zero: Int, _ to: DataType, _ origin: String) throws -> Coded {
      let parameters = parameters(scale, zero, to)
      let quantize = Quantize(to: to, lo: to == .int8 ? -128 : 0, hi: to == .int8 ? 127 : 255)
      let codes = try graph.append1(.quantize(quantize), [value] + parameters, origin: origin)
      graph.addOutput(origin, codes)
      return (codes, parameters)
    }
    func number(_ x: Coded) throws -> ValueID {
      try graph.append1(.dequantize(AxisAttribute(axis: 0)), [x.codes] + x.parameters, origin: "back")
    }
    func weights(_ dimensions: [Int], lifted: Bool = false) throws -> ValueID {
      let shape = Shape(dimensions)
      let codes = generatedWeights(&random, shape, lifted: lifted)
      let scales = graph.addConstant(.vector(random.floats(dimensions[0], 0.001...0.003)))
      let zeros = lifted ? [graph.addConstant(Tensor(.uint8, [dimensions[0]], [UInt8](repeating: 128, count: dimensions[0])))] : []
      return try graph.append1(.dequantize(AxisAttribute(axis: 0)), [graph.addConstant(codes), scales] + zeros, origin: "w")
    }
    func bias(_ count: Int) throws -> ValueID {
      let codes = graph.addConstant(Tensor(.int32, [count], (0..<count).map { _ in Int32(random.int(-900...900)) }))
      return try graph.append1(.dequantize(AxisAttribute(axis: 0)), [codes, graph.addConstant(.scalar(0.0007))], origin: "bias")
    }
    let window = Window(pads: [1, 1, 1, 1])
    let stem = try quantize(x, 0.0079, 127, .uint8, "stem")
    let a = try quantize(
      try graph.append1(
        .conv(Conv(window: Window(strides: [2, 1], pads: [1, 1, 1, 1]), activation: .relu)),
        [number(stem), weights([20, 3, 3, 3]), bias(20)], origin: "a"), 0.0031, 0, .uint8, "a")
    var pool = Pool()
    pool.kernel = [3, 3]
    pool.window = window
    let pooled: Coded = (try graph.append1(.pool(pool), [a.codes], origin: "pooled"), a.parameters)
    let linear = try graph.append1(.conv(Conv(window: window)), [number(pooled), weights([36, 20, 3, 3], lifted: true)], origin: "b")
    let clipped = try graph.append1(.clip(Clip(lo: -0.5, hi: 1.5)), [linear], origin: "clipped")
    let b = try quantize(clipped, 0.0081, -20, .int8, "b")
    let c = try quantize(
      try graph.append1(.conv(Conv(window: window, groups: 36)), [number(b), weights([36, 1, 3, 3]), bias(36)], origin: "c"), 0.0011, 100,
      .uint8, "c")
    let d = try quantize(
      try graph.append1(.conv(Conv()), [number(c), weights([36, 36, 1, 1]), bias(36)], origin: "d"), 0.0011, 131, .uint8, "d")
    let sum = try graph.append1(.binary(.add), [number(d), number(b)], origin: "sum")
    let e = try quantize(try graph.append1(.unary(.relu), [sum], origin: "relu"), 0.0061, -128, .int8, "e")
    let f = try quantize(
      try graph.append1(.conv(Conv(window: window, activation: .clip(0, 2))), [number(e), weights([48, 36, 3, 3])], origin: "f"), 0.0079,
      0, .uint8, "f")
    // Two groups stay in floating point, and so does a layer whose numbers are read elsewhere.
    let grouped = try quantize(
      try graph.append1(.conv(Conv(window: Window(), groups: 2)), [number(f), weights([32, 24, 1, 1])], origin: "grouped"), 0.01, 9, .uint8,
      "grouped")
    let open = try graph.append1(.conv(Conv()), [number(f), weights([32, 48, 1, 1])], origin: "open")
    graph.addOutput("open", open)
    let g = try quantize(try graph.append1(.binary(.add), [open, number(grouped)], origin: "g sum"), 0.02, 0, .int8, "g")
    var reduce = Reduce()
    reduce.kind = .mean
    reduce.axes = [2, 3]
    let mean = try quantize(try graph.append1(.reduce(reduce), [number(f)], origin: "mean"), 0.003, 5, .uint8, "mean")
    let flat: Coded = (try graph.append1(.reshape(Reshape(shape: [batch, 48])), [mean.codes], origin: "flat"), mean.parameters)
    let h = try quantize(
      try graph.append1(.dense(Dense(activation: .relu)), [number(flat), weights([21, 48]), bias(21)], origin: "h"), 0.002, 0, .uint8, "h")
    graph.addOutput("numbers", try number(h))
    graph.addOutput("g numbers", try number(g))
    return graph
  }

  /// Integer layers that give sums, with codes and zero points found while running or known: as `DynamicQuantizeLinear`, `ConvInteger` and
  /// `MatMulInteger` are imported. The batch is not free.
  static func dynamic(batch: Int, seed: Int = 16) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "dynamic")
    let x = graph.addInput("x", TensorType(.float32, [batch, 18, 9, 11]))
    let (nothing, many) = (graph.addConstant(.scalar(0)), graph.addConstant(.scalar(255)))
    func wide(_ shape: Shape, _ range: ClosedRange<Int> = -127...127) -> ValueID {
      graph.addConstant(Tensor(.float64, shape, (0..<(shape.elementCount ?? 0)).map { _ in Double(random.int(range)) }))
    }
    func extreme(_ x: ValueID, _ kind: Reduce.Kind, _ rank: Int) throws -> ValueID {
      var reduce = Reduce()
      (reduce.kind, reduce.axes, reduce.keepAxes) = (kind, Array(0..<rank), false)
      let value = try graph.append1(.reduce(reduce), [x], origin: "extreme")
      return try graph.append1(.binary(kind == .max ? .max : .min), [value, nothing], origin: "extreme")
    }
    func quantize(_ x: ValueID, _ rank: Int) throws -> (codes: ValueID, scale: ValueID, zero: ValueID) {
      let (top, bottom) = (try extreme(x, .max, rank), try extreme(x, .min, rank))
      let span = try graph.append1(.binary(.sub), [top, bottom], origin: "span")
      let scale = try graph.append1(.binary(.div), [span, many], origin: "scale")
      let down = try graph.append1(.binary(.sub), [nothing, bottom], origin: "down")
      let offset = try graph.append1(.binary(.div), [down, scale], origin: "offset")
      let rounded = try graph.append1(.unary(.round), [offset], origin: "rounded")
      let zero = try graph.append1(.cast(Cast(to: .uint8)), [rounded], origin: "zero")
      let codes = try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 255)), [x, scale, zero], origin: "codes")
      return (codes, scale, zero)
    }
    func centered(_ codes: ValueID, _ zero: ValueID) throws -> ValueID {
      let wide = try graph.append1(.cast(Cast(to: .float64)), [codes], origin: "wide")
      let other = try graph.append1(.cast(Cast(to: .float64)), [zero], origin: "wide zero")
      return try graph.append1(.binary(.sub), [wide, other], origin: "centered")
    }
    func sums(_ op: Op, _ x: ValueID, _ weights: ValueID, _ origin: String) throws -> ValueID {
      try graph.append1(.cast(Cast(to: .int32)), [graph.append1(op, [x, weights], origin: origin)], origin: origin)
    }
    func numbers(_ sums: ValueID, _ scale: ValueID, _ scales: Tensor, _ bias: Shape?, _ origin: String) throws -> ValueID {
      let factor = try graph.append1(.binary(.mul), [scale, graph.addConstant(scales)], origin: "\(origin) factor")
      let narrow = try graph.append1(.cast(Cast(to: .float32)), [sums], origin: origin)
      let scaled = try graph.append1(.binary(.mul), [narrow, factor], origin: origin)
      guard let bias else { return scaled }
      return try graph.append1(.binary(.add), [scaled, graph.addConstant(tensor(&random, bias))], origin: origin)
    }
    let window = Conv(window: Window(strides: [2, 1], pads: [1, 1, 1, 1]))
    let first = try quantize(x, 4)
    let a = try numbers(
      sums(.conv(window), centered(first.codes, first.zero), wide([36, 18, 3, 3]), "a"), first.scale, .scalar(0.01), [36, 1, 1], "a")
    let second = try quantize(try graph.append1(.unary(.relu), [a], origin: "relu"), 4)
    graph.addOutput("conv sums", try sums(.conv(Conv()), centered(second.codes, second.zero), wide([20, 36, 1, 1]), "b"))
    // Three products read the same numbers; the last is read twice.
    let flat = try centered(try graph.append1(.reshape(Reshape(shape: [batch, 36, 55])), [second.codes], origin: "flat"), second.zero)
    let scales = Tensor(.float32, [40], random.floats(40, 0.001...0.01))
    graph.addOutput("q", try numbers(sums(.matmul, flat, wide([55, 40]), "q"), second.scale, scales, [40], "q"))
    graph.addOutput("k", try numbers(sums(.matmul, flat, wide([55, 17]), "k"), second.scale, .scalar(0.01), nil, "k"))
    let v = try sums(.matmul, flat, wide([55, 33]), "v")
    graph.addOutput("v", try numbers(v, second.scale, .scalar(0.01), [33], "v"))
    graph.addOutput("v sums", v)
    // Known zero points; weights beyond i8, and a layer whose numbers are an output, are left.
    let signed = try graph.append1(
      .quantize(Quantize(to: .int8, lo: -128, hi: 127)), [x, graph.addConstant(.scalar(0.0079))], origin: "signed")
    let less = try graph.append1(
      .binary(.sub),
      [try graph.append1(.cast(Cast(to: .float64)), [signed], origin: "wide"), graph.addConstant(Tensor(.float64, [], [-7.0]))],
      origin: "less")
    graph.addOutput("known", try sums(.conv(window), less, wide([5, 18, 3, 3]), "known"))
    graph.addOutput("wide weights", try sums(.conv(window), less, wide([5, 18, 3, 3], -255...255), "wide weights"))
    return graph
  }

  /// Layers of whole numbers in f64, as the operators of integer arithmetic are imported. Every value of codes is an output.
  static func whole(batch: Int, seed: Int = 10) throws -> Graph {
    var random = Generator(seed)
    var graph = Graph(name: "whole")
    let x = graph.addInput("x", TensorType(.float32, [batch, 3, 12, 14]))
    let one = graph.addConstant(.scalar(1))
    func zero(_ code: Int, _ type: DataType) -> ValueID {
      graph.addConstant(type == .int8 ? Tensor(.int8, [], [Int8(code)]) : Tensor(.uint8, [], [UInt8(code)]))
    }
    func wide(_ shape: Shape, _ range: ClosedRange<Int>) -> ValueID {
      graph.addConstant(Tensor(.float64, shape, (0..<(shape.elementCount ?? 0)).map { _ in Double(random.int(range)) }))
    }
    func centered(_ codes: ValueID, less zero: Double?) throws -> ValueID {
      let wide = try graph.append1(.cast(Cast(to: .float64)), [codes], origin: "wide")
      guard let zero else { return wide }
      return try graph.append1(.binary(.sub), [wide, graph.addConstant(Tensor(.float64, [], [zero]))], origin: "centered")
    }
    func codes(_ sums: ValueID, _ factors: Shape, _ to: DataType, _ code: Int, _ origin: String) throws -> ValueID {
      let numbers = try graph.append1(.cast(Cast(to: .float32)), [sums], origin: origin)
      let factor = graph.addConstant(Tensor(.float32, factors, random.floats(factors.elementCount ?? 1, 0.00005...0.0003)))
      let scaled = try graph.append1(.binary(.mul), [numbers, factor], origin: origin)
      let quantize = Quantize(to: to, lo: to == .int8 ? -128 : 0, hi: to == .int8 ? 127 : 255)
      let codes = try graph.append1(.quantize(quantize), [scaled, one, zero(code, to)], origin: origin)
      graph.addOutput(origin, codes)
      return codes
    }
    let first = try graph.append1(
      .quantize(Quantize(to: .uint8, lo: 0, hi: 255)), [x, graph.addConstant(.scalar(0.0079)), zero(127, .uint8)], origin: "first")
    let window = Window(pads: [1, 1, 1, 1])
    let a = try codes(
      try graph.append1(
        .conv(Conv(window: window)), [centered(first, less: 127), wide([20, 3, 3, 3], -127...127), wide([20], -9999...9999)],
        origin: "a"), [20, 1, 1], .uint8, 0, "a")
    // Two layers read the same numbers.
    let numbers = try centered(a, less: nil)
    let b = try codes(
      try graph.append1(.conv(Conv(window: window)), [numbers, wide([32, 20, 3, 3], -127...127)], origin: "b"), [], .int8, -7, "b")
    _ = try codes(
      try graph.append1(.conv(Conv(window: Window(strides: [2, 2]))), [numbers, wide([17, 20, 1, 1], -127...127)], origin: "c"),
      [17, 1, 1],
      .uint8, 120, "c")
    let flat = try graph.append1(.reshape(Reshape(shape: [batch, 32 * 12 * 14])), [b], origin: "flat")
    let sums = try graph.append1(.dense(Dense()), [centered(flat, less: -7), wide([10, 32 * 12 * 14], -20...20)], origin: "d")
    let biased = try graph.append1(.binary(.add), [sums, wide([10], -99999...99999)], origin: "biased")
    _ = try codes(biased, [10], .uint8, 100, "d")
    // Sums as such, and numbers of them.
    let whole = try graph.append1(
      .conv(Conv(window: window)), [centered(first, less: 127), wide([7, 3, 3, 3], -128...127)], origin: "sums")
    graph.addOutput("sums", try graph.append1(.cast(Cast(to: .int32)), [whole], origin: "sums"))
    let rows = try graph.append1(.reshape(Reshape(shape: [batch, 3, 12 * 14])), [first], origin: "rows")
    let product = try graph.append1(.matmul, [centered(rows, less: nil), wide([12 * 14, 21], -128...127)], origin: "product")
    let products = try graph.append1(.cast(Cast(to: .int32)), [product], origin: "product")
    let factor = graph.addConstant(Tensor(.float32, [21], random.floats(21)))
    let scaled = try graph.append1(
      .binary(.mul), [graph.append1(.cast(Cast(to: .float32)), [products], origin: "numbers"), factor], origin: "numbers")
    graph.addOutput("numbers", scaled)
    return graph
  }

  private static func generatedWeights(_ random: inout Generator, _ shape: Shape, lifted: Bool) -> Tensor {
    let codes = (0..<(shape.elementCount ?? 0)).map { _ in random.int(-127...127) }
    return lifted ? Tensor(.uint8, shape, codes.map { UInt8($0 + 128) }) : Tensor(.int8, shape, codes.map { Int8($0) })
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
