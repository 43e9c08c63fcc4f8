/// What a plug-in brings.
public struct Plugin: Sendable {
  /// The name on the command line.
  public var name: String
  /// Its frontends.
  public var frontends: [any Frontend]
  /// Its formats of tensor files.
  public var tensorFormats: [any TensorFormat]
  /// Its formats that graphs are written in.
  public var graphFormats: [any GraphFormat]
  /// Its passes.
  public var passes: [Pass]
  /// Its backends.
  public var backends: [any Backend]

  /// Creates one from its parts.
  public init(
    _ name: String, frontends: [any Frontend] = [], tensorFormats: [any TensorFormat] = [], graphFormats: [any GraphFormat] = [],
    passes: [Pass] = [], backends: [any Backend] = []
  ) {
    self.name = name
    self.frontends = frontends
    self.tensorFormats = tensorFormats
    self.graphFormats = graphFormats
    self.passes = passes
    self.backends = backends
  }
}
