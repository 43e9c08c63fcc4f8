import GraphIR

/// What to import, and how.
public struct ImportRequest: Sendable {
  /// The file.
  public var path: String
  /// Extents of free dimensions, by name.
  public var dimensions: [String: Int]
  /// The extent of the batch dimension; nil leaves it free.
  public var batch: Int?
  /// An upper bound on memory taken while importing, in bytes.
  public var memoryLimit: Int
  /// Whether a model's external data may lie behind symbolic links.
  public var followsLinks: Bool
  /// What the model will be run on: a frontend may use it where a shape depends on an input's elements.
  public var given = GivenInputs()

  /// Creates one from its parts.
  public init(
    path: String, dimensions: [String: Int] = [:], batch: Int? = nil, memoryLimit: Int = 4 << 30, followsLinks: Bool = false
  ) {
    self.path = path
    self.dimensions = dimensions
    self.batch = batch
    self.memoryLimit = memoryLimit
    self.followsLinks = followsLinks
  }
}

/// A graph as it came from a file, and what the user should know about how it was read.
public struct ImportedModel: Sendable {
  /// The graph.
  public var graph: Graph
  /// What the user should know.
  public var notes: [String]
  /// Inputs of the model that are constants of the graph, because a shape depends on the elements they were given.
  public var boundInputs: [String]
  /// The names of all inputs of the model, those that became constants too.
  public var inputNames: [String]

  /// Creates one from its parts.
  public init(graph: Graph, notes: [String] = [], boundInputs: [String] = [], inputNames: [String]? = nil) {
    self.graph = graph
    self.notes = notes
    self.boundInputs = boundInputs
    self.inputNames = inputNames ?? graph.inputs.map { graph[$0].name }
  }
}

/// A node as a model's own format names it.
public struct OperatorUse: Sendable {
  /// The operator.
  public var name: String
  /// What nodes made of it carry as their origin.
  public var node: String
  /// Why it is not read; nil when it is.
  public var problem: String?

  /// Creates one from its parts.
  public init(name: String, node: String, problem: String?) {
    self.name = name
    self.node = node
    self.problem = problem
  }
}

/// Reads models of one format.
public protocol Frontend: Sendable {
  var name: String { get }
  var summary: String { get }
  /// File endings without the dot, such as `onnx`.
  var fileExtensions: [String] { get }
  /// Reads a model. Throws `Diagnostic` or `Diagnostics` that name the file and node.
  func importModel(_ request: ImportRequest) throws -> ImportedModel
  /// The nodes of a model by the names of its format, whether they are supported or not; none where the format has no names of its own.
  func operators(_ request: ImportRequest) throws -> [OperatorUse]
}

extension Frontend {
  /// None.
  public func operators(_ request: ImportRequest) throws -> [OperatorUse] { [] }
}

/// Writes graphs in one format, for other programs to read.
public protocol GraphFormat: Sendable {
  /// What `--emit` calls it.
  var name: String { get }
  var summary: String { get }
  /// The bytes of a file that holds the graph. Throws `Diagnostics` that name every node that the format cannot say.
  func bytes(of graph: Graph) throws -> [UInt8]
  /// What stands beside the file, under its name with an ending behind it; nil when the file holds all.
  func companion(of graph: Graph) throws -> (ending: String, bytes: [UInt8])?
}

extension GraphFormat {
  /// Nothing: the file holds all.
  public func companion(of graph: Graph) throws -> (ending: String, bytes: [UInt8])? { nil }
}

/// Reads and writes single tensors in one file format.
public protocol TensorFormat: Sendable {
  var name: String { get }
  /// File endings without the dot, such as `npy`.
  var fileExtensions: [String] { get }
  /// The tensors of a file, with their names there (empty where the format has none).
  func read(path: String) throws -> [(name: String, tensor: Tensor)]
  /// The bytes of a file that holds one tensor.
  func bytes(of tensor: Tensor, name: String) throws -> [UInt8]
}
