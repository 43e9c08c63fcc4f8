import GraphIR
import PluginAPI

/// Reads graphs in the house's own text form: `NAME.ir`, with large constants beside it in `NAME.ir.weights`.
public struct TextFrontend: Frontend {
  /// The name on the command line.
  public let name = "text"
  /// One line for lists.
  public let summary = "Bitline's own text form (.ir), with large constants in NAME.ir.weights"
  /// File endings without the dot.
  public let fileExtensions = ["ir"]

  /// Creates one.
  public init() {}

  /// Reads a graph and verifies it.
  public func importModel(_ request: ImportRequest) throws -> ImportedModel {
    do {
      let weights = request.path + ".weights"
      let constants = Files.exists(weights) ? try ConstantArchive.decode(Files.read(weights)[...]) : [:]
      var graph = try Parser.parse(Files.read(request.path)) { constants[$0] }
      try Diagnostics.throwIfAny(Verifier.faults(in: graph))
      if let batch = request.batch { graph = try graph.bound(batch: batch) }
      return ImportedModel(graph: graph)
    } catch let fault as Diagnostic {
      throw fault.inFile(request.path)
    }
  }
}

/// The text frontend as a plug-in.
public let textPlugin = Plugin("text", frontends: [TextFrontend()])
