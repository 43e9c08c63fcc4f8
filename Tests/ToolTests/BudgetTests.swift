import Foundation
import Testing

/// Bases chosen for a budget, on the demo's network and drawn digits.
@Suite struct BudgetTests {
  private struct Frontier {
    var rows: [[String: Any]]
    var notes: [String]

    var chosen: [String: Any]? { rows.first { $0["chosen"] as? String == "yes" } }
  }

  private func frontier(_ budget: [String]) throws -> Frontier {
    let run = try Bitline.run(
      [
        "evaluate", "models/lenet5-float.onnx", "--stage", "lowered", "--keep", "none", "--bits", "6", "--calibrate", "digits:200",
        "--calibrate-count", "200", "--data", "digits:10", "--format", "json",
      ] + budget)
    #expect(run.status == 0, "\(run.error)")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    let table = try #require(report["frontier"] as? [String: Any])
    return Frontier(
      rows: try #require(table["rows"] as? [[String: Any]]), notes: (table["notes"] as? [String]) ?? [])
  }

  @Test func energyIsTheMostThatFitsIn() throws {
    let frontier = try frontier(["--energy", "40nJ"])
    let chosen = try #require(frontier.chosen)
    let energy = try #require(chosen["energy nJ"] as? Double)
    let within = frontier.rows.compactMap { $0["energy nJ"] as? Double }.filter { $0 <= 40 }
    #expect(energy == within.max())
    #expect(chosen["expected loss"] is Double)
    #expect(!frontier.notes.contains { $0.hasPrefix("no choice") })
  }

  @Test func tooLittleEnergyIsSaid() throws {
    let frontier = try frontier(["--energy", "1nJ"])
    #expect(frontier.chosen?["bases"] as? String == "1:1:1:1:1")
    #expect(frontier.notes.contains("no choice keeps the budget; this is the cheapest there is"))
  }

  /// What is not known is not nothing: a chip that costs nothing would take all, or no layer.
  @Test func anUnknownCostIsAFault() throws {
    func expectFault(_ hardware: String, _ words: String) throws {
      let run = try Bitline.run([
        "compile", "models/lenet5-float.onnx", "--backend", "imc{hardware=\(hardware)}", "--energy", "40nJ", "--calibrate", "digits:200",
      ])
      #expect(run.status == 2 && run.error.contains(words), "\(hardware): \(run.error)")
    }
    for hardware in ["cap-ram", "ideal", "colonnade"] { try expectFault(hardware, "does not say how long an evaluation takes") }

    // A sheet with times and without energies.
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let sheet = folder.appendingPathComponent("timed.yaml")
    var text = try String(contentsOf: Bitline.root.appendingPathComponent("hardware/conv-ram-isscc2018.yaml"), encoding: .utf8)
    for figure in ["dac_conversion", "output", "partial_sum_add"] {
      text = text.replacingOccurrences(
        of: "(?m)^  \(figure): \\{value.*unit: pJ.*$", with: "  \(figure): {unknown: true, source: \"left out\"}",
        options: .regularExpression)
    }
    try text.write(to: sheet, atomically: true, encoding: .utf8)
    try expectFault(sheet.path, "no figure for: input conversion, averaging and readout")
  }

  @Test func aLossIsKeptWhereItIsMeasured() throws {
    let frontier = try frontier(["--loss", "1%"])
    let counted = try #require(frontier.chosen?["counted loss"] as? Double)
    #expect(counted <= 1)
    // Every cheaper choice that was measured breaks the budget.
    for row in frontier.rows {
      if row["chosen"] as? String == "yes" { break }
      if let loss = row["counted loss"] as? Double { #expect(loss > 1, "\(row)") }
    }
  }
}
