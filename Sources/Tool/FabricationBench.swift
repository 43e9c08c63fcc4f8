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
  private let configured: ConfiguredBackend
  private let canonical: Graph
  private let lowered: Graph

  init(
    _ registry: Registry, _ request: ImportRequest, _ backend: BackendFlags, _ lowering: LoweringFlags, _ measured: FabricationFlags
  ) throws {
    let spellings = try backend.spellings(default: "imc{errors=on}")
    guard spellings.count == 1 else {
      throw Diagnostic(.usage, "chips of one backend are measured", hint: "such as --backend 'imc{errors=on}'")
    }
    guard try lowering.stage(hasTarget: true) == .lowered, try lowering.budget() == nil else {
      throw Diagnostic(
        .usage, "chips are measured on a lowered network without a budget", hint: "leave out --stage, --loss and --energy")
    }
    spelling = spellings[0]
    configured = try registry.backends([spelling])[0]
    let raw = try registry.importModel(request)
    guard let graph = raw.graph.freeingBatch() else {
      throw Diagnostic(.unsupported, "the model's batch cannot be freed", hint: "its inputs must have a free batch, or one of 1")
    }
    var session = Session(registry, model: ImportedModel(graph: graph, notes: raw.notes))
    samples = try FabricationSamples(registry, measured, for: graph)
    session.calibration = try lowering.calibrate == nil ? samples.batches(of: 100) : lowering.calibrationBatches(for: graph)
    calibrationCount = session.calibration.reduce(0) { $0 + $1[0].shape[0] }
    canonical = try session.canonical()
    lowered = try session.run(lowering.options().pipelineText, on: canonical, target: configured.target())
    hasCalibratedRanges = session.tables.contains { $0.key == "readout" }
    printNotes(session.notes)
    guard let design = try configured.compile(lowered) as? any FabricatedExecutable else {
      throw Diagnostic(.usage, "backend '\(spelling.name)' is not made in chips", hint: "imc{errors=on} is")
    }
    self.design = design
  }

  /// Hashes of all that decides what a chip does, but for its number: networks, samples and the files that the backend's options name.
  func fingerprint() throws -> String {
    let networks = hash(of: Printer.print(lowered) + Printer.print(canonical))
    let labels = samples.labels.map { Tensor.integers(.int64, [$0.count], $0) }
    let data = hash(of: (samples.inputs + (labels.map { [$0] } ?? [])).map(\.digest).joined(separator: " "))
    return (["networks=\(networks)", "data=\(data)"] + (try configured.sources().map { [$0] } ?? [])).joined(separator: " ")
  }

  /// Chips beside the scores of the full-precision network.
  func study(_ registry: Registry, threads: Int) throws -> YieldStudy {
    let cpu = try registry.backends([Spelling("cpu")])[0].compile(canonical)
    let batches = samples.batches(of: 100)
    let reference = try Tensor.stacked(batches: batches.map { try cpu.run($0, taps: [], threads: threads).outputs[0] })
    return YieldStudy(design, inputs: samples.inputs, labels: samples.labels, reference: reference)
  }
}

/// The samples that every chip is measured on.
struct FabricationSamples {
  let name: String
  /// One tensor for each input of the network.
  let inputs: [Tensor]
  let labels: [Int]?

  var count: Int { inputs[0].shape[0] }

  /// The samples in batches, the last of which may be smaller.
  func batches(of size: Int) -> [[Tensor]] {
    stride(from: 0, to: count, by: size).map { start in inputs.map { $0.slice(batch: start..<min(start + size, count)) } }
  }

  /// `graph` takes batches of any size.
  init(_ registry: Registry, _ flags: FabricationFlags, for graph: Graph) throws {
    guard flags.count ?? 1 >= 1 else { throw Diagnostic(.usage, "--count must be positive") }
    guard flags.images == nil || flags.data == nil else { throw Diagnostic(.usage, "--data and --images exclude each other") }
    let set: LabelledDataset
    if let images = flags.images {
      guard let tensor = try registry.readTensors(images).first?.tensor, tensor.shape.rank > 1, tensor.count > 0 else {
        throw Diagnostic(.badInput, "holds no batch of samples", file: images)
      }
      set = LabelledDataset(name: images, unlabelled: tensor)
    } else if let data = flags.data {
      set = try LabelledDataset(spelling: data)
    } else {
      throw Diagnostic(.usage, "chips are measured on samples", hint: "--data mnist:FOLDER, or --images FILE.npy")
    }
    let fitted = try set.fitted(to: graph)
    let taken = 0..<min(flags.count ?? set.count, set.count)
    name = flags.images ?? flags.data ?? ""
    inputs = fitted.inputs(in: taken)
    labels = flags.images == nil ? Array(set.labels[taken]) : nil
    if labels != nil, let classes = graph.type(of: graph.outputs[0].value).shape.elementCountPerSample {
      try fitted.requireLabels(below: classes, count: taken.count)
    }
  }
}
