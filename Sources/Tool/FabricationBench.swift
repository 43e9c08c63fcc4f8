import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

/// What chips are measured on.
struct FabricationFlags: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Labelled samples that chips are measured on; they calibrate too, where --calibrate gives none.", valueName: "kind:path"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "Samples without labels, f32, instead of --data; they calibrate too, where --calibrate gives none.", valueName: "file.npy"))
  var images: String?

  @Option(help: "Takes only so many samples.")
  var count: Int?
}

/// A network on a machine that is made in chips, beside the samples that they are measured on.
struct FabricationBench {
  let spelling: Spelling
  let design: any FabricatedExecutable
  let samples: FabricationSamples
  /// Whether converter ranges come from calibration data.
  let hasCalibratedRanges: Bool
  /// Samples that passes calibrated with.
  let calibrationCount: Int
  private let canonical: Graph

  init(
    _ registry: Registry, _ model: ModelFlags, _ backend: BackendFlags, _ lowering: LoweringFlags, _ measured: FabricationFlags
  ) throws {
    samples = try FabricationSamples(registry, measured)
    spelling = try backend.spellings(default: "imc{errors=on}")[0]
    let configured = try registry.backends([spelling])[0]
    let raw = try registry.importModel(model.request())
    guard let graph = raw.graph.freeingBatch() else {
      throw Diagnostic(.unsupported, "the model's batch cannot be freed", hint: "its inputs must have a free batch, or one of 1")
    }
    var session = Session(registry, model: ImportedModel(graph: graph, notes: raw.notes))
    session.calibration = try lowering.calibrate == nil ? samples.batches : lowering.calibrationBatches()
    calibrationCount = session.calibration.reduce(0) { $0 + $1[0].shape[0] }
    canonical = try session.canonical()
    let lowered = try session.run(lowering.options().pipelineText, on: canonical, target: configured.target())
    hasCalibratedRanges = session.tables.contains { $0.key == "readout" }
    printNotes(session.notes)
    guard let design = try configured.compile(lowered) as? any FabricatedExecutable else {
      throw Diagnostic(.usage, "backend '\(spelling.name)' is not made in chips", hint: "imc{errors=on} is")
    }
    self.design = design
  }

  /// Chips beside the scores of the full-precision network.
  func study(_ registry: Registry, threads: Int) throws -> YieldStudy {
    let cpu = try registry.backends([Spelling("cpu")])[0].compile(canonical)
    let reference = try Tensor.stacked(batches: samples.batches.map { try cpu.run($0, taps: [], threads: threads).outputs[0] })
    return YieldStudy(design, images: samples.all, labels: samples.labels, reference: reference)
  }
}

/// The samples that every chip is measured on.
struct FabricationSamples {
  let name: String
  let all: Tensor
  let labels: [Int]?

  var count: Int { all.shape[0] }
  var batches: [[Tensor]] { stride(from: 0, to: count, by: 100).map { [all.slice(batch: $0..<min($0 + 100, count))] } }

  init(_ registry: Registry, _ flags: FabricationFlags) throws {
    let count = flags.count
    guard count ?? 1 >= 1 else { throw Diagnostic(.usage, "--count must be positive") }
    if let images = flags.images {
      guard let tensor = try registry.readTensors(images).first?.tensor, tensor.element == .float32, tensor.shape.rank > 1 else {
        throw Diagnostic(.badInput, "holds no batch of f32 samples", file: images)
      }
      let taken = min(count ?? tensor.shape[0], tensor.shape[0])
      (name, all, labels) = (images, tensor.slice(batch: 0..<taken), nil)
      return
    }
    guard let data = flags.data else {
      throw Diagnostic(.usage, "chips are measured on samples", hint: "--data mnist:FOLDER, or --images FILE.npy")
    }
    let set = try LabelledDataset(spelling: data)
    let taken = min(count ?? set.count, set.count)
    (name, all, labels) = (data, set.images(in: 0..<taken), Array(set.labels.prefix(taken)))
  }
}
