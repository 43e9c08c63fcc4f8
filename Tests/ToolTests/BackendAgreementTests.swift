import Foundation
import Testing

/// Binarized networks whose ends stay in floating point: the same bytes on every backend, at every instruction level.
@Suite struct BackendAgreementTests {
  @Test(arguments: ["sign", "alternating", "lsq", "gptq", "descent"])
  func everyMethodGivesTheSameBytes(method: String) throws {
    let run = try Bitline.run(
      [
        "compare", "models/lenet5-float-bn.onnx", "--backends", "cpu,cpu{isa=portable},imc,baseline", "--method", method, "--bases", "2",
        "--stage", "lowered", "--keep", "both", "--readout", "calibrated", "--calibrate", "digits:200", "--data", "digits:50",
      ])
    #expect(run.status == 0, "\(run.error)")
    #expect(run.output.contains("all values equal, byte for byte"), "\(run.output)")
  }

  /// Targets, inputs and ranges come from float layers: were they summed otherwise at another level, other bits would be chosen.
  @Test func calibrationGivesTheSameNetworkAtEveryLevel() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    func network(_ environment: [String: String]) throws -> [Data] {
      let run = try Bitline.run(
        [
          "opt", "models/lenet5-float-bn.onnx", "--passes", "canonicalize,binarize{bases=2}", "--calibrate", "digits:200", "-o",
          folder.appendingPathComponent("net.ir").path,
        ], environment: environment)
      #expect(run.status == 0, "\(run.error)")
      return try ["net.ir", "net.ir.weights"].map { try Data(contentsOf: folder.appendingPathComponent($0)) }
    }
    let portable = try network(["BITLINE_ISA": "portable"])
    #expect(try network([:]) == portable)
  }
}
