import GraphIR
import PluginAPI

/// Everything the plug-ins brought, by name.
public struct Registry: Sendable {
  /// The plug-ins, in order.
  public let plugins: [Plugin]

  /// Creates one from its parts.
  public init(_ plugins: [Plugin]) { self.plugins = plugins }

  /// Its frontends.
  public var frontends: [any Frontend] { plugins.flatMap(\.frontends) }
  /// Its formats of tensor files.
  public var tensorFormats: [any TensorFormat] { plugins.flatMap(\.tensorFormats) }
  /// Its formats that graphs are written in.
  public var graphFormats: [any GraphFormat] { plugins.flatMap(\.graphFormats) }
  /// Its passes.
  public var passes: [Pass] { plugins.flatMap(\.passes) }
  /// Its backends.
  public var backends: [any Backend] { plugins.flatMap(\.backends) }

  /// The backend of that name; throws a usage diagnostic that lists those there are.
  public func backend(_ name: String) throws -> any Backend {
    if let backend = backends.first(where: { $0.name == name }) { return backend }
    throw Diagnostic(.usage, "there is no backend '\(name)'", hint: "known: \(backends.map(\.name).joined(separator: ", "))")
  }

  /// The pass of that name; throws a usage diagnostic that names near ones.
  public func pass(_ name: String) throws -> Pass {
    if let pass = passes.first(where: { $0.name == name }) { return pass }
    throw Diagnostic(.usage, "there is no pass '\(name)'", hint: "known: \(passes.map(\.name).joined(separator: ", "))")
  }

  /// Reads a model with the frontend that its file ending names.
  public func importModel(_ request: ImportRequest) throws -> ImportedModel {
    let model = try frontend(for: request).importModel(request)
    try Diagnostics.throwIfAny(Verifier.faults(in: model.graph))
    if let batch = request.batch, !request.dimensions.isEmpty {
      let extents = model.graph.inputs.compactMap { model.graph.type(of: $0).shape.dimensions.first }
      guard extents.isEmpty || extents.contains(batch) else {
        throw Diagnostic(.usage, "--batch \(batch) binds nothing: --dim has bound the batch", hint: "leave one of them out")
      }
    }
    return model
  }

  /// The nodes of a model by the names of its own format; none where that has no others than the graph's.
  public func operators(_ request: ImportRequest) throws -> [OperatorUse] { try frontend(for: request).operators(request) }

  private func frontend(for request: ImportRequest) throws -> any Frontend {
    let ending = Files.fileExtension(request.path)
    guard let frontend = frontends.first(where: { $0.fileExtensions.contains(ending) }) else {
      guard Files.exists(request.path) else { throw Diagnostic(.badInput, "there is no such file", file: request.path) }
      let known = frontends.flatMap(\.fileExtensions).map { ".\($0)" }.joined(separator: ", ")
      throw Diagnostic(.badInput, "no frontend reads '.\(ending)' files", file: request.path, hint: "known: \(known)")
    }
    return frontend
  }

  /// Reads the tensors of a file with the format that its ending names.
  public func readTensors(_ path: String) throws -> [(name: String, tensor: Tensor)] {
    let ending = Files.fileExtension(path)
    guard let format = tensorFormats.first(where: { $0.fileExtensions.contains(ending) }) else {
      let known = tensorFormats.flatMap(\.fileExtensions).map { ".\($0)" }.joined(separator: ", ")
      throw Diagnostic(.badInput, "no reader for '.\(ending)' files", file: path, hint: "known: \(known)")
    }
    return try format.read(path: path)
  }

  /// Spelled backends with their checked options, such as `imc{hardware=ideal}`.
  public func backends(_ spellings: [Spelling]) throws -> [ConfiguredBackend] {
    try spellings.map { spelling in
      let backend = try backend(spelling.name)
      return ConfiguredBackend(
        spelling: spelling, backend: backend, options: try Options(spelling.given, for: backend.name, specs: backend.options))
    }
  }
}

/// A backend and the options it was asked for with.
public struct ConfiguredBackend: Sendable {
  /// As it was written.
  public let spelling: Spelling
  /// The backend.
  public let backend: any Backend
  /// The options it takes.
  public let options: Options

  /// What passes should cut a network to; nil for a machine that takes any graph.
  public func target() throws -> Target? { try backend.target(options) }

  /// Makes a graph ready to run.
  public func compile(_ graph: Graph) throws -> any Executable { try backend.compile(graph, options) }

  /// Makes the graph of a program ready to run.
  public func compile(_ program: ProgramFile) throws -> any Executable {
    guard let packed = program.packed, backend.takes(packed, options) else {
      try program.checkConstants()
      return try compile(program.graph)
    }
    return try backend.compile(program.graph, options, packed: packed)
  }
}
