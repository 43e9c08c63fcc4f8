import Driver
import GraphIR
import Hardware
import PluginAPI

/// A chip's published points, derived again by running layers like those it was measured on.
struct ChipValidation {
  private let chip: MacroDescription
  private let registry: Registry

  init(_ name: String, _ registry: Registry) throws {
    chip = try HardwareFile.loadMacro(name)
    self.registry = registry
  }

  /// One row a point.
  var rows: [[Table.Cell]] {
    get throws { chip.name.hasPrefix("conv-ram") ? try convRAM() : try general() }
  }

  /// What one layer did on the array: from the program that was run.
  private struct Measured {
    let cycles: Double
    let macs: Double
    let nanoseconds: Double
    /// Energy inside the macro: input conversion, averaging and readout.
    let picojoules: Double
    let outputs: Double
    /// Input bits that are evaluated one after another; the papers of such chips count operations on single bits.
    let planes: Double

    var operations: Double { 2 * macs * planes }
  }

  private func row(_ point: String, _ published: Double, _ unit: String, _ mark: String, _ ours: Double?, _ kind: String) -> [Table.Cell] {
    [
      .text(chip.name), .text(point), .number(published, digits: 2), .text(unit), .text(mark), ours.map { .number($0, digits: 2) } ?? .none,
      ours.map { .number(100 * ($0 / published - 1), digits: 2) } ?? .none,
      .text(ours == nil ? "not derivable: a constant is unknown" : kind),
    ]
  }

  /// C1 of 25 inputs on 6 filters, C3 of 3 x 50 inputs on 16.
  private func convRAM() throws -> [[Table.Cell]] {
    let c1 = try measure(inputs: Shape([Shape.free, 1, 32, 32]), weights: [6, 1, 5, 5], tile: 25)
    let c3 = try measure(inputs: Shape([Shape.free, 6, 14, 14]), weights: [16, 6, 5, 5], tile: 50)
    return [
      row("elements in a cycle, C3", 800, "count", "S", c3.map { $0.macs / $0.cycles }, "consequence of the geometry"),
      row(
        "throughput, C3", 10.7, "GOPS", "M+", c3.map { $0.operations / $0.nanoseconds }, "consequence; the cycle may come from this figure"),
      row("energy of a cycle, C3", 56.94, "pJ", "S", c3.map { $0.picojoules / $0.cycles }, "input: the energy fit goes through it"),
      row("energy of an output, C3", 3.5587, "pJ", "S", c3.map { $0.picojoules / $0.outputs }, "input: the energy fit goes through it"),
      row("efficiency, C3", 28.1, "TOPS/W", "S", c3.map { $0.operations / $0.picojoules }, "input: the same figure per operation"),
      row(
        "energy of an output, C1", 4.23, "pJ", "M", c1.map { $0.picojoules / $0.outputs },
        "input: the energy fit goes through it; remembered"),
      row("power, C3", 0.38, "mW", "D", c3.map { $0.picojoules / $0.nanoseconds }, "consequence of cycle energy and cycle"),
      row("efficiency, C1", 11.8, "TOPS/W", "M", c1.map { $0.operations / $0.picojoules }, "input: 50 ops over the remembered 4.23 pJ"),
    ]
  }

  /// A dense layer that fills the array once.
  private func general() throws -> [[Table.Cell]] {
    let inputs = Int(chip.number("published.inputs") ?? Double(chip.columns))
    let full = try measure(inputs: Shape([Shape.free, inputs]), weights: Shape([chip.localArrays, inputs]), tile: inputs)
    var rows: [[Table.Cell]] = []
    func add(_ path: String, _ point: String, _ ours: Double?, _ kind: String) {
      guard let quantity = chip.quantity(path) else { return }
      rows.append(row(point, quantity.value, quantity.unit, quantity.mark.rawValue, ours, kind))
    }
    add("published.throughput", "throughput", full.map { $0.operations / $0.nanoseconds }, "consequence of geometry and cycle")
    add(
      "published.efficiency", "efficiency", full.flatMap { $0.picojoules > 0 ? $0.operations / $0.picojoules : nil },
      chip.energy.output.source.contains("CiMLoop, S); per input bit")
        ? "consequence of component energies" : "input: energy.output comes from it")
    rows += try sliced(inputs: inputs)
    if rows.isEmpty { rows.append([.text(chip.name), "no published point", .none, .none, .none, .none, .none, "the sheet states none"]) }
    return rows
  }

  /// A dense layer of weights of as many bits as the chip takes, in slices; as many filters as their slices find local arrays for.
  private func sliced(inputs: Int) throws -> [[Table.Cell]] {
    let (bits, slices) = (chip.weightBits, chip.weightBits + 1)
    guard bits > 1, chip.localArrays >= slices else { return [] }
    let layer = try measure(
      inputs: Shape([Shape.free, inputs]), weights: Shape([chip.localArrays / slices, inputs]), tile: inputs, slices: slices)
    // Figures of chips with bit-serial inputs count operations of one bit by one bit.
    let single = chip.encoding == .bitSerial ? Double(chip.inputBits * bits) : 1
    let name = chip.encoding == .bitSerial ? "inputs of \(chip.inputBits), weights of \(bits) bits" : "weights of \(bits) bits"
    let kind = "consequence; \(bits)-bit weights in \(slices) slices, each read by itself"
    func row(_ path: String, _ point: String, _ ours: (Measured) -> Double) -> [Table.Cell]? {
      guard let quantity = chip.quantity(path), layer != nil else { return nil }
      let mark = single == 1 ? quantity.mark : .derived
      return self.row("\(point), \(name)", quantity.value / single, quantity.unit, mark.rawValue, layer.map(ours), kind)
    }
    return [
      row("published.throughput", "throughput") { $0.operations / $0.planes / $0.nanoseconds },
      row("published.efficiency", "efficiency") { $0.operations / $0.planes / $0.picojoules },
    ].compactMap { $0 }
  }

  /// Runs one sample of random codes through one layer, its weights in so many slices; nil when the time of a cycle is unknown.
  private func measure(inputs: Shape, weights: Shape, tile: Int, slices: Int = 1) throws -> Measured? {
    var graph = Graph(name: "validation")
    let x = graph.addInput("x", TensorType(.float32, inputs))
    let taken = chip.codes(bits: chip.inputBits)
    let codes = chip.encoding == .bitSerial ? 0...taken.upperBound : taken
    let isSigned = codes.lowerBound < 0
    let quantize = Quantize(to: isSigned ? .int8 : .uint8, lo: codes.lowerBound, hi: codes.upperBound)
    let scale = graph.addConstant(.scalar(1 / Float(codes.upperBound)))
    let q = try graph.append1(.quantize(quantize), [x, scale], origin: "quantize")
    let count = weights.dimensions.reduce(1, *)
    let filters = weights[0]
    func list(_ number: Float) -> ValueID { graph.addConstant(.vector([Float](repeating: number, count: filters))) }
    var operands: [ValueID] = []
    for slice in 0..<slices {
      let first = slice * count
      let signs = (first..<first + count).map { Int8(($0 &* 2_654_435_761) >> 7 & 1 == 0 ? 1 : -1) }
      let bits = graph.addConstant(Tensor(.bit, weights, signs))
      let op: Op
      if weights.rank == 4 {
        var a = BinaryConv(window: Window())
        a.tile = tile
        op = .binaryConv(a)
      } else {
        var a = BinaryDense()
        a.tile = tile
        op = .binaryDense(a)
      }
      operands += [try graph.append1(op, [q, bits], origin: "layer"), list(Float(1 << slice))]
    }
    graph.addOutput("y", try graph.append1(.rescale(Rescale()), operands + [list(0)], origin: "scale"))
    let spelling = Spelling("imc", [("hardware", chip.name), ("readout", "exact")])
    let executable = try registry.backends([spelling])[0].compile(graph)
    _ = try executable.run(RandomInputs(seed: 1).tensors(for: graph, batch: 1), taps: [], threads: 1)
    guard let layers = executable.costs?.layers.filter({ $0.place == .array }), let first = layers.first else { return nil }
    let inside = layers.flatMap(\.energy).filter { ["input conversion", "averaging and readout"].contains($0.component) }
    return Measured(
      cycles: Double(layers.reduce(0) { $0 + $1.cycles }), macs: Double(first.macs), nanoseconds: layers.reduce(0) { $0 + $1.nanoseconds },
      picojoules: inside.reduce(0) { $0 + ($1.picojoules ?? 0) },
      outputs: Double(layers.flatMap(\.counts).reduce(0) { $0 + ($1.name == "outputs read" ? $1.value : 0) }),
      planes: chip.encoding == .bitSerial ? Double(chip.inputBits) : 1)
  }
}
