import GraphIR
import PluginAPI

/// Writes graphs as ONNX models of the default domain only, in opset 21 or the first later one that has what the graph needs: codes as
/// QuantizeLinear and DequantizeLinear, binary layers as int8 weights of ±1 and sums in f32, which are exact.
///
/// Names of values and origins of nodes are kept, and a free batch is called `N`. A bit that is computed, element types that ONNX's
/// operator does not take, and `custom` cannot be written: they are reported all at once.
public struct OnnxGraphFormat: GraphFormat {
  /// The name on the command line.
  public let name = "onnx"
  /// One line for lists.
  public let summary = "a standard ONNX model, opset 21 or the first that has what is needed"

  /// The format; it has no settings.
  public init() {}

  /// The bytes of a model file.
  public func bytes(of graph: Graph) throws -> [UInt8] { try GraphEmitter.emit(graph) }
}
