import PluginAPI

/// The passes that make weights binary.
public enum BinarizePasses {
  public static let all: [Pass] = [.binarize]
}
