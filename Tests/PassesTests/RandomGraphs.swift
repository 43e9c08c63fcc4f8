import GraphIR

/// Numbers from a seed, the same everywhere (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: Int) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// An element of a list.
  mutating func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &self)] }

  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -2...2) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }

  /// f32 numbers in a shape.
  mutating func tensor(_ shape: Shape, _ range: ClosedRange<Float> = -2...2) -> Tensor {
    Tensor(.float32, shape, floats(shape.elementCount ?? 0, range))
  }

  /// ±1 in a shape.
  mutating func bits(_ shape: Shape) -> Tensor {
    Tensor(.bit, shape, (0..<(shape.elementCount ?? 0)).map { _ in Bool.random(using: &self) ? 1 : -1 } as [Int8])
  }
}

/// A random graph over one input of `f32[?x2x4x4]`, rich in what the canonical passes look for.
func randomGraph(seed: Int, nodes: Int) throws -> Graph {
  var random = Seeded(seed)
  var graph = Graph(name: "seed \(seed)")
  var pool = [graph.addInput("x", TensorType(.float32, [Shape.free, 2, 4, 4]))]
  for step in 0..<nodes {
    let x = Bool.random(using: &random) ? pool[pool.count - 1] : random.pick(pool)
    pool.append(try randomStep(on: x, random.pick(pool), origin: "step \(step)", &graph, &random))
  }
  graph.addOutput("last", pool[pool.count - 1])
  graph.addOutput("any", random.pick(pool))
  return graph
}

/// A value of the shape of `x`, computed from it.
private func randomStep(on x: ValueID, _ other: ValueID, origin: String, _ graph: inout Graph, _ random: inout Seeded) throws -> ValueID {
  func one(_ op: Op, _ operands: [ValueID]) throws -> ValueID { try graph.append1(op, operands, origin: origin) }
  switch Int.random(in: 0..<12, using: &random) {
  case 0: return try one(.unary(random.pick([.relu, .relu, .sigmoid, .neg])), [x])
  case 1:
    let lo = random.pick([-Float.infinity, -1, -0.0, 0, 0.5])
    return try one(.clip(Clip(lo: lo, hi: random.pick([0.5, 1, 6, .infinity]))), [x])
  case 2, 3:
    let shape = random.pick([[], [1], [2, 1, 1], [1, 2, 1, 1]] as [Shape])
    let numbers = (0..<(shape.elementCount ?? 0)).map { _ in random.pick([0, -0.0, 1, 1, 2, 0.3] as [Float]) }
    let constant = graph.addConstant(Tensor(.float32, shape, numbers))
    let operands = Bool.random(using: &random) ? [x, constant] : [constant, x]
    return try one(.binary(random.pick([.mul, .add, .sub, .div])), operands)
  case 4: return try one(.reshape(Reshape(shape: [Shape.free, 2, 4, 4])), [one(.reshape(Reshape(shape: [Shape.free, 32])), [x])])
  case 5: return try one(.transpose(Transpose(order: random.pick([[0, 1, 2, 3], [0, 1, 3, 2]]))), [x])
  case 6:
    var slice = Slice()
    (slice.starts, slice.steps, slice.extents) = ([0, 0, 0, 0], [1, 1, 1, 1], [Shape.free, 2, 4, 4])
    return try one(.slice(slice), [x])
  case 7:
    var a = Pool()
    let size = random.pick([1, 3])
    (a.kernel, a.window) = ([size, size], Window(pads: size == 3 ? [1, 1, 1, 1] : []))
    return try one(.pool(a), [x])
  case 8, 9:
    let weights = graph.addConstant(random.tensor([2, 2, 1, 1]))
    let bias = graph.addConstant(random.tensor([2]))
    return try one(.conv(Conv()), Bool.random(using: &random) ? [x, weights, bias] : [x, weights])
  case 10:
    let scale = graph.addConstant(.scalar(random.pick([0.25, 0.1])))
    let zero = graph.addConstant(Tensor(.uint8, [], [random.pick([0, 0, 5])] as [UInt8]))
    let codes = try one(.quantize(Quantize(to: .uint8, lo: 0, hi: random.pick([63, 255]))), [x, scale, zero])
    return try one(.dequantize(AxisAttribute()), [codes, scale, zero])
  default: return try one(.binary(random.pick([.add, .max])), [x, other])
  }
}
