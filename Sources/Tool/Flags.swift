import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

/// How a report is printed.
enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

/// The stage at which a graph is run.
enum StageChoice: String, ExpressibleByArgument, CaseIterable {
  /// `lowered` when a backend cuts networks to its own size, else `canonical`.
  case auto
  case raw, canonical, lowered
}

/// A model or a compiled program.
struct ModelFlags: ParsableArguments {
  @Argument(help: "A model (.onnx, .ir) or a compiled program.")
  var model: String

  @OptionGroup var reading: ImportFlags

  /// Whether it is a compiled program.
  var isProgram: Bool { (try? Files.head(model, count: 8)).map(ProgramFile.recognizes) ?? false }

  func request() throws -> ImportRequest { try reading.request(model) }
}

/// A model; a compiled program will not do.
struct SourceFlags: ParsableArguments {
  @Argument(help: "A model (.onnx, .ir).")
  var model: String

  @OptionGroup var reading: ImportFlags

  func request() throws -> ImportRequest { try reading.request(model) }
}

/// How a model is read, and how its free dimensions are bound.
struct ImportFlags: ParsableArguments {
  @Option(name: .customLong("dim"), help: ArgumentHelp("Binds a free dimension of the model.", valueName: "name=extent"))
  var dimensions: [String] = []

  @Option(help: "Binds the batch dimension; free without it.")
  var batch: Int?

  @Option(help: ArgumentHelp("Refuses a model that takes more memory to import; 4G by itself.", valueName: "bytes, or with K, M or G"))
  var maxMemory: String?

  @Flag(help: "Follows symbolic links from a model to its external data.")
  var followSymlinks = false

  /// The bound on memory, in bytes.
  private func memoryLimit() throws -> Int {
    let maxMemory = maxMemory ?? "4G"
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let unit = maxMemory.last.flatMap { units[Character($0.uppercased())] }
    let digits = unit == nil ? maxMemory[...] : maxMemory.dropLast()
    let (bytes, overflow) = (Int(digits) ?? 0).multipliedReportingOverflow(by: unit ?? 1)
    guard bytes > 0, !overflow else {
      throw Diagnostic(.usage, "--max-memory cannot be '\(maxMemory)'", hint: "wanted: bytes, or a number with K, M or G, such as 512M")
    }
    return bytes
  }

  /// Those options that were given.
  var given: [String] {
    let all = [
      ("--dim", !dimensions.isEmpty), ("--batch", batch != nil), ("--max-memory", maxMemory != nil), ("--follow-symlinks", followSymlinks),
    ]
    return all.filter(\.1).map(\.0)
  }

  func request(_ model: String) throws -> ImportRequest {
    var bound: [String: Int] = [:]
    for text in dimensions {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, let extent = Int(parts[1]), extent > 0 else {
        throw Diagnostic(.usage, "--dim '\(text)' is not name=extent", hint: "such as --dim height=224")
      }
      guard bound[String(parts[0])] == nil else { throw Diagnostic(.usage, "--dim binds '\(parts[0])' twice") }
      bound[String(parts[0])] = extent
    }
    if let batch, batch < 1 { throw Diagnostic(.usage, "--batch \(batch) is not positive") }
    return ImportRequest(
      path: model, dimensions: bound, batch: batch, memoryLimit: try memoryLimit(), followsLinks: followSymlinks)
  }
}

/// Which machines.
struct BackendFlags: ParsableArguments {
  @Option(
    name: [.customLong("backend"), .customLong("backends")],
    help: ArgumentHelp("Backends, with options in braces: cpu,imc{hardware=ideal}.", valueName: "names"))
  var backends: [String] = []

  @Option(help: "Worker threads.")
  var threads: Int = 2

  /// The named machines; nil for the one that a program was compiled for, and `cpu` for a model.
  func spellings() throws -> [Spelling]? {
    guard threads >= 1 else { throw Diagnostic(.usage, "--threads \(threads) is not positive") }
    guard !backends.isEmpty else { return nil }
    let list = try Spelling.list(backends.joined(separator: ","))
    if list.isEmpty { throw Diagnostic(.usage, "no backend is named", hint: "such as --backend cpu") }
    return list
  }

  func spellings(default fallback: String) throws -> [Spelling] { try spellings() ?? Spelling.list(fallback) }
}

/// How the network is lowered.
struct LoweringFlags: ParsableArguments {
  @Option(
    help: """
      The stage to run: \(StageChoice.allCases.map(\.rawValue).joined(separator: ", ")). By itself it is lowered where a backend cuts networks \
      to its own size or an option below says how, else canonical.
      """)
  var stage: StageChoice = .auto

  @Option(help: "Bits of activation codes, 1 to 8; what the target takes when not given.")
  var bits: Int?

  @Option(parsing: .unconditional, help: "Range of inputs that the model does not bound itself, such as -1:1.")
  var inputRange: String?

  @Option(
    help: """
      Layers that are kept in floating point unless their weights are two-valued: none, first, last, both. Both when not given, and none \
      with a budget, which chooses that itself.
      """)
  var keep: String?

  @Option(help: "How weights are binarized that are not two-valued: see 'bitline list passes'.")
  var method: String?

  @Option(help: "Bits of each weight, 1 to 4: one number, or one for each layer as 2:1:0, where 0 keeps it in floating point.")
  var bases: String?

  @Option(
    help: ArgumentHelp(
      "Rounds weights to so many bits, 2 to 8, which are evaluated slice by slice; for chips that take several bits.", valueName: "bits"))
  var weightBits: Int?

  @Option(help: ArgumentHelp("Chooses bases for each layer: the least energy that loses at most so many points.", valueName: "points%"))
  var loss: String?

  @Option(help: ArgumentHelp("Chooses bases for each layer: the least loss within so much energy a sample.", valueName: "number+nJ"))
  var energy: String?

  @Option(help: "Where activation codes end by calibration data: max, error, percentile, kl.")
  var range: String?

  @Option(help: "What stands behind every tile: exact, chip, calibrated; the target's own when not given.")
  var readout: String?

  @Option(help: "Bits of the readout; the target's own when not given.")
  var readoutBits: Int?

  @Option(help: "How inputs are split into tiles: even, full.")
  var split: String?

  @Option(help: "Which inputs share a tile: memory (side by side), or calibrated (so that sums are small on calibration data).")
  var order: String?

  @Option(help: "A pipeline that replaces the standard lowering.")
  var passes: String?

  @Option(help: ArgumentHelp("Data for calibration, without labels.", valueName: "kind:path"))
  var calibrate: String?

  @Option(help: "Samples taken for calibration; 500 by itself.")
  var calibrateCount: Int?

  /// All options that were given: a compiled program takes none of them.
  var givenAtAll: [String] {
    (stage == .auto ? [] : ["--stage"]) + given + (calibrate == nil ? [] : ["--calibrate"])
      + (calibrateCount == nil ? [] : ["--calibrate-count"])
  }

  /// Those options that were given which say how a network is lowered.
  private var given: [String] {
    let all: [(String, Bool)] = [
      ("--bits", bits != nil), ("--input-range", inputRange != nil), ("--keep", keep != nil), ("--method", method != nil),
      ("--bases", bases != nil), ("--weight-bits", weightBits != nil), ("--loss", loss != nil), ("--energy", energy != nil),
      ("--range", range != nil), ("--readout", readout != nil), ("--readout-bits", readoutBits != nil), ("--split", split != nil),
      ("--order", order != nil), ("--passes", passes != nil),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// The stage to run, for backends of which one has a target or none. Throws where options would have no effect.
  func stage(hasTarget: Bool) throws -> Stage {
    switch stage {
    case .auto: return hasTarget || !given.isEmpty ? .lowered : .canonical
    case .lowered: return .lowered
    case .raw, .canonical:
      guard given.isEmpty else {
        throw Diagnostic(.usage, "\(given[0]) has no effect at the stage \(stage.rawValue)", hint: "leave it out, or say --stage lowered")
      }
      return stage == .raw ? .raw : .canonical
    }
  }

  func options() throws -> LoweringOptions {
    var options = LoweringOptions()
    let forBits: [(String, Bool)] = [
      ("--keep", keep != nil), ("--method", method != nil), ("--bases", bases != nil), ("--loss", loss != nil), ("--energy", energy != nil),
    ]
    if weightBits != nil, let other = forBits.first(where: \.1) {
      throw Diagnostic(.usage, "\(other.0) has no effect beside --weight-bits, which rounds the weights of all layers", hint: "give one")
    }
    if let keep = try keep ?? (budget() == nil ? nil : "none") {
      guard let (first, last) = ["none": (false, false), "first": (true, false), "last": (false, true), "both": (true, true)][keep] else {
        throw Diagnostic(.usage, "--keep cannot be '\(keep)'", hint: "wanted: one of none, first, last, both")
      }
      options.binarize += [("first", first ? "keep" : "binarize"), ("last", last ? "keep" : "binarize")]
    }
    if let method { options.binarize.append(("method", method)) }
    if let bases { options.binarize.append(("bases", bases)) }
    if let weightBits { options.slice = [("bits", "\(weightBits)"), ("round", "true")] }
    if let range { options.quantize.append(("range", range)) }
    if let bits { options.quantize.append(("bits", "\(bits)")) }
    if let inputRange { options.quantize.append(("input-range", inputRange)) }
    if let split { options.tile.append(("split", split)) }
    if let order { options.tile.append(("order", order)) }
    if let readout { options.readout.append(("scale", readout)) }
    if let readoutBits { options.readout.append(("bits", "\(readoutBits)")) }
    options.pipeline = passes
    return options
  }

  /// The budget asked for; nil when there is none.
  func budget() throws -> Budget? {
    guard loss == nil || energy == nil else { throw Diagnostic(.usage, "--loss and --energy exclude each other") }
    guard bases == nil || (loss == nil && energy == nil) else { throw Diagnostic(.usage, "--bases leaves nothing to a budget") }
    return try loss.map { try Budget(loss: $0) } ?? energy.map { try Budget(energy: $0) }
  }

  /// Whether a layer is kept in floating point whatever the budget.
  func isKept(_ layer: Int, of count: Int) -> Bool {
    layer == 0 && (keep == "both" || keep == "first") || layer == count - 1 && (keep == "both" || keep == "last")
  }

  /// Batches for calibration of a graph; empty when none were asked for.
  func calibrationBatches(for graph: Graph) throws -> [[Tensor]] {
    try LabelledDataset.calibrationBatches(calibrate, count: calibrateCount ?? 500, for: graph)
  }
}

extension LabelledDataset {
  /// Samples of a data set in batches, as a graph takes them; empty when no data set is named.
  static func calibrationBatches(_ spelling: String?, count: Int, for graph: Graph) throws -> [[Tensor]] {
    guard let spelling else { return [] }
    guard count >= 1 else { throw Diagnostic(.usage, "--calibrate-count must be positive") }
    let data = try LabelledDataset(spelling: spelling, needsLabels: false).fitted(to: graph)
    let taken = min(count, data.count)
    let batch = data.boundBatch ?? 1
    guard taken >= batch else {
      throw Diagnostic(.usage, "\(taken) samples do not fill the model's batch of \(batch)", file: spelling, hint: "give more of them")
    }
    return try data.batches(of: 100, count: taken - taken % batch).map(data.inputs)
  }
}

/// How passes are watched.
struct PassFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Prints the graph after these passes; 'all' for every one.", valueName: "names"))
  var printAfter: String?

  @Flag(help: "Prints the graph after each pass that changed it.")
  var printChanged = false

  @Option(help: ArgumentHelp("Writes the graph after each pass into a folder.", valueName: "folder"))
  var dumpTo: String?

  @Flag(help: "Prints the time of each pass.")
  var timePasses = false

  @Option(help: "Stops after so many passes.")
  var stopAfter: Int?

  /// Those options that were given.
  var given: [String] {
    let all = [
      ("--print-after", printAfter != nil), ("--print-changed", printChanged), ("--dump-to", dumpTo != nil),
      ("--time-passes", timePasses), ("--stop-after", stopAfter != nil),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// Adds the observers asked for.
  func configure(_ runner: inout PassRunner, timing: PassTiming, _ registry: Registry) throws {
    if let printAfter {
      let names = printAfter.split(separator: ",").map(String.init)
      for name in names where name != "all" { _ = try registry.pass(name) }
      runner.observers.append(GraphPrinting(.after(Set(names)), emit: writeError))
    }
    if printChanged { runner.observers.append(GraphPrinting(.changed, emit: writeError)) }
    if let dumpTo { runner.observers.append(try GraphDumping(to: dumpTo)) }
    if timePasses { runner.observers.append(timing) }
    if let stopAfter { runner.stopAfter = stopAfter }
    runner.reproducerFolder = dumpTo ?? "."
  }
}
