import CCPUKernels
import GraphIR
import PluginAPI

/// The conventional computer: C kernels for what takes time, chosen by instruction level, and reference kernels for all else.
///
/// It takes every op of the IR but foreign ones. Weights are packed and memory is planned when a graph is compiled.
public struct CPUBackend: Backend {
  /// The name on the command line.
  public let name = "cpu"
  /// One line for lists.
  public let summary = "SIMD kernels on this machine; the full-precision reference of every comparison"
  /// The instruction level, and how a batch is cut.
  public let options: [OptionSpec] = [
    OptionSpec(
      "isa", .word(["best", "portable", "avx2", "avx512", "neon"]), default: "best",
      "instruction level; best: what BITLINE_ISA says, or the most"),
    OptionSpec("exact", .flag, default: "false", "no Winograd transforms: every float sum is computed as it is written"),
    OptionSpec(
      "sums", .word(["auto", "f32", "f64"]), default: "auto",
      "of float layers; f64: in double precision and in order, the same bytes on every CPU; auto: so in networks with binary layers"),
    OptionSpec(
      "precision", .word(["f32", "bf16"]), default: "f32",
      "of what float layers multiply; bf16: inputs and weights rounded to 8 bits, sums in f32, where that is faster with instructions for it"
    ),
    OptionSpec("profile", .flag, default: "false", "times every step; the mapping then has a column of it"),
    OptionSpec("chunk", .int(0...65536), default: "0", "samples that run through the network together; 0: chosen by size"),
  ]

  /// The backend; it keeps nothing.
  public init() {}

  /// Every op but foreign ones runs on the processor.
  public func support(for node: NodeID, in graph: Graph, _ options: Options) -> Support {
    if case .custom(let custom) = graph[node].op { return .no(because: "'\(custom.name)' is an op of a foreign plug-in") }
    return .native
  }

  /// Packs weights and plans memory.
  public func compile(_ graph: Graph, _ options: Options) throws -> any Executable { try compile(graph, options, given: nil) }

  /// Plans memory over weights that were packed before; packs them when those are of another instruction level or of other options.
  public func compile(_ graph: Graph, _ options: Options, packed: PackedConstants) throws -> any Executable {
    try compile(graph, options, given: packed)
  }

  /// Whether they were packed for this machine's instruction level and these options.
  public func takes(_ packed: PackedConstants, _ options: Options) -> Bool {
    (try? settings(options)).map { Packer.key($0) == packed.key } ?? false
  }

  private func compile(_ graph: Graph, _ options: Options, given: PackedConstants?) throws -> any Executable {
    try requireSupport(for: graph, options)
    return try CPUExecutable(graph, settings(options), given: given)
  }

  private func settings(_ options: Options) throws -> PlanSettings {
    let level = try InstructionLevel(named: options[text: "isa"] ?? "best")
    let sums = options[text: "sums"] ?? "auto"
    let rounds = options[text: "precision"] == "bf16"
    if rounds && sums == "f64" {
      throw Diagnostic(
        .usage, "'precision=bf16' and 'sums=f64' exclude each other: products of bf16 are summed in f32", hint: "leave out one")
    }
    return PlanSettings(
      level: level, chunk: options[int: "chunk"] ?? 0, exact: options[flag: "exact"],
      ordered: rounds ? false : sums == "auto" ? nil : sums == "f64", roundsToBF16: rounds, profiles: options[flag: "profile"])
  }
}

/// The plug-in that brings the backend.
public let cpuPlugin = Plugin("cpu", backends: [CPUBackend()])
