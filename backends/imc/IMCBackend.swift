import GraphIR
import Hardware
import PluginAPI

/// A simulator of an in-memory-compute SRAM: binary layers become weight rows in local arrays, and evaluations of them.
///
/// Its converters do exactly what the graph's readouts say; an exact readout is an ideal converter. All but binary layers is host work.
/// With circuit errors on (see `ErrorModel`) its values are those of one made chip, not the contract's, and every report says so.
package struct IMCBackend: Backend {
  package let name = "imc"
  package let summary = "in-memory-compute SRAM, simulated: weights stay in the array, one evaluation sums up to a row of columns"
  package let options: [OptionSpec] =
    [
      OptionSpec("hardware", .text, default: "conv-ram-isscc2018", "the chip: a built-in hardware file or a path"),
      OptionSpec(
        "bits", .int(2...8), default: nil, "bits of inputs and outputs; one of the modes in the hardware file, the widest by default"),
      OptionSpec(
        "readout", .word(["chip", "calibrated", "exact"]), default: "chip",
        "what passes put behind each tile: the chip's converter with its own full scale, or with one for each layer from data, or none"),
      OptionSpec(
        "mean-over", .word(MacroDescription.MeanOver.allCases.map(\.rawValue)), default: nil,
        "what a mean is over where a tile has fewer inputs than there are columns: the connected ones, or all, the others held at zero; "
          + "the hardware file's when absent"),
      OptionSpec("macros", .int(1...65536), default: "1", "how many macros there are; filter groups spread over them"),
      OptionSpec(
        "order", .word(["auto"] + Assignment.Order.allCases.map(\.rawValue)), default: "auto",
        "layer by layer on all macros, or a pipeline of layers with macros of their own; auto: whichever finishes samples sooner"),
      OptionSpec("duplicate", .flag, default: "true", "copies of busy layers where row slots are left"),
    ] + ErrorModel.options

  package init() {}

  package func target(_ options: Options) throws -> Target? { try Machine(options).target }

  package func support(for node: NodeID, in graph: Graph, _ options: Options) -> Support {
    do { return try Machine(options).support(for: graph[node], in: graph) } catch { return .no(because: "\(error)") }
  }

  package func compile(_ graph: Graph, _ options: Options) throws -> any Executable {
    let machine = try Machine(options)
    return try IMCExecutable(graph: graph, program: try Program(graph, machine))
  }
}

/// The plug-in that brings the backend.
public let imcPlugin = Plugin("imc", backends: [IMCBackend()])
