import PluginAPI

/// The passes that make weights binary.
public enum BinarizePasses {
  /// In the order in which they run.
  public static let all: [Pass] = [.matmulToConv, .equalize, .binarize]
}
