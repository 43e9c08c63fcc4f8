import Foundation
import Testing

/// Studies of many chips as users run them: the same whatever is interrupted, split or resumed.
@Suite struct YieldTests {
  private static let model = "models/lenet5-bw-bn-qdq6.onnx"
  private static let mnist = Bitline.root.deletingLastPathComponent().appendingPathComponent("shared/data/mnist").path
  private static let hasMNIST = FileManager.default.fileExists(atPath: mnist)

  /// The report of a study, as JSON without the line that tells its time.
  private func study(_ arguments: [String]) throws -> [[String: Any]] {
    let outcome = try Bitline.run(["yield", Self.model] + arguments + ["--format", "json"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    return try #require((object["yield"] as? [String: Any])?["rows"] as? [[String: Any]])
  }

  /// One thread or two, in one go, in parts, or after an interruption: the same file of finished chips, byte for byte.
  @Test func resumedIsTheSame() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    func file(_ name: String) -> String { folder.appendingPathComponent(name).path }
    func lines(_ name: String) throws -> [String] {
      try String(contentsOfFile: file(name), encoding: .utf8).split(separator: "\n").map(String.init)
    }
    let given = ["--data", "digits:200", "--calibrate", "digits:50", "--backend", "imc{errors=on,seed=5}", "--attribute"]
    func run(_ name: String, chips: Int, first: Int = 0, threads: Int) throws -> [[String: Any]] {
      try study(given + ["--chips", "\(chips)", "--first-chip", "\(first)", "--threads", "\(threads)", "--results", file(name)])
    }
    let whole = try run("whole", chips: 10, threads: 2)
    let wholeLines = try lines("whole")
    // Conditions: as made, five errors off in turn, trimmed.
    #expect(whole.count == 7 && wholeLines.count == 2 + 7 * 10)

    _ = try run("single", chips: 10, threads: 1)
    #expect(try lines("single") == wholeLines)

    // What an interruption leaves: the first chips only, whole lines. Going on completes the same file.
    let cut = wholeLines.prefix(2 + 23).joined(separator: "\n") + "\n"
    try cut.write(toFile: file("cut"), atomically: true, encoding: .utf8)
    let resumed = try run("cut", chips: 10, threads: 1)
    #expect(try lines("cut") == wholeLines)
    for (one, other) in zip(whole, resumed) { #expect(NSDictionary(dictionary: one) == NSDictionary(dictionary: other)) }

    // Other chips first: the same lines in another order, and the same report.
    _ = try run("parts", chips: 4, first: 6, threads: 2)
    let parts = try run("parts", chips: 10, threads: 2)
    #expect(try lines("parts").sorted() == wholeLines.sorted())
    for (one, other) in zip(whole, parts) { #expect(NSDictionary(dictionary: one) == NSDictionary(dictionary: other)) }

    // A file of another study is refused.
    let other = try Bitline.run(["yield", Self.model, "--data", "digits:100", "--chips", "1", "--results", file("whole")])
    #expect(other.status == 4 && other.error.contains("holds the chips of another study"))
  }

  /// Chips of a file are those of the same sheet, calibration and samples: names alone do not tell.
  @Test func resultsAreOfTheSameStudy() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (sheet, chips) = (folder.appendingPathComponent("h.yaml"), folder.appendingPathComponent("chips.csv"))
    let (seen, other) = (folder.appendingPathComponent("seen.npz").path, folder.appendingPathComponent("other.npz").path)
    let text = try String(contentsOf: Bitline.root.appendingPathComponent("hardware/conv-ram-isscc2018.yaml"), encoding: .utf8)
    try text.write(to: sheet, atomically: true, encoding: .utf8)
    for (digits, file) in [("digits:30", seen), ("digits:30,9", other)] {
      #expect(try Bitline.run(["data", digits, "-o", file]).status == 0)
    }
    func status(_ calibration: String, readout: String = "calibrated") throws -> Int32 {
      try Bitline.run([
        "yield", Self.model, "--data", "npz:\(seen)", "--calibrate", "npz:\(calibration)", "--readout", readout, "--chips", "1",
        "--backend", "imc{errors=on,hardware=\(sheet.path)}", "--results", chips.path,
      ]).status
    }
    #expect(try status(seen) == 0 && status(seen) == 0)
    // Other ranges of converters, by the same pipeline.
    #expect(try status(other) == 4)
    // The same names, other samples.
    let first = try Data(contentsOf: URL(fileURLWithPath: seen))
    try Data(contentsOf: URL(fileURLWithPath: other)).write(to: URL(fileURLWithPath: seen))
    #expect(try status(seen) == 4)
    try first.write(to: URL(fileURLWithPath: seen))
    #expect(try status(seen) == 0)
    let edited = text.replacingOccurrences(of: "comparator_offset: {value: 10", with: "comparator_offset: {value: 200")
    #expect(edited != text)
    try edited.write(to: sheet, atomically: true, encoding: .utf8)
    #expect(try status(seen) == 4)
  }

  /// A calibration: written, said what it bought, taken by the chip that it is of, refused for others.
  @Test func calibrationOfOneChip() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("chip.yaml").path
    let given = ["--data", "digits:200", "--calibrate", "digits:50", "--readout", "calibrated"]
    let made = try Bitline.run(
      ["calibrate", Self.model] + given + ["--backend", "imc{errors=on,chip=3}", "--output", path, "--format", "json"])
    #expect(made.status == 0, "\(made.error)")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text.contains("ranges_saw: {set: \"digits:50\", samples: 50}"))
    #expect(text.contains("checked_on: {set: \"digits:200\", samples: 200}") && text.contains("calibrated: "))

    func correct(_ backend: String, _ chip: Int = 3) throws -> [String: Any] {
      try #require(try study(given + ["--backend", backend, "--chips", "1", "--first-chip", "\(chip)"]).first)
    }
    let trimmed = try correct("imc{errors=on,trim=true}")
    let set = try correct("imc{errors=on,chip=3,calibration=\(path)}")
    #expect(NSDictionary(dictionary: set) == NSDictionary(dictionary: trimmed))
    #expect(try NSDictionary(dictionary: correct("imc{errors=on}")) != NSDictionary(dictionary: trimmed))
    let many = try Bitline.run(
      ["yield", Self.model] + given + ["--backend", "imc{errors=on,chip=3,calibration=\(path)}", "--chips", "2"])
    #expect(many.status == 2 && many.error.contains("is of chip 3 alone"))
    let another = try Bitline.run(
      ["yield", Self.model] + given + ["--backend", "imc{errors=on,chip=4,calibration=\(path)}", "--chips", "1"])
    #expect(another.status == 4 && another.error.contains("is of chip 3 of seed 1"))
  }

  /// What converters did: conversions by hand, and the codes of a range that is far too wide.
  @Test func convertersAreReported() throws {
    let outcome = try Bitline.run(
      ["evaluate", Self.model, "--backend", "imc", "--data", "digits:50", "--converters", "tiles", "--format", "json"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let rows = try #require((object["converters"] as? [String: Any])?["rows"] as? [[String: Any]])
    func conversions(_ layer: String, _ tile: String) -> Int? {
      let row = rows.first { $0["layer"] as? String == layer && "\($0["tile"] ?? "")" == tile }
      return (row?["conversions"] as? NSNumber)?.intValue
    }
    #expect(conversions("Conv_3", "1") == 50 * 576 * 6)
    #expect(conversions("Conv_9", "all 3") == 50 * 64 * 16 * 3 && conversions("Conv_9", "2") == 50 * 64 * 16)
    #expect(conversions("Gemm_26", "all 2") == 50 * 10 * 2)
    #expect(rows.allSatisfy { ($0["clipped %"] as? NSNumber)?.doubleValue == 0 && ($0["of"] as? NSNumber)?.intValue == 127 })
    #expect(rows.allSatisfy { ($0["range"] as? String)?.hasPrefix("the chip's own") == true })
    #expect(rows.allSatisfy { (0.1...7).contains(($0["effective bits"] as? NSNumber)?.doubleValue ?? -1) })
  }

  /// MNIST in 6 bits with the assumed errors: above 98 % with calibrated ranges, trimmed or not; what costs decibels is the comparators' offset.
  @Test(.enabled(if: hasMNIST, "../shared/data/mnist is not there")) func mnistInSixBits() throws {
    let rows = try study([
      "--data", "mnist:\(Self.mnist)", "--calibrate", "mnist:\(Self.mnist),train", "--backend", "imc{errors=on,bits=6,readout=calibrated}",
      "--chips", "6", "--attribute",
    ])
    func mean(_ what: String, _ condition: String) throws -> Double {
      try #require((rows.first { $0["condition"] as? String == condition }?[what] as? NSNumber)?.doubleValue)
    }
    func gained(_ condition: String) throws -> Double { try mean("SQNR mean dB", condition) - mean("SQNR mean dB", "as made") }
    let others = ["dac-gain", "cell", "converter-gain", "thermal"].map { "without \($0)" }
    for condition in ["as made", "trimmed", "without comparator-offset"] + others {
      #expect(try mean("mean %", condition) > 98, "\(condition)")
    }
    #expect(try gained("trimmed") > 2 && gained("without comparator-offset") > 1.5)
    for other in others { #expect(try gained(other) < 1, "\(other)") }
  }
}
