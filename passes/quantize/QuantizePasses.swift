import PluginAPI

/// The passes that turn activations into codes.
public enum QuantizePasses {
  public static let all: [Pass] = [.quantize]
}
