import GraphIR
import Hardware
import PluginAPI

/// The article's general processor: operands lie in a memory, travel to an arithmetic unit, and results travel back.
///
/// It executes every load, multiply-accumulate and store of the ops it knows, counts them, and costs them from a description file.
/// What it does not know runs on the host and is reported as host work.
package struct BaselineBackend: Backend {
  package let name = "baseline"
  package let summary = "a memory and a processor: every operand travels, every load, store and multiply-accumulate is counted"
  package let options: [OptionSpec] = [
    OptionSpec("hardware", .text, default: "processor-65nm-int8", "the machine: a built-in hardware file or a path"),
    OptionSpec(
      "reuse", .word(Reuse.allCases.map(\.rawValue)), default: Reuse.register.rawValue,
      "none: partial sums travel too; register: sums stay in a register; full: every operand of a layer is fetched once"),
    OptionSpec(
      "weights", .word(WeightStorage.allCases.map(\.rawValue)), default: WeightStorage.int8.rawValue,
      "what a weight of ±1 is stored as: int8 takes a multiplier, bit an adder"),
  ]

  package init() {}

  package func support(for node: NodeID, in graph: Graph, _ options: Options) -> Support {
    let node = graph[node]
    if case .custom = node.op { return .no(because: "a foreign op has no kernel here") }
    switch Selection(node, in: graph) {
    case .kernel, .alias: return .native
    case .host(let reason): return .host(because: reason)
    }
  }

  package func compile(_ graph: Graph, _ options: Options) throws -> any Executable {
    let settings = try Settings(options)
    try requireSupport(for: graph, options)
    return BaselineExecutable(graph: graph, settings: settings, selections: graph.nodes.map { Selection($0, in: graph) })
  }
}

/// Which operands stay beside the arithmetic unit. Always printed: it decides the answer.
enum Reuse: String, CaseIterable, Sendable {
  /// Nothing: each multiply-accumulate loads an input, a weight and its partial sum, and stores the sum.
  case none
  /// The sum stays in a register until it is done.
  case register
  /// Each input and weight of a layer is loaded once for a sample; registers without limit hold them.
  case full
}

/// What the machine stores a weight of ±1 as.
enum WeightStorage: String, CaseIterable, Sendable {
  /// A byte, multiplied as any other weight would be.
  case int8
  /// A bit, which decides between adding and subtracting.
  case bit

  var bits: Int { self == .bit ? 1 : 8 }
}

/// The machine as the options choose it.
struct Settings: Sendable {
  let machine: ProcessorDescription
  let reuse: Reuse
  let weights: WeightStorage

  init(_ options: Options) throws {
    machine = try HardwareFile.loadProcessor(options[text: "hardware"] ?? "processor-65nm-int8")
    reuse = options[text: "reuse"].flatMap(Reuse.init(rawValue:)) ?? .register
    weights = options[text: "weights"].flatMap(WeightStorage.init(rawValue:)) ?? .int8
  }
}

/// The plug-in that brings the backend.
public let baselinePlugin = Plugin("baseline", backends: [BaselineBackend()])
