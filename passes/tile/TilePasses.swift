import PluginAPI

/// The passes that bring binary layers into the form that all three machines run.
public enum TilePasses {
  /// In the order in which they run.
  public static let all: [Pass] = [.sliceWeights, .lowerBinary, .tile, .readout]
}
