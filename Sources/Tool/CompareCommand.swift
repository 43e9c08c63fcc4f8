import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

struct CompareCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Runs one network on several backends in step and compares every value.",
    discussion: "Exits with 1 when a value differs by more than its op allows; values of binary layers must be equal byte for byte.")

  @OptionGroup var model: ModelFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags
  @OptionGroup var watching: PassFlags
  @OptionGroup var samples: SampleFlags

  @Option(help: ArgumentHelp("An input, in graph order or by name; random numbers or --data without it.", valueName: "file or name=file"))
  var input: [String] = []

  @Option(help: "Seed of random inputs, when there is no data; 1 by itself.")
  var seed: UInt64?

  @Option(help: "text or json.")
  var format: Format = .text

  func execute(_ registry: Registry) throws {
    guard input.isEmpty || samples.data == nil else { throw Diagnostic(.usage, "--input and --data exclude each other") }
    guard seed == nil || (input.isEmpty && samples.data == nil) else {
      throw Diagnostic(.usage, "--seed is for random inputs", hint: "leave it out, or --input and --data")
    }
    let given = try InputReader.read(input, registry, for: model)
    let set = try samples.dataset(needsLabels: false)
    let bench = try Workbench(registry, model, backend.spellings(default: "cpu,imc,baseline"), lowering, watching, given: given)
    printNotes(bench.notes)
    try bench.program?.checkConstants()
    var comparison = try Comparison(bench.machines.map { ($0.name, $0.executable) })
    if !input.isEmpty {
      _ = try comparison.add(InputReader(bench.graph, modelInputs: bench.inputNames).tensors(of: given), threads: backend.threads)
    } else if let set {
      try samples.forEachBatch(of: set.fitted(to: bench.graph), title: "compare") { inputs, _ in
        _ = try comparison.add(inputs, threads: backend.threads)
      }
    } else {
      let random = RandomInputs(seed: seed ?? 1)
      _ = try comparison.add(random.tensors(for: bench.graph, batch: samples.count ?? 4), threads: backend.threads)
    }
    let verdict =
      comparison.isExact ? "all values equal, byte for byte" : comparison.holds ? "all values within tolerance" : "values differ"
    report(
      [("values", comparison.table)], extra: [("verdict", .string(verdict)), ("samples", .int(comparison.samples))], format: format)
    if format == .text { writeOut("\n\(comparison.samples) samples, \(comparison.rows.count) values each: \(verdict)\n") }
    if let row = comparison.firstDifference {
      throw CompareCommand.difference(row, reference: bench.machines[0].name)
    }
  }

  /// The first value on which machines disagree, named with its node.
  static func difference(_ row: Comparison.Row, reference: String) -> Diagnostic {
    let where_ = row.agreement.firstViolation.map {
      " (sample \($0.sample), element \($0.element): \(Float($0.reference)) on \(reference), \(Float($0.candidate)) on \(row.backend))"
    }
    return Diagnostic(
      .checkFailed, "\(row.value) = \(row.op) differs between \(reference) and \(row.backend)\(where_ ?? "")",
      place: row.origin.isEmpty ? nil : "node '\(row.origin)'")
  }
}

/// Which samples a command runs on.
struct SampleFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Samples: mnist:FOLDER, cifar10:FOLDER, npz:FILE, digits:COUNT (drawn digits).", valueName: "kind:path"))
  var data: String?

  @Option(help: "Takes only so many samples.")
  var count: Int?

  @Option(help: "Samples in each batch.")
  var batchSize: Int = 250

  /// The data that was named; nil when none was.
  func dataset(needsLabels: Bool) throws -> LabelledDataset? {
    guard batchSize >= 1, count ?? 1 >= 1 else { throw Diagnostic(.usage, "--count and --batch-size must be positive") }
    return try data.map { try LabelledDataset(spelling: $0, needsLabels: needsLabels) }
  }

  /// Calls `body` with one batch after the other, and the range of samples that it holds.
  func forEachBatch(of set: FittedDataset, title: String, _ body: ([Tensor], Range<Int>) throws -> Void) throws {
    let total = min(count ?? set.count, set.count)
    var progress = Progress(title, total: total, unit: "samples")
    for range in try set.batches(of: batchSize, count: total) {
      try body(set.inputs(in: range), range)
      progress.update(range.upperBound)
    }
    progress.finish()
  }
}

/// Seeded random inputs in [0, 1) for floats, and small whole numbers for the rest.
struct RandomInputs {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// The next number of the SplitMix64 sequence.
  private mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  func tensors(for graph: Graph, batch: Int) throws -> [Tensor] {
    var random = self
    return try graph.inputs.map { id in
      let type = graph.type(of: id)
      let shape = type.shape.bound(batch: batch)
      guard let count = shape.elementCount else { throw Diagnostic(.badInput, "input '\(graph[id].name)' of shape \(shape) is too large") }
      switch type.element {
      case .float32: return Tensor(.float32, shape, (0..<count).map { _ in Float(random.next() >> 40) / 16_777_216 })
      case .float64: return Tensor(.float64, shape, (0..<count).map { _ in Double(random.next() >> 40) / 16_777_216 })
      case .float16: return Tensor(.float16, shape, (0..<count).map { _ in Float16(Float(random.next() >> 40) / 16_777_216).bitPattern })
      case .bfloat16:
        return Tensor(.bfloat16, shape, (0..<count).map { _ in UInt16((Float(random.next() >> 40) / 16_777_216).bitPattern >> 16) })
      case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
        return Tensor(type.element, shape, (0..<count).map { _ in UInt8(random.next() >> 61) })
      case .bool: return Tensor.integers(.bool, shape, (0..<count).map { _ in Int(random.next() >> 63) })
      case .bit: return Tensor.integers(.bit, shape, (0..<count).map { _ in Int(random.next() >> 63) * 2 - 1 })
      case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8:
        return Tensor.integers(type.element, shape, (0..<count).map { _ in Int(random.next() >> 58) })
      }
    }
  }
}
