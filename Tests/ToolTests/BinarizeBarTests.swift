import Foundation
import Testing

/// What binarization keeps of the accuracy of trained networks; skipped where models and data are absent.
///
/// The numbers are those of the full MNIST test set, 6-bit codes, calibration on the first 1000 training images without labels.
@Suite(.enabled(if: SharedFiles.areThere, "needs ../shared with models and data")) struct BinarizeBarTests {
  @Test(arguments: [
    ("lenet5-float", "both", 1, 98.9), ("lenet5-float", "both", 2, 99.2), ("lenet5-float", "both", 3, 99.3),
    ("lenet5-float", "none", 1, 98.0), ("lenet5-float", "none", 2, 99.0), ("lenet5-float", "none", 3, 99.2),
    ("lenet5-float-bn", "both", 1, 98.75), ("lenet5-float-bn", "both", 2, 99.05), ("lenet5-float-bn", "both", 3, 99.15),
    ("lenet5-float-bn", "none", 1, 97.85), ("lenet5-float-bn", "none", 2, 98.85), ("lenet5-float-bn", "none", 3, 99.05),
  ])
  func leNet(model: String, keep: String, bases: Int, atLeast: Double) throws {
    let accuracy = try SharedFiles.accuracy(model, ["--keep", keep, "--bases", "\(bases)"])
    #expect(accuracy >= atLeast, "\(model), keep \(keep), \(bases) bases: \(accuracy)")
  }

  @Test(arguments: ["both", "none"]) func aCalibratedReadoutCostsHalfAPointAtMost(keep: String) throws {
    func pipeline(_ readout: String) -> [String] {
      let ends = keep == "none" ? "first=binarize,last=binarize" : "first=keep"
      return [
        "--passes",
        "binarize{\(ends),bits=6},quantize{bits=6},canonicalize,lower-binary,canonicalize,tile{columns=64},readout{\(readout),bits=7}",
      ]
    }
    let exact = try SharedFiles.accuracy("lenet5-float", pipeline("scale=exact"))
    let read = try SharedFiles.accuracy("lenet5-float", pipeline("scale=calibrated"))
    #expect(read >= exact - 0.5, "\(exact) \(read)")
  }
}

/// Models and data beside the repository.
private enum SharedFiles {
  private static let folder = Bitline.root.deletingLastPathComponent().appendingPathComponent("shared")
  static let areThere = FileManager.default.fileExists(atPath: folder.appendingPathComponent("data/mnist/train-images-idx3-ubyte.gz").path)

  /// Top-1 on the test set, in percent.
  static func accuracy(_ model: String, _ options: [String]) throws -> Double {
    let data = "mnist:" + folder.appendingPathComponent("data/mnist").path
    let run = try Bitline.run(
      [
        "evaluate", folder.appendingPathComponent("models/\(model).onnx").path, "--stage", "lowered", "--calibrate", data + ",train",
        "--calibrate-count", "1000", "--data", data, "--format", "json",
      ] + (options.first == "--passes" ? options : options + ["--bits", "6"]))
    #expect(run.status == 0, "\(run.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let table = try #require(report["accuracy"] as? [String: Any])
    let rows = try #require(table["rows"] as? [[String: Any]])
    return try #require(rows.first?["top-1 %"] as? Double)
  }
}
