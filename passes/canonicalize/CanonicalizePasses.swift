import PluginAPI

/// The passes that bring an imported graph to its canonical form.
public enum CanonicalizePasses {
  /// All of them; `canonicalize` is the others, run until nothing changes.
  public static let all: [Pass] = [.canonicalize] + steps

  /// The steps of `canonicalize`, in order.
  static let steps: [Pass] = [
    .foldConstants, .removeIdentities, .mergeEqual, .matmulToDense, .foldAffine, .fuseActivations, .sinkDequantize, .mergeQuantize,
    .removeDead,
  ]
}
