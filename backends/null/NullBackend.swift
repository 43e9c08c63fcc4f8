import GraphIR
import PluginAPI

/// A backend that compiles every graph and runs none: the page to copy when a backend is begun.
///
/// To begin one: copy this folder and rename its type; give it a target in `Package.swift` beside this one's (a backend depends on
/// `GraphIR`, `PluginAPI` and, for host work, `ReferenceKernels`, never on another plug-in); add its plug-in to the list of built-in
/// plug-ins in `Sources/bitline/BuiltInPlugins.swift`. Then
/// 1. say in `support` which nodes the machine takes, and why not the others: a wrong `native` is worse than an honest `host`;
/// 2. do in `compile` what can be done once: pack weights, plan memory, choose kernels;
/// 3. compute in `run`, by the text of each op in `GraphIR`, and hand `Reference.evaluate` what is host work;
/// 4. face the suite: add it to `Tests/ConformanceTests/BackendTests.swift`.
public struct NullBackend: Backend {
  /// How the command line spells it.
  public let name = "null"
  /// One line for `bitline list backends`.
  public let summary = "compiles everything, runs nothing"

  /// One `OptionSpec` for each option; the command line, `bitline list` and error messages read this list.
  public let options: [OptionSpec] = []

  /// A backend has no state: whatever can be chosen is an option.
  public init() {}

  /// What passes cut a network to. A machine that takes any graph has no target.
  public func target(_ options: Options) throws -> Target? { nil }

  /// Asked for each node; look at `graph` for the types of its operands and for constants.
  public func support(for node: NodeID, in graph: Graph, _ options: Options) -> Support { .native }

  /// Called once; what it returns may run many times, on several threads at once.
  public func compile(_ graph: Graph, _ options: Options) throws -> any Executable {
    try requireSupport(for: graph, options)
    return NullExecutable(graph: graph)
  }
}

/// What `NullBackend` compiles to: the graph.
struct NullExecutable: Executable {
  let graph: Graph

  /// A real one returns a tensor for each graph output and each tap, the same bytes for any `threads` and any split of a batch.
  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    throw Diagnostic(.unsupported, "backend 'null' runs nothing", hint: "it only compiles; run on cpu, imc or baseline")
  }

  /// The nodes in the order in which they would run. `mapping` and `costs` have defaults of nil: there is nothing to say here.
  var listing: String? { graph.nodes.map { "\($0.op.name) \($0.origin)" }.joined(separator: "\n") }
}

/// The plug-in that brings the backend; named once, in the list of built-in plug-ins.
public let nullPlugin = Plugin("null", backends: [NullBackend()])
