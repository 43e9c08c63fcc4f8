import Datasets
import Foundation
import GraphIR
import Testing

/// Networks that take no images, on data in NumPy's form.
@Suite struct OwnDataTests {
  /// Two inputs; the decision is where their sum is greatest.
  private static let network = """
    graph "g" {
      %0 = input "left" : f32[?x3]
      %1 = input "right" : f32[?x3]
      %2 = add(%0, %1) : f32[?x3] "sum"
      %3 = reshape(%2) {shape=[-1, 3, 1]} : f32[?x3x1]
      output "scores" = %3
    }

    """

  private func use(_ body: (_ folder: URL, _ model: String) throws -> Void) throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = folder.appendingPathComponent("g.ir")
    try Data(Self.network.utf8).write(to: model)
    try body(folder, model.path)
  }

  private func spelling(_ folder: URL, _ arrays: [(name: String, tensor: Tensor)]) throws -> String {
    let path = folder.appendingPathComponent("\(arrays.map(\.name).joined()).npz")
    try Data(NpzFormat.bytes(of: arrays)).write(to: path)
    return "npz:\(path.path)"
  }

  private let left = (name: "left", tensor: Tensor(.float32, [4, 3], [0, 1, 0, 5, 0, 0, 0, 0, 1, 2, 0, 0] as [Float]))
  private let right = (name: "right", tensor: Tensor(.float32, [4, 3], [0, 0, 2, 0, 1, 1, 0, 3, 0, 0, 1, 0] as [Float]))

  @Test func arraysByNameFeedInputs() throws {
    try use { folder, model in
      let data = try spelling(folder, [right, left, ("labels", .integers(.int64, [4], [2, 0, 1, 2]))])
      let outcome = try Bitline.run([
        "evaluate", model, "--backends", "cpu,baseline", "--stage", "canonical", "--data", data, "--batch-size", "3",
      ])
      #expect(outcome.status == 0, "\(outcome.error)")
      let rows = outcome.output.split(separator: "\n").filter { $0.contains(" canonical ") }
      #expect(rows.count == 2 && rows.allSatisfy { $0.contains(" 3    75.00 ") }, "\(outcome.output)")
    }
  }

  @Test func onlyAccuracyNeedsLabels() throws {
    try use { folder, model in
      let data = try spelling(folder, [left, right])
      let compared = try Bitline.run(["compare", model, "--stage", "canonical", "--data", data])
      #expect(compared.status == 0 && compared.output.contains("4 samples"), "\(compared.error)")
      let evaluated = try Bitline.run(["evaluate", model, "--stage", "canonical", "--data", data])
      #expect(evaluated.status == 4 && evaluated.error.contains("has no array 'labels', only 'left', 'right'"))
      let lacking = try Bitline.run(["compare", model, "--stage", "canonical", "--data", spelling(folder, [left])])
      #expect(lacking.status == 4 && lacking.error.contains("has no array 'right', which the model takes, only 'left'"))
    }
  }

  /// A batch of 1, as exporters write it, is any batch to calibration; what is lowered is seen by the machine that was named.
  @Test func calibratesABoundBatch() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = folder.appendingPathComponent("bound.ir")
    let network = """
      graph "bound" {
        %0 = input "x" : f32[1x4]
        %1 = constant [1.0, -2.0, 3.0, 0.5, -1.0, 2.0, 0.25, -3.0, 1.0, 1.0, -0.5, 2.0] : f32[3x4] "w"
        %2 = dense(%0, %1) : f32[1x3] "y" @"layer"
        output "y" = %2
      }

      """
    try Data(network.utf8).write(to: model)
    let x = Tensor(.float32, [40, 4], (0..<160).map { Float(($0 * 7) % 23) - 11 })
    let data = try spelling(folder, [("images", x)])
    let compiled = try Bitline.run(["compile", model.path, "--backend", "imc", "--keep", "none", "--calibrate", data])
    #expect(compiled.status == 0 && compiled.output.contains("1 nodes on the machine"), "\(compiled.error)\(compiled.output)")
    let inspect = ["inspect", model.path, "--support", "--backend", "imc", "--keep", "none", "--calibrate", data]
    #expect(try Bitline.run(inspect).output.contains("binary_dense"))
    let bits = try Bitline.run(["compile", model.path, "--backend", "imc{hardware=jia-65nm}", "--keep", "none", "--weight-bits", "4"])
    #expect(bits.status == 2 && bits.error.contains("--keep has no effect beside --weight-bits"))
  }

  /// Samples that are no images are drawn too, whatever their range.
  @Test func showsAnySamples() throws {
    try use { folder, _ in
      let wild = Tensor(.float32, [1, 4], [-7, .nan, 0.55, .infinity] as [Float])
      let data = try spelling(folder, [("wild", wild), ("labels", .integers(.int64, [1], [0]))])
      let outcome = try Bitline.run(["data", data, "--show", "1"])
      #expect(outcome.output.hasSuffix("1 samples of 4\n\nlabel 0\n  +@\n"), "\(outcome.output)")
    }
  }
}
