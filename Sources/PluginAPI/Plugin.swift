/// What a plug-in brings.
public struct Plugin: Sendable {
  public var name: String
  public var frontends: [any Frontend]
  public var tensorFormats: [any TensorFormat]
  public var passes: [Pass]
  public var backends: [any Backend]

  public init(
    _ name: String, frontends: [any Frontend] = [], tensorFormats: [any TensorFormat] = [], passes: [Pass] = [], backends: [any Backend] = []
  ) {
    self.name = name
    self.frontends = frontends
    self.tensorFormats = tensorFormats
    self.passes = passes
    self.backends = backends
  }
}
