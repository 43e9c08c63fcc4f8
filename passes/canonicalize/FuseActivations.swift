import GraphIR
import PluginAPI

extension Pass {
  /// Moves a relu or clip into the layer before it, when nothing else uses that layer's result. Exact.
  ///
  ///     %y = conv(%x, %w, %b)                              // before
  ///     %a = clip(%y) {lo=0.0, hi=1.0}
  ///
  ///     %a = conv(%x, %w, %b) {activation=clip(0.0, 1.0)}  // after
  public static let fuseActivations = Pass("fuse-activations", "moves relu and clip into the layer before") { graph, _ in
    let uses = graph.useCounts
    return try graph.rewritten { candidate, new, _ in
      guard let outer = Bounds(candidate.node.op), uses[Int(candidate.node.operands[0].index)] == 1,
        let layer = new.definition(of: candidate.operands[0]), new.type(of: candidate.operands[0]).element == .float32,
        let fused = layer.op.followed(by: outer)
      else { return nil }
      return try new.append(fused, layer.operands, origin: layer.origin)
    }
  }
}

extension Op {
  /// The layer with `outer` applied to what it hands on; nil when the op has no activation.
  fileprivate func followed(by outer: Bounds) -> Op? {
    switch self {
    case .conv(var a):
      guard let bounds = Bounds(a.activation).followed(by: outer) else { return nil }
      a.activation = bounds.activation
      return .conv(a)
    case .dense(let a): return Bounds(a.activation).followed(by: outer).map { .dense(Dense(activation: $0.activation)) }
    case .rescale(let a): return Bounds(a.activation).followed(by: outer).map { .rescale(Rescale(activation: $0.activation)) }
    default: return nil
    }
  }
}
