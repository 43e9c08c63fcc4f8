import GraphIR
import Hardware
import PluginAPI

/// A simulator of an in-memory-compute SRAM: binary layers become weight rows in local arrays, and evaluations of them.
///
/// Its converters do exactly what the graph's readouts say; an exact readout is an ideal converter. Everything that is not a binary layer is host work.
public struct IMCBackend: Backend {
  public let name = "imc"
  public let summary = "in-memory-compute SRAM, simulated: weights stay in the array, one evaluation sums up to a row of columns"
  public let options: [OptionSpec] = [
    OptionSpec("hardware", .text, default: "conv-ram-isscc2018", "the chip: a built-in hardware file or a path"),
    OptionSpec("bits", .int(2...8), default: nil, "bits of inputs and outputs; one of the modes in the hardware file, the widest by default"),
    OptionSpec("readout", .word(["chip", "exact"]), default: "chip", "what passes put behind each tile: the chip's converter, or none"),
    OptionSpec("macros", .int(1...65536), default: "1", "how many macros there are; filter groups spread over them"),
  ]

  public init() {}

  public func target(_ options: Options) throws -> Target? { try Machine(options).target }

  public func support(for node: NodeID, in graph: Graph, _ options: Options) -> Support {
    do { return try Machine(options).support(for: graph[node], in: graph) } catch { return .no(because: "\(error)") }
  }

  public func compile(_ graph: Graph, _ options: Options) throws -> any Executable {
    let machine = try Machine(options)
    return IMCExecutable(graph: graph, program: try Program(graph, machine))
  }
}

/// The plug-in that brings the backend.
public let imcPlugin = Plugin("imc", backends: [IMCBackend()])
