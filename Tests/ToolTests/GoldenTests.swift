import Foundation
import Testing

/// What commands print, to the letter. `BLESS=1` rewrites the expectations under Tests/golden; a person reads the diff.
@Suite struct GoldenTests {
  private static let network = "models/lenet5-bw-qdq6.onnx"

  /// File under Tests/golden, and the command whose standard output it holds.
  private static let cases: [(file: String, arguments: [String])] = [
    ("run/inspect.txt", ["inspect", network]),
    ("run/support.txt", ["inspect", network, "--support", "--stage", "canonical"]),
    ("run/ops.txt", ["list", "ops"]),
    (
      "run/first-scores.txt",
      ["run", "Tests/golden/run/two-layers.ir", "--input", "Tests/golden/run/two-layers.npy", "--backend", "cpu,baseline"]
    ),
    ("programs/canonical.ir", ["compile", network, "--stage", "canonical", "--backend", "cpu", "--emit", "graph"]),
    ("programs/lowered.ir", ["compile", network, "--backend", "imc", "--emit", "graph"]),
    ("programs/listing.txt", ["compile", network, "--backend", "imc{hardware=ideal}", "--emit", "listing"]),
    ("costs/imc.txt", ["compile", network, "--backend", "imc"]),
    ("costs/baseline.txt", ["compile", network, "--backend", "baseline{reuse=full}", "--stage", "lowered"]),
  ]

  @Test(arguments: cases.indices)
  func prints(_ index: Int) throws {
    let (file, arguments) = Self.cases[index]
    let outcome = try Bitline.run(arguments)
    #expect(outcome.status == 0, "\(outcome.error)")
    let path = Bitline.root.appendingPathComponent("Tests/golden/\(file)")
    if ProcessInfo.processInfo.environment["BLESS"] != nil {
      try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(outcome.output.utf8).write(to: path)
    }
    let expected = try String(contentsOf: path, encoding: .utf8)
    #expect(outcome.output == expected, "bitline \(arguments.joined(separator: " ")) prints something else than Tests/golden/\(file)")
  }

  /// A program file runs as the model it was compiled from does.
  @Test func programsRun() throws {
    let folder = try Bitline.folder()
    let program = folder.appendingPathComponent("net.bitline").path
    #expect(try Bitline.run(["compile", Self.network, "--backend", "imc", "-o", program]).status == 0)
    let input = folder.appendingPathComponent("x.npy")
    let pixels = (0..<784).flatMap { index in withUnsafeBytes(of: (Float(index % 17) / 17).bitPattern.littleEndian) { Array($0) } }
    try Bitline.npy(descr: "<f4", shape: "(1, 1, 28, 28)", bytes: pixels).write(to: input)
    for (name, arguments) in [("program", [program]), ("model", [Self.network, "--backend", "imc"])] {
      let outcome = try Bitline.run(
        ["run"] + arguments + ["--input", input.path, "--output-dir", folder.appendingPathComponent(name).path])
      #expect(outcome.status == 0, "\(outcome.error)")
    }
    let scores = try ["program", "model"].map { try Data(contentsOf: folder.appendingPathComponent("\($0)/logits.npy")) }
    #expect(scores[0] == scores[1])
    let profile = try Bitline.run(["profile", program, "--total-only", "--repeat", "1"])
    #expect(profile.status == 0 && profile.output.contains("\nimc "), "\(profile.output)\(profile.error)")
  }
}
