import GraphIR
import PluginAPI

/// SplitMix64: the same numbers for a seed on every machine.
package struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  package init(_ seed: Int) { state = UInt64(seed) }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  package mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  /// Numbers in -1...1.
  package mutating func floats(_ shape: Shape) -> Tensor {
    Tensor(.float32, shape, (0..<(shape.elementCount ?? 0)).map { _ in Float.random(in: -1...1, using: &self) })
  }

  package mutating func bits(_ shape: Shape) -> Tensor {
    Tensor(.bit, shape, (0..<(shape.elementCount ?? 0)).map { _ -> Int8 in Bool.random(using: &self) ? 1 : -1 })
  }
}

/// Graphs of binary layers.
package enum Networks {
  /// `x -> quantize`, with codes of `bits` bits, signed or not, reached by numbers in -1...1.
  package static func codes(_ graph: inout Graph, _ shape: Shape, bits: Int, isSigned: Bool) throws -> ValueID {
    let x = graph.addInput("x", TensorType(.float32, shape))
    let largest = (1 << (bits - 1)) - 1
    let scale = graph.addConstant(.scalar(1 / Float(largest)))
    let quantize = Quantize(to: isSigned ? .int8 : .uint8, lo: isSigned ? -largest : 0, hi: largest)
    return try graph.append1(.quantize(quantize), [x, scale], origin: "/quantize")
  }

  /// A random binary layer behind a quantize: windows, tiles with remainders, orders, readouts, all from the seed.
  package static func random(seed: Int) throws -> Graph {
    var random = Seeded(seed)
    var graph = Graph(name: "random \(seed)")
    let isSigned = random.int(0...1) == 1
    let isConv = random.int(0...3) > 0
    let axes = isConv ? random.int(1...3) : 0
    let extents = (0..<axes).map { _ in random.int(3...(axes == 3 ? 4 : 7)) }
    let channels = random.int(1...(isConv ? 9 : 300))
    let codes = try codes(&graph, Shape([Shape.free, channels] + extents), bits: random.int(2...7), isSigned: isSigned)
    let kernel = extents.map { random.int(1...min(3, $0)) }
    let weights = graph.addConstant(random.bits(Shape([random.int(1...40), channels] + kernel)))
    let inputs = channels * kernel.reduce(1, *)
    let tile = random.int(1...min(64, inputs))
    let readout: Readout = random.int(0...1) == 0 ? .exact : .adc(bits: random.int(2...7), lsb: Float(random.int(1...40)) * 0.37)
    var operands = [codes, weights]
    if random.int(0...1) == 1 { operands.append(graph.addConstant(.integers(.int32, [inputs], (0..<inputs).shuffled(using: &random)))) }
    let op: Op
    if isConv {
      var a = BinaryConv(
        window: Window(
          strides: extents.map { _ in random.int(1...2) }, pads: (0..<2 * axes).map { _ in random.int(0...2) },
          dilations: kernel.map { $0 > 2 ? 1 : random.int(1...2) }))
      a.tile = tile
      a.readout = readout
      op = .binaryConv(a)
    } else {
      var a = BinaryDense()
      a.tile = tile
      a.readout = readout
      op = .binaryDense(a)
    }
    graph.addOutput("y", try graph.append1(op, operands, origin: "/layer"))
    return graph
  }

  /// LeNet-5 with the textbook's shapes (chip.md section 5): only its binary layers, with pooling between.
  package static func textbookLeNet(batch: Int = Shape.free) throws -> Graph {
    var random = Seeded(5)
    var graph = Graph(name: "textbook LeNet-5")
    var x = try codes(&graph, [batch, 1, 32, 32], bits: 7, isSigned: false)
    func layer(_ name: String, _ weights: Shape, tile: Int) throws {
      let w = graph.addConstant(random.bits(weights))
      let sums: ValueID
      if weights.rank == 2 {
        var a = BinaryDense()
        a.tile = tile
        sums = try graph.append1(.binaryDense(a), [x, w], origin: name)
      } else {
        var a = BinaryConv(window: Window())
        a.tile = tile
        sums = try graph.append1(.binaryConv(a), [x, w], origin: name)
      }
      let m = graph.addConstant(.vector([Float](repeating: 0.001, count: weights[0])))
      let c = graph.addConstant(.vector([Float](repeating: 0.01, count: weights[0])))
      x = try graph.append1(.rescale(Rescale(activation: .relu)), [sums, m, c], origin: "\(name)/scale")
    }
    func pool(_ name: String) throws {
      var a = Pool()
      (a.kernel, a.window.strides) = ([2, 2], [2, 2])
      x = try graph.append1(.pool(a), [x], origin: name)
    }
    func quantize(_ name: String) throws {
      let scale = graph.addConstant(.scalar(0.01))
      x = try graph.append1(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), [x, scale], origin: name)
    }
    try layer("C1", [6, 1, 5, 5], tile: 25)
    try pool("S2")
    try quantize("Q2")
    try layer("C3", [16, 6, 5, 5], tile: 50)
    try pool("S4")
    try quantize("Q4")
    x = try graph.append1(.reshape(Reshape(shape: [batch, 400])), [x], origin: "flatten")
    try layer("F5", [120, 400], tile: 64)
    try quantize("Q5")
    try layer("F6", [84, 120], tile: 64)
    graph.addOutput("y", x)
    return graph
  }
}

extension Networks {
  /// Three dense layers of 4, 8 and 10 row slots: the last does not fit beside the others, and leaves the first alone.
  package static func streamedLast() throws -> Graph {
    var random = Seeded(6)
    var graph = Graph(name: "streamed last")
    var x = try codes(&graph, [Shape.free, 256], bits: 7, isSigned: true)
    for (name, shape) in [("A", [16, 256]), ("B", [128, 16]), ("C", [80, 128])] {
      var a = BinaryDense()
      a.tile = min(64, shape[1])
      let sums = try graph.append1(.binaryDense(a), [x, graph.addConstant(random.bits(Shape(shape)))], origin: name)
      let m = graph.addConstant(.vector([Float](repeating: 0.003, count: shape[0])))
      let c = graph.addConstant(random.floats([shape[0]]))
      let y = try graph.append1(.rescale(Rescale()), [sums, m, c], origin: "\(name)/scale")
      let scale = graph.addConstant(.scalar(0.05))
      x = try graph.append1(.quantize(Quantize(to: .int8, lo: -63, hi: 63)), [y, scale], origin: "\(name)/quantize")
    }
    graph.addOutput("y", x)
    return graph
  }
}

/// Options of a backend.
package func options(_ backend: some Backend, _ given: [(key: String, value: String)] = []) throws -> Options {
  try Options(given, for: backend.name, specs: backend.options)
}

/// A table as text, a row a line.
package func text(_ table: Table) -> String {
  let rows = table.rows.map { row in
    row.map { cell -> String in
      switch cell {
      case .text(let text): text
      case .int(let int): "\(int)"
      case .number(let number, let digits): fixed(number, digits)
      case .none: "-"
      }
    }.joined(separator: " | ")
  }
  return ([table.title, table.columns.joined(separator: " | ")] + rows + table.notes).joined(separator: "\n")
}

private func fixed(_ number: Double, _ digits: Int) -> String {
  let scale = (0..<digits).reduce(1) { product, _ in product * 10 }
  let scaled = Int((number * Double(scale)).rounded())
  let fraction = String(scaled % scale)
  return digits == 0 ? "\(scaled)" : "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}
