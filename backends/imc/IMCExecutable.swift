import GraphIR
import PluginAPI
import ReferenceKernels

/// A compiled program beside its graph; runs it on the simulated array, chunk by chunk of a batch.
struct IMCExecutable: FabricatedExecutable, ConvertingExecutable {
  let graph: Graph
  let program: Program
  /// The chip, made when it first runs; big networks can be mapped and costed without it.
  private let maker: ChipMaker
  private let errors: ErrorModel
  private let draws: Draws

  init(graph: Graph, program: Program) throws {
    self.graph = graph
    self.program = program
    (errors, draws) = (program.machine.errors, program.machine.draws)
    maker = ChipMaker(program, graph, errors: errors, draws: draws)
    if let calibration = errors.calibration { try IMCExecutable.require(calibration.ranges, in: program) }
    if !program.isContract && maker.chip == nil {
      throw Diagnostic(
        .unsupported, "circuit errors, and bits that are read one by one, are computed in floats: \(Plan.obstacle(in: graph))",
        place: graph.name, hint: "a free batch, f32 inputs, and values of f32 or codes of a byte would be right")
    }
  }

  /// Throws where a layer is read with another range than the one that its chip was calibrated with.
  private static func require(_ ranges: [ChipCalibration.Range], in program: Program) throws {
    try Diagnostics.throwIfAny(
      ranges.compactMap { range in
        // Slices of one layer have its name, and ranges of their own.
        let readouts = program.layers.flatMap(\.slices).filter { $0.origin == range.layer }.map(\.readout)
        let isRead = readouts.contains { if case .adc(range.bits, range.lsb, _) = $0 { true } else { false } }
        if readouts.isEmpty || isRead { return nil }
        return Diagnostic(
          .badInput, "was calibrated with \(range.bits) bits of \(range.lsb), the graph has \(readouts[0])", place: range.layer,
          hint: "lower the model with the same calibration data: --calibrate")
      })
  }

  /// The same program on another chip, with other errors.
  init(_ other: IMCExecutable, errors: ErrorModel, draws: Draws) {
    (graph, program, self.errors, self.draws) = (other.graph, other.program, errors, draws)
    maker = ChipMaker(other.program, other.graph, errors: errors, draws: draws, plan: other.maker.chip?.plan)
  }

  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    guard let chip = maker.chip else { return try runOnCells(inputs, taps: taps, threads: threads) }
    if taps.isEmpty { return RunResult(outputs: try chip.run(inputs, threads: threads), taps: []) }
    guard let plan = Plan(program, graph, wanted: graph.outputs.map(\.value) + taps) else {
      guard program.isContract else { throw Diagnostic(.unsupported, "this value cannot be tapped with circuit errors on") }
      return try runOnCells(inputs, taps: taps, threads: threads)
    }
    let results = try MadeChip(plan, program, errors: errors, draws: draws).run(inputs, threads: threads)
    return RunResult(outputs: Array(results.prefix(graph.outputs.count)), taps: Array(results.dropFirst(graph.outputs.count)))
  }

  func runCounting(_ inputs: [Tensor], threads: Int) throws -> (outputs: [Tensor], uses: [ConverterUse]) {
    guard let chip = maker.chip else {
      throw Diagnostic(
        .unsupported, "converters are counted only for a graph with a free batch and f32 inputs", place: graph.name,
        hint: "leave --batch out")
    }
    let counters = chip.layers.map { ConverterCounter($0[0]) }
    let outputs = try chip.run(inputs, threads: threads, counting: counters)
    return (outputs, counters.flatMap { $0.uses(program) })
  }

  /// Runs the program step by step on the stored bits, without errors.
  private func runOnCells(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    let wanted = graph.outputs.map(\.value) + taps
    let split = BatchSplit(graph, inputs)
    let results = try split.run(wanted: wanted, threads: threads) { inputs, keep in
      var array = ArrayState(program)
      return try run(chunk: inputs, &array, keep: keep)
    }
    return RunResult(outputs: Array(results.prefix(graph.outputs.count)), taps: Array(results.dropFirst(graph.outputs.count)))
  }

  /// Runs the steps for one chunk; hands back all values, those that are not in `keep` dropped after their last use.
  private func run(chunk inputs: [Tensor], _ array: inout ArrayState, keep: Liveness) throws -> [Tensor?] {
    var values = BatchSplit.values(of: graph, inputs)
    array.write(program.prologue, program)
    for (number, step) in program.steps.enumerated() {
      switch step {
      case .load(let placements, _): array.write(placements, program)
      case .evaluate(let number, let placements):
        for layer in program.layers[number].slices { try evaluate(layer, number, placements, array, &values) }
      case .host(let id):
        let node = graph[id]
        let operands = try node.operands.map { try BatchSplit.value($0, values) }
        for (result, tensor) in zip(node.results, try Reference.evaluate(node.op, operands)) { values[Int(result.index)] = tensor }
      }
      if isLastStepOfNode(number) { keep.drop(after: node(of: step), &values) }
    }
    return values
  }

  private func evaluate(_ layer: Layer, _ number: Int, _ placements: Range<Int>, _ array: ArrayState, _ values: inout [Tensor?]) throws {
    let node = graph[layer.node]
    let codes = try BatchSplit.value(node.operands[0], values)
    let slot = Int(node.results[0].index)
    let samples = codes.shape[0]
    var shape = graph.type(of: node.results[0]).shape
    shape[0] = samples
    // Partial sums of the layer; its rows may come in several loads.
    var sums = values[slot] ?? Tensor(zeros: .int32, shape)
    values[slot] = nil
    let evaluation = Evaluation(program, layer, number: number, placements)
    codes.withBytes { codes in
      sums.withMutableElements(Int32.self) { sums in
        evaluation.run(codes.assumingMemoryBound(to: UInt8.self), samples: samples, array, into: sums)
      }
    }
    values[slot] = sums
  }

  /// Of a layer in slices the first: what only the others used stays.
  private func node(of step: Program.Step) -> NodeID? {
    switch step {
    case .load: nil
    case .evaluate(let layer, _): program.layers[layer].node
    case .host(let id): id
    }
  }

  /// Whether a node's work ends with this step: a streamed layer takes several.
  private func isLastStepOfNode(_ number: Int) -> Bool {
    guard let node = node(of: program.steps[number]) else { return false }
    let next = program.steps[(number + 1)...].lazy.compactMap { self.node(of: $0) }.first
    return next != node
  }

  var errorSources: [String] { program.machine.errors.sources.map(\.rawValue) }

  var chip: Int { Int(draws.chip) }
  var isCalibrated: Bool { errors.calibration != nil }

  func calibrated() -> ChipCalibration {
    var trimmed = errors
    (trimmed.isTrimmed, trimmed.calibration) = (true, nil)
    return ChipCalibration(
      hardware: program.machine.description.name, circuits: errors.circuits(of: program.machine.description), seed: Int(draws.seed),
      chip: chip,
      trims: Parts(program.machine, trimmed, draws, .best).trims,
      ranges: program.layers.flatMap(\.slices).compactMap { layer in
        guard case .adc(let bits, let lsb, _) = layer.readout else { return nil }
        return ChipCalibration.Range(layer: layer.origin, bits: bits, lsb: lsb)
      })
  }

  func specimen(chip: Int, without source: String?, isTrimmed: Bool?) -> any Executable {
    var errors = source.flatMap(ErrorSource.init).map { program.machine.errors.without($0) } ?? program.machine.errors
    if let isTrimmed { (errors.isTrimmed, errors.calibration) = (isTrimmed, nil) }
    return IMCExecutable(self, errors: errors, draws: Draws(seed: program.machine.draws.seed, chip: UInt32(truncatingIfNeeded: chip)))
  }

  var mapping: Table? { program.mapping }
  var listing: String? { program.listing(graph) }
  var costs: CostReport? { program.costs(graph) }

  var valuesNote: String? { program.valuesNote }
}
