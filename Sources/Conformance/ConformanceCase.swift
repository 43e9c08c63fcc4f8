import GraphIR

/// A graph, and inputs to run it on.
public struct ConformanceCase: Sendable {
  /// Unique in the suite: the op family, then what is particular, such as `conv/3x3-stride-2`.
  public let name: String
  /// What is compiled, at the stage `raw`.
  public let graph: Graph
  /// One tensor for each input of the graph; a free batch is bound by them.
  public let inputs: [Tensor]

  /// A case of one's own, such as one that a foreign plug-in adds for its ops.
  public init(name: String, graph: Graph, inputs: [Tensor]) {
    self.name = name
    self.graph = graph
    self.inputs = inputs
  }

  /// The same inputs for another stage of the graph.
  func with(_ graph: Graph) -> ConformanceCase { ConformanceCase(name: name, graph: graph, inputs: inputs) }

  /// The extent of the batch that the inputs bind; nil when no input has a free one.
  var batch: Int? {
    zip(graph.inputs, inputs).first { graph.type(of: $0.0).shape.hasFreeBatch }?.1.shape[0]
  }
}
