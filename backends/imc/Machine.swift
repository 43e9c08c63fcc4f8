import GraphIR
import Hardware
import PluginAPI

/// The chip as the options choose it: a hardware file, a mode and a number of macros.
struct Machine: Sendable {
  let description: MacroDescription
  /// The converter behind each local array, its mean taken as the options say; nil where sums are read as they are.
  let converter: MacroDescription.Converter?
  /// Bits of an input in the chosen mode, its sign counted.
  let inputBits: Int
  /// Bits of an output in the chosen mode; nil when the sum itself is read.
  let outputBits: Int?
  /// Whether each layer's full scale comes from calibration data.
  let isCalibrated: Bool
  let macros: Int
  /// Whether samples go through all macros layer by layer, or each macro belongs to a layer; nil: what the cost model prefers.
  let order: Assignment.Order?
  /// Whether row slots that are left hold copies of layers.
  let duplicates: Bool
  /// How its circuits err.
  let errors: ErrorModel
  /// Which chip of which seed.
  let draws: Draws
  /// Whether inputs are given bit by bit, each bit with an evaluation of its own.
  let isBitSerial: Bool

  init(_ options: Options) throws {
    let description = try HardwareFile.loadMacro(options[text: "hardware"] ?? "conv-ram-isscc2018")
    let bits = options[int: "bits"] ?? description.inputBits
    guard bits == description.inputBits || bits == description.reducedBits else {
      throw Diagnostic(
        .usage, "'\(description.name)' has no mode of \(bits) bits", hint: "it has \(description.inputBits) and \(description.reducedBits)")
    }
    self.description = description
    var converter = description.converter
    if let given = options[text: "mean-over"].flatMap(MacroDescription.MeanOver.init) {
      guard converter != nil else {
        throw Diagnostic(.usage, "'\(description.name)' reads sums as they are, there is no mean", hint: "leave mean-over out")
      }
      converter?.meanOver = given
    }
    self.converter = converter
    inputBits = bits
    let isExact = options[text: "readout"] == "exact"
    isCalibrated = options[text: "readout"] == "calibrated"
    outputBits = isExact ? nil : converter.map { bits == description.inputBits ? $0.bits : min($0.bits, bits) }
    macros = options[int: "macros"] ?? 1
    order = options[text: "order"].flatMap(Assignment.Order.init)
    duplicates = options[flag: "duplicate"]
    errors = try ErrorModel(options, description)
    draws = Draws(seed: UInt64(options[int: "seed"] ?? 1), chip: UInt32(options[int: "chip"] ?? 0))
    isBitSerial = options[text: "inputs"].map { $0 == "bit-serial" } ?? (description.encoding == .bitSerial)
  }

  /// The largest magnitude of an input code.
  var largestCode: Int { description.codes(bits: inputBits).upperBound }

  /// Row slots of all macros: how many weight rows each local array of one macro keeps, times macros.
  var slots: Int { description.rows * macros }

  /// Words of 64 columns that a stored row takes.
  var wordsPerRow: Int { (description.columns + 63) / 64 }

  /// Sum that one step of the chip's own converter stands for, over a tile of so many columns; of a whole input step where there is none.
  func nominalStep(columns: Int) -> Double { Double(meanInputs(columns) * largestCode) * stepShare }

  /// One step of the chip's own converter as a share of the full-scale voltage; one input step where there is none.
  var stepShare: Double {
    guard let converter else { return 1 / Double(largestCode) }
    return converter.fullScale / Double(top(of: converter))
  }

  /// The largest code of the chip's converter in the chosen mode; one with fewer levels than its bits hold has them in its widest mode.
  private func top(of converter: MacroDescription.Converter) -> Int {
    guard let outputBits, outputBits < converter.bits else { return converter.top }
    return min(Readout.largestCode(bits: outputBits), converter.top)
  }

  /// The inputs that the mean of a tile of so many columns is over: all columns where unused ones are held at zero.
  func meanInputs(_ columns: Int) -> Int { converter?.meanOver == .columns ? description.columns : columns }

  /// What passes cut a network to.
  var target: Target {
    let readout = outputBits.flatMap { bits in
      converter.map { converter in
        Target.Converter(
          bits: bits, top: top(of: converter), fullScale: converter.fullScale,
          meanInputs: converter.meanOver == .columns ? description.columns : nil,
          hasReferences: converter.reference == .filter, isCalibrated: isCalibrated)
      }
    }
    return Target(
      name: description.name, columns: description.columns, localArrays: description.localArrays, rows: description.rows,
      largestCode: largestCode, codes: description.codes(bits: inputBits), isBitSerial: isBitSerial, weightBits: description.weightBits,
      converter: readout)
  }

  /// Whether the array takes a node.
  func support(for node: Node, in graph: Graph) -> Support {
    switch node.op {
    case .binaryConv(let a): return binarySupport(for: node, in: graph, tile: a.tile, a.readout)
    case .binaryDense(let a): return binarySupport(for: node, in: graph, tile: a.tile, a.readout)
    case .custom: return .no(because: "a foreign op has no kernel here")
    case .unary, .binary, .select, .clip, .cast, .conv, .dense, .matmul, .pool, .reduce, .softmax, .cumulate, .topK, .reshape, .transpose,
      .expand, .concat, .slice, .pad, .gather, .scatter, .quantize, .dequantize, .rescale:
      return .host(because: "the array only evaluates binary layers")
    }
  }

  private func binarySupport(for node: Node, in graph: Graph, tile: Int, _ readout: Readout) -> Support {
    guard let weights = graph.constant(node.operands[1]) else {
      return .host(because: "its weights are computed; the array stores constants")
    }
    if node.operands.count == 3, graph.constant(node.operands[2]) == nil { return .host(because: "the order of its inputs is computed") }
    let inputs = weights.count / max(weights.shape[0], 1)
    let perEvaluation = tile == 0 ? inputs : tile
    if perEvaluation > description.columns {
      let what = tile == 0 ? "it is not tiled: \(inputs) inputs are" : "its tile of \(tile) inputs is"
      return .host(because: "\(what) more than \(description.columns) columns")
    }
    let range = CodeRange.of(node.operands[0], in: graph)
    let codes = description.codes(bits: inputBits)
    if range.lo < codes.lowerBound || range.hi > codes.upperBound {
      return .host(because: "its codes reach \(range.lo)...\(range.hi), inputs only \(codes.lowerBound)...\(codes.upperBound)")
    }
    if case .adc(let bits, _, _) = readout, let outputBits, bits > outputBits {
      return .host(because: "it is read with \(bits) bits, the converter has \(outputBits)")
    }
    guard graph.type(of: node.operands[0]).shape.elementCountPerSample.map({ $0 < 1 << 28 }) ?? false else {
      return .host(because: "one sample of its input is too large")
    }
    return .native
  }
}
