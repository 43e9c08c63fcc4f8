import PluginAPI

/// The passes that turn activations into codes.
public enum QuantizePasses {
  /// In the order in which they run.
  public static let all: [Pass] = [.quantize]
}
