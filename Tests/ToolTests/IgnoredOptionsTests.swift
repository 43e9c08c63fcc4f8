import Foundation
import Testing

/// What would have no effect is refused, not ignored: a figure that was asked for otherwise is not the one that is printed.
@Suite struct IgnoredOptionsTests {
  private static let model = "models/lenet5-bw-qdq6.onnx"
  private static let digits = ["--data", "digits:5"]

  private func expectRefusal(_ arguments: [String], _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
    let outcome = try Bitline.run(arguments)
    #expect(outcome.status == 2, "\(arguments): \(outcome.status) \(outcome.error)", sourceLocation: sourceLocation)
    for word in words {
      #expect(outcome.error.contains(word), "'\(word)' is missing in: \(outcome.error)", sourceLocation: sourceLocation)
    }
  }

  @Test func aProgramTakesNoLowering() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (chip, plain) = (folder.appendingPathComponent("chip.bitline").path, folder.appendingPathComponent("plain.bitline").path)
    #expect(try Bitline.run(["compile", Self.model, "--backend", "imc", "-o", chip]).status == 0)
    #expect(try Bitline.run(["compile", Self.model, "--backend", "cpu", "-o", plain]).status == 0)
    let options = [
      ["--bits", "3"], ["--batch", "2"], ["--stage", "raw"], ["--loss", "1%"], ["--calibrate", "npz:/nonexistent"], ["--max-memory", "1"],
      ["--dim", "N=3"], ["--bases", "2"], ["--readout", "exact"], ["--passes", "canonicalize"], ["--dump-to", folder.path],
      ["--print-after", "all"], ["--time-passes"],
    ]
    for option in options { try expectRefusal(["profile", plain] + option, option[0], "no effect on a compiled program") }
    for command in [["run"], ["compile"], ["compare"] + Self.digits, ["evaluate"] + Self.digits] {
      try expectRefusal(command + [chip, "--bits", "3", "--keep", "none"], "--bits, --keep have no effect on a compiled program")
    }
    try expectRefusal(["compile", chip, "--backend", "baseline"], "is compiled for 'imc'")
    #expect(try Bitline.run(["compile", plain]).output.contains("on cpu"))
    for (program, stage) in [(chip, "lowered"), (plain, "as compiled")] {
      let outcome = try Bitline.run(["inspect", program, "--format", "json"])
      #expect(outcome.output.contains("\"stage\": \"\(stage)\""), "\(outcome.output.prefix(100))\(outcome.error)")
    }
  }

  @Test func chipsAreOfOneDesign() throws {
    let study = ["yield", Self.model] + Self.digits + ["--chips", "1"]
    let calibrate = ["calibrate", Self.model] + Self.digits + ["-o", "/dev/null"]
    for command in [study, calibrate] {
      try expectRefusal(command + ["--backend", "imc{errors=on},imc{mismatch=0.5}"], "one backend")
      try expectRefusal(command + ["--images", "x.npy"], "--data and --images exclude each other")
      try expectRefusal(command + ["--loss", "1%", "--calibrate", "digits:5"], "--loss")
    }
    for (option, words) in [("--results", "x.csv"), ("--attribute", ""), ("--threshold", "0.9")] {
      try expectRefusal(study + ["--repeat", "1", option] + (words.isEmpty ? [] : [words]), option, "--repeat")
    }
    try expectRefusal(study + ["--repeat", "0"], "--repeat 0")
    for threshold in ["98", "nan", "-0.1"] {
      try expectRefusal(study + ["--threshold=\(threshold)"], "--threshold", "a share of 1, such as 0.98")
    }
    try expectRefusal(study + ["--backend", "imc{errors=on,chip=5}"], "--first-chip 5")
    #expect(try Bitline.run(["yield", "--help"]).output.contains("A model (.onnx, .ir).\n"))
  }

  @Test func inputsAreGivenOnce() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = folder.appendingPathComponent("g.ir").path
    try Data("graph \"g\" {\n  %0 = input \"x\" : i64[?x2]\n  output \"y\" = %0\n}\n".utf8).write(to: URL(fileURLWithPath: model))
    let file = folder.appendingPathComponent("x.npy")
    let numbers: [Int64] = [-16_777_217, 1 << 62 + 1]
    let bytes = numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    try Bitline.npy(descr: "<i8", shape: "(1, 2)", bytes: bytes).write(to: file)
    let given = ["--input", "x=\(file.path)"]
    // Whole numbers are printed to the last digit.
    let outcome = try Bitline.run(["run", model, "--stage", "raw"] + given)
    #expect(outcome.output == "y : i64[1x2] = [-16777217, \(numbers[1])]\n", "\(outcome.output)\(outcome.error)")
    try expectRefusal(["run", model] + given + given, "'x' twice")
    try expectRefusal(["inspect", model, "--dim", "N=3"], "no dimension 'N'")
    try expectRefusal(["compare", model] + given + Self.digits, "--input and --data exclude each other")
    try expectRefusal(["compare", model, "--seed", "2"] + given, "--seed is for random inputs")
    try expectRefusal(["evaluate", model, "--seed", "2"] + Self.digits, "--seed")
    let data = folder.appendingPathComponent("digits.npz").path
    #expect(try Bitline.run(["data", "digits:2", "-o", data]).status == 0)
    try expectRefusal(["run", model, "--input", "x=\(data)"], "holds 2 arrays, 'images', 'labels'")
  }

  @Test func formsAndPassesAreThere() throws {
    try expectRefusal(["inspect", Self.model, "--graph", "--format", "json"], "--graph")
    try expectRefusal(["compile", Self.model, "--emit", "listing", "--format", "json"], "--format json")
    try expectRefusal(["inspect", Self.model, "--print-after", "foo"], "there is no pass 'foo'")
    try expectRefusal(["compile", Self.model, "--backend", "imc{mismatch=0.1,mismatch=0.2}"], "'mismatch' of 'imc' is given twice")
    #expect(try Bitline.run(["compile", Self.model, "--input-range", "-1:1"]).status == 0)
    let batch = ["inspect", Self.model, "--dim", "N=3"]
    #expect(try Bitline.run(batch).status == 0 && Bitline.run(batch + ["--batch", "3"]).status == 0)
    try expectRefusal(batch + ["--batch", "4"], "--batch 4 binds nothing")
    try expectRefusal(batch + ["--dim", "N=4"], "'N' twice")
  }

  /// One network cannot be lowered for two chips, and rows would be labelled as what they are not.
  @Test func machinesAgreeOnTheNetwork() throws {
    let evaluate = ["evaluate", Self.model] + Self.digits + ["--backends"]
    try expectRefusal(
      evaluate + ["cpu,imc{readout=exact},imc{readout=chip}"],
      "imc{readout=exact} and imc{readout=chip} want networks lowered differently")
    let outcome = try Bitline.run(evaluate + ["imc,imc{errors=on},imc{macros=2}"])
    #expect(outcome.status == 0, "\(outcome.error)")
  }
}
