import GraphIR
import PluginAPI
import Testing

/// The road of a binary layer: quantize, lower-binary, tile, readout.
@Suite struct LoweringTests {
  /// A padded convolution and a dense layer on codes, with one or two bases; scales are powers of 2 so that every way to compute it is exact.
  private func network(bases: Int, seed: Int, zeros: (Int, Int) = (0, 0)) throws -> Graph {
    var random = Seeded(seed)
    var graph = Graph(name: "net")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 3, 5, 5]))
    let scale = graph.addConstant(.scalar(0.125))
    func codes(_ value: ValueID, _ a: Quantize, zero: Int) throws -> ValueID {
      let rest = zero == 0 ? [scale] : [scale, graph.addConstant(.integers(a.to, [], [zero]))]
      let q = try graph.append1(.quantize(a), [value] + rest, origin: "codes")
      return try graph.append1(.dequantize(AxisAttribute()), [q] + rest, origin: "codes")
    }
    func weights(_ shape: Shape) throws -> ValueID {
      let parts = try (0..<bases).map { _ in
        let bits = graph.addConstant(random.bits(shape))
        let alpha = graph.addConstant(.vector((0..<shape[0]).map { _ in random.pick([0.5, 0.25]) }))
        return try graph.append1(.dequantize(AxisAttribute()), [bits, alpha], origin: "weights")
      }
      return try parts.dropFirst().reduce(parts[0]) { try graph.append1(.binary(.add), [$0, $1], origin: "weights") }
    }
    let input = try codes(x, Quantize(to: .int8, lo: -63, hi: 63), zero: zeros.0)
    let bias = graph.addConstant(.vector([0.5, -1, 2, 0]))
    let window = Window(strides: [2, 1], pads: [1, 0, 1, 2])
    let conv = try graph.append1(.conv(Conv(window: window, activation: .relu)), [input, weights([4, 3, 3, 3]), bias], origin: "conv")
    let flat = try graph.append1(
      .reshape(Reshape(shape: [Shape.free, 60])), [codes(conv, Quantize(to: .uint8, lo: 0, hi: 63), zero: zeros.1)], origin: "flatten")
    graph.addOutput("y", try graph.append1(.dense(Dense()), [flat, weights([6, 60])], origin: "dense"))
    return graph
  }

  @Test(arguments: [1, 2, 3])
  func loweringAndTilingKeepTheSums(_ bases: Int) throws {
    for seed in 0..<20 {
      let graph = try network(bases: bases, seed: seed)
      var random = Seeded(seed)
      let inputs = [random.tensor([3, 3, 5, 5], -9...9)]
      let lowered = try run("canonicalize, lower-binary, tile{columns=16}", on: graph).graph
      #expect(try outputs(of: graph, inputs) == outputs(of: lowered, inputs), "seed \(seed)")
      #expect(!lowered.nodes.contains { [.dequantize(AxisAttribute()), .dense(Dense())].contains($0.op) }, "seed \(seed)")
    }
  }

  /// What codes with a zero point make too much of is taken off, at the edges of a padded convolution too.
  @Test(arguments: [1, 2], [(-7, 5), (63, 0), (0, 63), (-63, 1)])
  func zeroPointsAreTakenOff(_ bases: Int, _ zeros: (Int, Int)) throws {
    for seed in 0..<5 {
      let graph = try network(bases: bases, seed: seed, zeros: zeros)
      var random = Seeded(seed)
      let inputs = [random.tensor([3, 3, 5, 5], -9...9)]
      let lowered = try run("canonicalize, lower-binary, tile{columns=16}", on: graph).graph
      #expect(try outputs(of: graph, inputs) == outputs(of: lowered, inputs), "seed \(seed)")
      #expect(!lowered.nodes.contains { [.dequantize(AxisAttribute()), .dense(Dense())].contains($0.op) }, "seed \(seed)")
    }
  }

  /// Layers whose codes the target does not take run on the host, which reads sums as they are.
  @Test func layersOnTheHostHaveNoConverter() throws {
    let graph = try network(bases: 1, seed: 3)
    var narrow = chip
    for (codes, read) in [(-63...63, 2), (0...63, 1), (-31...31, 0)] {
      narrow.codes = codes
      let outcome = try run("canonicalize, lower-binary, tile, readout", on: graph, target: narrow)
      let adcs = outcome.graph.nodes.count { "\($0.op)".contains("adc") }
      #expect(adcs == read && outcome.notes.count { $0.contains("read exactly by the host") } == 2 - read, "\(codes)")
    }
  }

  @Test(arguments: [(25, 25), (150, 50), (256, 64), (120, 60), (84, 42), (400, 58), (64, 64), (65, 33)])
  func tilesAreEven(_ inputs: Int, _ tile: Int) throws {
    let graph = try sums(of: Tensor(.bit, [1, inputs], [Int8](repeating: 1, count: inputs)))
    guard case .binaryDense(let a) = try run("tile", on: graph).graph.nodes[0].op else { return #expect(Bool(false), "no binary layer") }
    #expect(a.tile == tile)
  }

  /// A dense layer of u8 codes, and its rescale by 1.
  private func sums(of bits: Tensor) throws -> Graph {
    var graph = Graph(name: "sums")
    let q = graph.addInput("q", TensorType(.uint8, [Shape.free, bits.shape[1]]))
    let p = try graph.append1(.binaryDense(BinaryDense()), [q, graph.addConstant(bits)], origin: "dense")
    let ones = graph.addConstant(.vector(Array(repeating: 1, count: bits.shape[0])))
    let zeros = graph.addConstant(.vector(Array(repeating: 0, count: bits.shape[0])))
    graph.addOutput("y", try graph.append1(.rescale(Rescale()), [p, ones, zeros], origin: "dense"))
    return graph
  }

  private func lsb(_ graph: Graph) -> Float? {
    for node in graph.nodes {
      if case .binaryDense(let a) = node.op, case .adc(_, let lsb, _) = a.readout { return lsb }
      if case .binaryConv(let a) = node.op, case .adc(_, let lsb, _) = a.readout { return lsb }
    }
    return nil
  }

  @Test func calibratedReadoutSeesTheLargestTileSum() throws {
    var random = Seeded(3)
    let bits = random.bits([4, 20])
    let batches = (0..<3).map { _ in [Tensor(.uint8, [2, 20], (0..<40).map { _ in UInt8.random(in: 0...63, using: &random) })] }
    var largest = 0
    for batch in batches {
      for sample in 0..<2 {
        for filter in 0..<4 {
          for first in stride(from: 0, to: 20, by: 7) {
            let sum = (first..<min(first + 7, 20)).reduce(0.0) {
              $0 + batch[0].double(at: sample * 20 + $1) * bits.double(at: filter * 20 + $1)
            }
            largest = max(largest, Int(sum.magnitude))
          }
        }
      }
    }
    let outcome = try run("tile{columns=7}, readout{scale=calibrated,bits=5,range=max}", on: sums(of: bits), calibration: batches)
    #expect(lsb(outcome.graph) == Float(Double(largest) / 15))
    #expect(outcome.graph.nodes.last.map { outcome.graph.constant($0.operands[1])?.floats[0] } == Float(Double(largest) / 15))
    let some = try run("tile{columns=7}, readout{scale=calibrated,bits=5,percentile=50}", on: sums(of: bits), calibration: batches)
    #expect(lsb(some.graph).map { $0 < Float(largest) / 15 } == true)
  }

  /// Bit by bit: the largest sum of any one bit meets the largest code, and a bit drives a column as the largest code does.
  @Test func calibratedReadoutSeesSingleBits() throws {
    var random = Seeded(4)
    let bits = random.bits([4, 20])
    let codes = (0..<40).map { _ in UInt8.random(in: 0...40, using: &random) }
    var largest = 0
    for (sample, filter, first) in (0..<2).flatMap({ s in (0..<4).flatMap { f in stride(from: 0, to: 20, by: 7).map { (s, f, $0) } } }) {
      for bit in 0..<8 {
        let sum = (first..<min(first + 7, 20)).reduce(0.0) {
          $0 + Double(codes[sample * 20 + $1] >> bit & 1) * bits.double(at: filter * 20 + $1)
        }
        largest = max(largest, Int(sum.magnitude))
      }
    }
    let batch = [Tensor(.uint8, [2, 20], codes)]
    var serial = chip
    serial.isBitSerial = true
    func step(_ options: String) throws -> Float? {
      lsb(try run("tile{columns=7}, readout{scale=calibrated,\(options)}", on: sums(of: bits), target: serial, calibration: [batch]).graph)
    }
    #expect(try step("bits=2,range=max") == 63 * Float(largest))
    #expect(try step("bits=3,range=max") == Float(63 * (Double(largest) / 3)))
    // Sums of single bits are whole: no step is finer.
    #expect(try step("bits=7,range=max") == 63 && step("bits=7") == 63)
  }

  @Test func calibratedReadoutSeesPaddedConvolutions() throws {
    for seed in 0..<10 {
      let graph = try network(bases: 1, seed: seed)
      let lowered = try run("canonicalize, lower-binary, tile", on: graph).graph
      var random = Seeded(seed)
      let batch = [random.tensor([5, 3, 5, 5], -9...9)]
      // 27 inputs are one tile, so the largest sum is the largest value.
      var visible = Graph(name: "sums")
      visible = try lowered.rewritten { _, _, _ in nil }
      let sums = lowered.valueIDs.first {
        lowered.producer(of: $0).map { if case .binaryConv = lowered[$0].op { true } else { false } } ?? false
      }
      visible.addOutput("sums", try #require(sums))
      let largest = try outputs(of: visible, batch)[1].doubles.map(\.magnitude).max() ?? 0
      let read = try run("readout{scale=calibrated,bits=4,range=max}", on: lowered, calibration: [batch]).graph
      #expect(lsb(read) == Float(max(1, largest / 7)), "seed \(seed)")
    }
  }

  @Test func aReadoutOfManyBitsChangesNothing() throws {
    let graph = try network(bases: 2, seed: 1)
    var random = Seeded(1)
    let inputs = [random.tensor([3, 3, 5, 5], -9...9)]
    let lowered = try run("canonicalize, lower-binary, tile{columns=16}", on: graph).graph
    // With more codes than sums the lsb is 1, and every sum is read as it is.
    let read = try run("readout{scale=calibrated,bits=16,range=max}", on: lowered, calibration: [inputs]).graph
    #expect(lsb(read) == 1)
    #expect(try outputs(of: lowered, inputs) == outputs(of: read, inputs))
  }

  /// A comparator's code is worth the mean magnitude of the sums: 1, 3, 1 and 7 here.
  @Test func comparatorsAreWorthTheMean() throws {
    let graph = try sums(of: Tensor(.bit, [4, 3], [1, -1, 1, 1, 1, 1, -1, 1, 1, -1, -1, -1] as [Int8]))
    let batch = [Tensor(.uint8, [1, 3], [3, 1, 1] as [UInt8])]
    #expect(try outputs(of: graph, batch)[0].floats == [3, 5, -1, -5])
    let outcome = try run("tile, readout{scale=calibrated,bits=1}", on: graph, calibration: [batch])
    #expect(lsb(outcome.graph) == 3.5)
    #expect(try outputs(of: outcome.graph, batch)[0].floats == [3.5, 3.5, -3.5, -3.5])
    // On the chip itself a sign stands for the full scale.
    let own = try run("tile, readout{bits=1}", on: graph).graph
    #expect(lsb(own) == 189)
    // 0 counts as not below 0.
    let even = try run("tile{columns=2}, readout{bits=1}", on: graph).graph
    #expect(try outputs(of: even, [Tensor(.uint8, [1, 3], [1, 1, 1] as [UInt8])])[0].floats.map { $0 / (2 * 63) } == [2, 2, 2, -2])
  }

  /// Sums that are only compared with constants are decided by comparators with references of their own.
  @Test func comparatorsDecideSigns() throws {
    func network(_ activation: Activation, tiles: Int = 1, isOutput: Bool = false) throws -> Graph {
      var graph = Graph(name: "signs")
      let q = graph.addInput("q", TensorType(.int8, [Shape.free, 4, 4, 4]))
      var random = Seeded(1)
      var a = BinaryConv(window: Window())
      a.tile = 36 / tiles
      let p = try graph.append1(.binaryConv(a), [q, graph.addConstant(random.bits([3, 4, 3, 3]))], origin: "conv")
      let lists = [[0.5, -0.25, 1], [3, 0, -1]].map { graph.addConstant(.vector($0)) }
      let y = try graph.append1(.rescale(Rescale(activation: activation)), [p] + lists, origin: "conv")
      var pool = Pool()
      (pool.kernel, pool.window.strides) = ([2, 2], [2, 2])
      let pooled = try graph.append1(.pool(pool), [y], origin: "pool")
      let factors = graph.addConstant(Tensor(.float32, [3, 1, 1], [1, -1, 2] as [Float]))
      let normal = try graph.append1(.binary(.mul), [pooled, factors], origin: "norm")
      let isPositive = try graph.append1(.binary(.greaterOrEqual), [normal, graph.addConstant(.scalar(0))], origin: "sign")
      let signs = [1, -1].map { graph.addConstant(.scalar(Float($0))) }
      graph.addOutput("y", try graph.append1(.select, [isPositive] + signs, origin: "sign"))
      if isOutput { graph.addOutput("numbers", normal) }
      return graph
    }
    var several = chip
    several.converter = Target.Converter(bits: 1, fullScale: 1, hasReferences: true)
    func outcome(_ graph: Graph, _ target: Target) throws -> Outcome { try run("readout", on: graph, target: target) }
    let decided = try outcome(network(.none), several)
    #expect(decided.graph == (try network(.none)))
    #expect(decided.notes == ["conv: its comparators decide what its sums are compared for"])
    var plain = several
    plain.converter?.hasReferences = false
    for (graph, target) in [
      (try network(.none), plain), (try network(.relu), several), (try network(.none, tiles: 2), several),
      (try network(.none, isOutput: true), several),
    ] { #expect(try lsb(outcome(graph, target).graph) != nil) }
  }

  /// Eleven levels, -5 to 5, of the target or by option; a converter in another mode has all of its bits.
  @Test func levels() throws {
    let graph = try sums(of: Tensor(.bit, [1, 25], [Int8](repeating: 1, count: 25)))
    var eleven = chip
    eleven.converter = Target.Converter(bits: 4, top: 5, fullScale: 1)
    func readout(_ pipeline: String, _ target: Target) throws -> Readout? {
      let node = try run(pipeline, on: graph, target: target).graph.nodes[0]
      if case .binaryDense(let a) = node.op { return a.readout } else { return nil }
    }
    #expect(try readout("tile, readout", eleven) == .adc(bits: 4, lsb: 25 * 63 / 5, top: 5))
    #expect(try readout("tile, readout{bits=4,levels=11}", chip) == .adc(bits: 4, lsb: 25 * 63 / 5, top: 5))
    #expect(try readout("tile, readout{bits=3}", eleven) == .adc(bits: 3, lsb: 25 * 63 / 3))
    for wrong in ["readout{bits=4,levels=10}", "readout{bits=4,levels=17}", "readout{bits=1,levels=3}"] {
      #expect(throws: Diagnostic.self) { try run(wrong, on: graph) }
    }
  }

  /// A mean over all columns has one step for every tile.
  @Test func meansOverAllColumns() throws {
    let graph = try sums(of: Tensor(.bit, [1, 25], [Int8](repeating: 1, count: 25)))
    var all = chip
    all.converter?.meanInputs = 64
    #expect(try lsb(run("tile, readout", on: graph).graph) == 25)
    #expect(try lsb(run("tile, readout", on: graph, target: all).graph) == 64)
  }

  @Test(arguments: [1, 2]) func anOrderByCalibrationKeepsTheSums(_ bases: Int) throws {
    for seed in 0..<10 {
      let graph = try network(bases: bases, seed: seed)
      var random = Seeded(seed)
      let inputs = [random.tensor([3, 3, 5, 5], -9...9)]
      let lowered = try run("canonicalize, lower-binary, tile{columns=16,order=calibrated}", on: graph, calibration: [inputs]).graph
      #expect(try outputs(of: graph, inputs) == outputs(of: lowered, inputs), "seed \(seed)")
      let orders = lowered.nodes.filter(\.op.isSum).map { $0.operands.count == 3 ? lowered.constant($0.operands[2])?.integers : nil }
      #expect(orders.map { $0?.sorted() } == Array(repeating: Array(0..<27), count: bases) + Array(repeating: Array(0..<60), count: bases))
      #expect(orders.contains { $0 != $0?.sorted() })
    }
  }

  /// Eight inputs that are always alike: four weights of +1 in one tile and four of -1 in the other add up to what two and two cancel.
  @Test func anOrderByCalibrationMakesTileSumsSmall() throws {
    let graph = try sums(of: Tensor(.bit, [1, 8], [1, 1, 1, 1, -1, -1, -1, -1] as [Int8]))
    let batches = [[Tensor(.uint8, [2, 8], [UInt8](repeating: 63, count: 8) + [UInt8](repeating: 20, count: 8))]]
    let readout = "readout{scale=calibrated,bits=5,range=max}"
    #expect(try lsb(run("tile{columns=4}, \(readout)", on: graph, calibration: batches).graph) == Float(4 * 63) / 15)
    #expect(try lsb(run("tile{columns=4,order=calibrated}, \(readout)", on: graph, calibration: batches).graph) == 1)
  }

  @Test func whatIsMissingIsSaid() throws {
    let graph = try sums(of: Tensor(.bit, [1, 4], [1, 1, -1, 1] as [Int8]))
    func fault(_ pipeline: String, target: Target? = chip) -> String {
      do {
        _ = try run(pipeline, on: graph, target: target)
        return ""
      } catch { return "\(error)" }
    }
    #expect(try run("tile", on: graph, target: nil).notes.first?.contains("tile{columns=N}") == true)
    #expect(fault("readout{bits=7}", target: nil).contains("name a target"))
    #expect(fault("readout{scale=calibrated}").contains("--calibrate"))
    #expect(fault("readout{scale=calibrated,percentile=0}").contains("not a share"))
    #expect(try run("readout", on: graph, target: nil).notes == ["the target reads sums as they are"])
  }
}

extension Op {
  fileprivate var isSum: Bool {
    switch self {
    case .binaryConv, .binaryDense: true
    default: false
    }
  }
}
