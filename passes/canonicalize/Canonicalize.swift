import GraphIR
import PluginAPI

extension Pass {
  /// Runs the canonical passes, in the order of `CanonicalizePasses`, round after round until a round changes nothing.
  ///
  ///     %d = dequantize(%q, %s)                    // before
  ///     %y = conv(%d, %w)
  ///     %m = mul(%y, %scale)
  ///     %a = add(%m, %shift)
  ///     %r = relu(%a)
  ///
  ///     %d = dequantize(%q, %s)                    // after
  ///     %r = conv(%d, %w1, %b1) {activation=relu}
  public static let canonicalize = Pass("canonicalize", "folds, merges and fuses until nothing changes") { graph, context in
    var current = graph
    for _ in 0..<roundLimit {
      let before = current
      for step in CanonicalizePasses.steps {
        var stepContext = context
        stepContext.options = try Options([], for: step.name, specs: step.options)
        current = try step.run(current, stepContext)
      }
      if current == before { return current }
    }
    context.note("not settled after \(roundLimit) rounds; running it again may change more")
    return current
  }
}

/// Rounds after which a graph that still changes is handed on as it is.
private let roundLimit = 32
