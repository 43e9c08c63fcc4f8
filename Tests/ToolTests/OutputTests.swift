import Datasets
import Foundation
import GraphIR
import Testing

/// Where results go: folders, keys of reports, and what cannot be written.
@Suite struct OutputTests {
  private let model = "models/lenet5-bw-qdq6.onnx"

  @Test func configurationsOfOneBackendHaveFoldersOfTheirOwn() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (input, out) = (folder.appendingPathComponent("x.npy"), folder.appendingPathComponent("out"))
    try Bitline.npy(descr: "<f4", shape: "(1, 1, 28, 28)", bytes: [UInt8](repeating: 0, count: 4 * 784)).write(to: input)
    let outcome = try Bitline.run([
      "run", model, "--input", input.path, "--backends", "cpu,cpu{isa=portable},baseline", "--output-dir", out.path,
    ])
    #expect(outcome.status == 0, "\(outcome.error)")
    let folders = try FileManager.default.contentsOfDirectory(atPath: out.path).sorted()
    #expect(folders == ["baseline", "cpu", "cpu-2"])
  }

  @Test func keysOfAReportAreDistinct() throws {
    func keys(_ arguments: [String]) throws -> [String] {
      let outcome = try Bitline.run(arguments + ["--format", "json"])
      #expect(outcome.status == 0, "\(outcome.error)")
      return outcome.output.split(separator: "\n").filter { $0.hasPrefix("  \"") }.map { String($0.split(separator: "\"")[1]) }
    }
    let evaluate = ["evaluate", model, "--data", "digits:5", "--confusion", "--backends"]
    #expect(try keys(evaluate + ["cpu"]).filter { $0.hasPrefix("confusion") } == ["confusion"])
    #expect(
      try keys(evaluate + ["cpu,baseline,cpu"]).filter { $0.hasPrefix("confusion") }
        == ["confusion of cpu", "confusion of baseline", "confusion of cpu 2"])
    let profile = try keys(["profile", model, "--repeat", "1", "--backends", "cpu,cpu{isa=portable}"])
    #expect(profile == ["total", "layers of cpu", "layers of cpu{isa=portable}"])
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"))) func fullOutputIsAFault() throws {
    let full = try Bitline.shell("exec \"$0\" \"$@\" > /dev/full", ["list", "ops"])
    #expect(full.status == 4 && full.error == "error: standard output: cannot write: No space left on device\n", "\(full)")
    // Whoever closed a pipe is not told that it is closed, and the work was not done.
    let closed = try Bitline.shell("(trap '' PIPE; sleep 0.3; \"$0\" \"$@\"; echo $? >&2) | exec 0<&-", ["list", "ops"])
    #expect(closed.error == "4\n", "\(closed)")
  }

  @Test func aLabelWithoutClassIsNamed() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("labels.npz")
    let arrays = [
      ("images", Tensor(zeros: .float32, [3, 1, 28, 28])), ("labels", Tensor.integers(.int64, [3], [9, 10, 300])),
    ]
    try Data(NpzFormat.bytes(of: arrays)).write(to: path)
    for command in ["evaluate", "yield"] {
      let outcome = try Bitline.run([command, model, "--data", "npz:\(path.path)"])
      #expect(outcome.status == 4 && outcome.error.contains("sample 1 has label 10"), "\(outcome.error)")
    }
    #expect(try Bitline.run(["evaluate", model, "--data", "npz:\(path.path)", "--count", "1"]).status == 0)
  }

  @Test func aModelWithoutInputsTakesNoData() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = folder.appendingPathComponent("g.ir")
    try Data("graph \"g\" {\n  %0 = constant [1.0, 2.0] : f32[1x2]\n  output \"y\" = %0\n}\n".utf8).write(to: model)
    for command in ["evaluate", "compare"] {
      let outcome = try Bitline.run([command, model.path, "--backends", "cpu,baseline", "--stage", "raw", "--data", "digits:10"])
      #expect(outcome.status == 2 && outcome.error.contains("takes no inputs"), "\(outcome.error)")
    }
  }

  /// A program remembers the sheet that it was compiled with.
  @Test func anEditedSheetIsNoticed() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (sheet, program) = (folder.appendingPathComponent("h.yaml"), folder.appendingPathComponent("h.bitline"))
    var text = try String(contentsOf: Bitline.root.appendingPathComponent("hardware/conv-ram-isscc2018.yaml"), encoding: .utf8)
    try text.write(to: sheet, atomically: true, encoding: .utf8)
    let backend = "imc{hardware=\(sheet.path)}"
    #expect(try Bitline.run(["compile", model, "--backend", backend, "-o", program.path]).status == 0)
    let measure = ["evaluate", program.path, "--data", "digits:2"]
    #expect(try Bitline.run(measure).status == 0)
    text += "# edited\n"
    try text.write(to: sheet, atomically: true, encoding: .utf8)
    let edited = try Bitline.run(measure)
    #expect(edited.status == 4 && edited.error.contains("hardware '\(sheet.path)' said something else"), "\(edited.error)")
    #expect(try Bitline.run(measure + ["--backend", backend]).status == 0)
  }

  /// Large constants are compared with their hash by whoever computes from them; where weights lie packed nobody does.
  @Test func damagedConstantsAreNoticed() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = folder.appendingPathComponent("net.bitline")
    let compile = ["compile", "models/lenet5-float.onnx", "--backend", "cpu", "--stage", "canonical", "-o", program.path]
    #expect(try Bitline.run(compile).status == 0)
    var bytes = try Data(contentsOf: program)
    bytes[bytes.count - 20] ^= 0x40
    try bytes.write(to: program)
    let measure = ["evaluate", program.path, "--data", "digits:2"]
    #expect(try Bitline.run(measure).status == 0)
    for more in [["--backend", "imc"], ["--backend", "baseline"], ["--backend", "cpu{exact=true}"], ["--all-values"]] {
      let outcome = try Bitline.run(measure + more)
      #expect(outcome.status == 4 && outcome.error.contains("section 'constants'"), "\(more): \(outcome.error)")
    }
  }

  /// Costs that are not known are no zero.
  @Test func unknownCostsAreSaid() throws {
    let chip = try Bitline.run(["compile", model, "--backend", "imc{hardware=cap-ram}"])
    #expect(chip.status == 0 && chip.error.contains("no costs, since its hardware sheet does not say"), "\(chip.error)")
    let host = try Bitline.run(["compile", "models/lenet5-float.onnx", "--stage", "canonical", "--backend", "imc"])
    #expect(host.status == 0 && host.output.contains("all: no layer runs on the array"), "\(host.output)\(host.error)")
  }
}
