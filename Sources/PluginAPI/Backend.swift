import GraphIR

/// Whether a backend takes a node.
public enum Support: Hashable, Sendable {
  /// It runs on the machine that the backend stands for.
  case native
  /// It runs on the host beside that machine, and is reported as host work.
  case host(because: String)
  /// It does not run.
  case no(because: String)
}

/// What a run gave: one tensor for each graph output, and one for each tap.
public struct RunResult: Sendable {
  /// One tensor for each output.
  public var outputs: [Tensor]
  /// One tensor for each tap.
  public var taps: [Tensor]

  /// Creates one from its parts.
  public init(outputs: [Tensor], taps: [Tensor]) {
    self.outputs = outputs
    self.taps = taps
  }
}

/// Constants as a machine reads them: made when a graph is compiled, kept beside it in a program file, and read where they lie.
///
/// They are trusted as the machine's own code is: whoever reads them follows offsets in them.
public struct PackedConstants: Sendable {
  /// What they were made for. Who finds another key packs anew.
  public let key: String
  /// The bytes, aligned to 64.
  package let storage: TensorStorage

  package init(key: String, storage: TensorStorage) {
    self.key = key
    self.storage = storage
  }
}

/// A graph made ready to run on one machine.
public protocol Executable: Sendable {
  /// The graph that was compiled; its ids name taps.
  var graph: Graph { get }

  /// Runs the graph on one batch. Inputs stand in graph order and fit its types; a free batch is bound by them.
  ///
  /// Results are the same for any number of threads and any split of a batch.
  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult

  /// How the network lies on the machine, one row a layer; nil when there is nothing to say.
  var mapping: Table? { get }

  /// The compiled program as text; nil when there is none to show.
  var listing: String? { get }

  /// What one sample costs; nil for a machine without costs.
  var costs: CostReport? { get }

  /// Why values are not those of the numeric contract; nil where they are.
  var valuesNote: String? { get }

  /// What `compile` may be given to be spared packing; nil for a machine that packs nothing.
  var packed: PackedConstants? { get }
}

extension Executable {
  /// Nothing to say.
  public var mapping: Table? { nil }
  /// Nothing to show.
  public var listing: String? { nil }
  /// They are.
  public var valuesNote: String? { nil }
  /// Nothing to cost.
  public var costs: CostReport? { nil }
  /// Nothing packed.
  public var packed: PackedConstants? { nil }
}

/// A machine that graphs are compiled for.
public protocol Backend: Sendable {
  var name: String { get }
  var summary: String { get }
  var options: [OptionSpec] { get }

  /// What passes should cut a network to; nil for a machine that takes any graph.
  func target(_ options: Options) throws -> Target?

  /// Whether the backend takes a node, and why not.
  func support(for node: NodeID, in graph: Graph, _ options: Options) -> Support

  /// Makes a graph ready to run. Throws `Diagnostics` that name every node it cannot take.
  func compile(_ graph: Graph, _ options: Options) throws -> any Executable

  /// Whether `compile` would read constants as they are packed there, and not the graph's.
  func takes(_ packed: PackedConstants, _ options: Options) -> Bool

  /// The same for a graph that was compiled before with the same options: `packed` is what its executable had.
  func compile(_ graph: Graph, _ options: Options, packed: PackedConstants) throws -> any Executable
}

extension Backend {
  /// The options it takes.
  public var options: [OptionSpec] { [] }
  /// What passes should cut a network to; nil: any graph will do.
  public func target(_ options: Options) throws -> Target? { nil }

  /// It reads the graph's.
  public func takes(_ packed: PackedConstants, _ options: Options) -> Bool { false }

  /// Compiles as if nothing were packed.
  public func compile(_ graph: Graph, _ options: Options, packed: PackedConstants) throws -> any Executable {
    try compile(graph, options)
  }

  /// Throws one diagnostic for each node that the backend does not run at all.
  public func requireSupport(for graph: Graph, _ options: Options) throws {
    try Diagnostics.throwIfAny(
      graph.nodeIDs.compactMap { id in
        guard case .no(let reason) = support(for: id, in: graph, options) else { return nil }
        return Diagnostic(.unsupported, "backend '\(name)' does not take '\(graph[id].op.name)': \(reason)", place: graph[id].origin)
      })
  }
}
