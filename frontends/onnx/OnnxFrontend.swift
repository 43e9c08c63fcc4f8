import GraphIR
import PluginAPI

/// Reads ONNX models: opset 1 to 27 (a few operators from 5 or 6 on), IR version 3 and later.
///
/// A model is untrusted. What it says is checked before memory is taken or a number is used, external data stays inside the model's folder,
/// and everything that is not supported is reported at once.
public struct OnnxFrontend: Frontend {
  /// The name on the command line.
  public let name = "onnx"
  /// What it reads, in a few words.
  public let summary = "ONNX models"
  /// The ending of a model's file name.
  public let fileExtensions = ["onnx"]

  /// A frontend of the usual kind; it has no settings.
  public init() {}

  /// Reads a model. Throws a diagnostic or several that name the file, and the node where one is at fault.
  public func importModel(_ request: ImportRequest) throws -> ImportedModel {
    let limits = ImportLimits(memory: request.memoryLimit)
    return try OnnxFrontend.model(try OnnxFile(path: request.path, limits: limits, followsLinks: request.followsLinks), request)
  }

  /// The nodes of a model in running order, function calls replaced by their bodies. Throws what is wrong with the file itself.
  public func operators(_ request: ImportRequest) throws -> [OperatorUse] {
    let file = try OnnxFile(
      path: request.path, limits: ImportLimits(memory: request.memoryLimit), followsLinks: request.followsLinks)
    return try OnnxFrontend.naming(file) {
      try SourceGraph(file.model, tensors: TensorReader(owner: file, folder: file.folder)).nodes.map { node in
        var problem: String?
        do {
          _ = try OperatorTable.standard.entry(for: node)
        } catch let fault as Diagnostic {
          problem = fault.hint.map { "opset \(node.version); \($0)" } ?? "not supported"
        }
        return OperatorUse(name: node.qualifiedName, node: node.origin, problem: problem)
      }
    }
  }

  /// Reads a model in memory; it has no external data. The request's path is for messages.
  package func importModel(bytes: [UInt8], _ request: ImportRequest) throws -> ImportedModel {
    try OnnxFrontend.model(try OnnxFile(bytes: bytes, name: request.path, limits: ImportLimits(memory: request.memoryLimit)), request)
  }

  /// The operators that are read, each with the versions of its operator set.
  public static var supportedOperators: [(name: String, versions: ClosedRange<Int>)] { OperatorTable.standard.summary }

  private static func model(_ file: OnnxFile, _ request: ImportRequest) throws -> ImportedModel {
    try naming(file) {
      var model = try ModelImporter.importModel(file, request, table: .standard)
      model.notes += file.folder?.notes ?? []
      return model
    }
  }

  /// Says the file's name with whatever is wrong with it.
  private static func naming<Result>(_ file: OnnxFile, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let fault as Diagnostic {
      throw fault.inFile(file.path)
    } catch let faults as Diagnostics {
      throw Diagnostics(faults.all.map { $0.inFile(file.path) })
    }
  }
}

/// ONNX models and tensors as a plug-in.
public let onnxPlugin = Plugin("onnx", frontends: [OnnxFrontend()], tensorFormats: [OnnxTensorFormat()], graphFormats: [OnnxGraphFormat()])
