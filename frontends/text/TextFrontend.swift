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
    if let name = request.dimensions.keys.sorted().first {
      throw Diagnostic(.usage, "the text form has no dimension '\(name)'", file: request.path, hint: "--batch binds the one that is free")
    }
    do {
      let weights = request.path + ".weights"
      let constants = Files.exists(weights) ? try ConstantArchive.decode(MappedFile(path: weights).storage) : [:]
      var graph = try Parser.parse(Files.read(request.path), memoryLimit: request.memoryLimit) { constants[$0] }
      try Diagnostics.throwIfAny(Verifier.faults(in: graph))
      if let batch = request.batch { graph = try graph.bound(batch: batch) }
      return ImportedModel(graph: graph)
    } catch let fault as Diagnostic {
      throw fault.inFile(request.path)
    }
  }
}

/// Writes graphs in the text form, with large constants beside it.
public struct TextGraphFormat: GraphFormat {
  /// What `--emit` calls it.
  public let name = "text"
  /// One line for lists.
  public let summary = "Bitline's own text form, with large constants in NAME.weights"

  /// Creates one.
  public init() {}

  /// The text.
  public func bytes(of graph: Graph) -> [UInt8] { Array(Printer.print(graph).utf8) }

  /// The large constants.
  public func companion(of graph: Graph) -> (ending: String, bytes: [UInt8])? {
    let constants = Printer.constants(of: graph)
    return constants.isEmpty ? nil : (".weights", ConstantArchive.encode(constants))
  }
}

/// The text form as a plug-in.
public let textPlugin = Plugin("text", frontends: [TextFrontend()], graphFormats: [TextGraphFormat()])
