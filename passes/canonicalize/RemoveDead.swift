import PluginAPI

extension Pass {
  /// Drops nodes and constants that no output needs; inputs stay.
  ///
  ///     %r = relu(%x)        // before
  ///     %s = sigmoid(%x)
  ///     return %r
  ///
  ///     %r = relu(%x)        // after
  ///     return %r
  public static let removeDead = Pass("remove-dead", "drops what no output needs") { graph, _ in graph.pruned() }
}
