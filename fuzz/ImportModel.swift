import GraphIR
import OnnxFrontend
import PluginAPI

/// One input of the fuzzer: bytes of a model file. Whatever they are, they are imported or refused.
@_cdecl("LLVMFuzzerTestOneInput")
public func importModel(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let request = ImportRequest(path: "fuzz.onnx", memoryLimit: 64 << 20)
  guard let model = try? OnnxFrontend().importModel(bytes: bytes, request) else { return 0 }
  precondition(Verifier.faults(in: model.graph).isEmpty, "the importer handed out a graph that does not hold together")
  // What was imported can be written again, or is refused as a whole.
  guard let again = try? OnnxGraphFormat().bytes(of: model.graph) else { return 0 }
  _ = try? OnnxFrontend().importModel(bytes: again, request)
  return 0
}
