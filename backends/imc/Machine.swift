import GraphIR
import Hardware
import PluginAPI

/// The chip as the options choose it: a hardware file, a mode and a number of macros.
struct Machine: Sendable {
  let description: MacroDescription
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
    if let converter = description.converter, converter.bits < 2, options[text: "readout"] != "exact" {
      throw Diagnostic(.unsupported, "'\(description.name)' reads with a comparator, which no readout of the IR is", hint: "readout=exact")
    }
    self.description = description
    inputBits = bits
    let isExact = options[text: "readout"] == "exact"
    isCalibrated = options[text: "readout"] == "calibrated"
    outputBits = isExact ? nil : description.converter.map { bits == description.inputBits ? $0.bits : min($0.bits, bits) }
    macros = options[int: "macros"] ?? 1
    order = options[text: "order"].flatMap(Assignment.Order.init)
    duplicates = options[flag: "duplicate"]
    errors = try ErrorModel(options, description)
    draws = Draws(seed: UInt64(options[int: "seed"] ?? 1), chip: UInt32(options[int: "chip"] ?? 0))
    isBitSerial = options[text: "inputs"] == "bit-serial" || description.encoding == .bitSerial
  }

  /// The largest magnitude of an input code.
  var largestCode: Int { description.codes(bits: inputBits).upperBound }

  /// Row slots of all macros: how many weight rows each local array of one macro keeps, times macros.
  var slots: Int { description.rows * macros }

  /// Words of 64 columns that a stored row takes.
  var wordsPerRow: Int { (description.columns + 63) / 64 }

  /// Whether values are the numeric contract's, byte for byte.
  var isContract: Bool { errors.isIdeal && !isBitSerial }

  /// Sum that one step of the chip's own converter stands for, over a tile of so many columns; of a whole input step where there is none.
  func nominalStep(columns: Int) -> Double {
    let full = Double(columns * largestCode)
    guard let converter = description.converter else { return Double(columns) }
    return full * converter.fullScale / Double(MacroDescription.largestCode(bits: outputBits ?? converter.bits))
  }

  /// What passes cut a network to.
  var target: Target {
    get throws {
      let converter = try outputBits.flatMap { bits in
        try description.converter.map { converter in
          guard converter.meanOver == .connected else {
            throw Diagnostic(
              .unsupported, "'\(description.name)' takes its mean over all columns; a network cannot be cut to that yet",
              hint: "output.mean_over: connected")
          }
          return Target.Converter(bits: bits, fullScale: converter.fullScale, isCalibrated: isCalibrated)
        }
      }
      return Target(
        name: description.name, columns: description.columns, localArrays: description.localArrays, rows: description.rows,
        largestCode: largestCode, converter: converter)
    }
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
    if case .adc(let bits, _) = readout, let outputBits, bits > outputBits {
      return .host(because: "it is read with \(bits) bits, the converter has \(outputBits)")
    }
    guard graph.type(of: node.operands[0]).shape.elementCountPerSample.map({ $0 < 1 << 28 }) ?? false else {
      return .host(because: "one sample of its input is too large")
    }
    return .native
  }
}
