import GraphIR
import IMCBackend
import PluginAPI
import TestNetworks
import Testing

/// Schedules that a chip could follow: checked by a validator that knows nothing of how they were made.
@Suite struct ScheduleTests {
  @Test(arguments: [1, 2, 3, 5, 64, 1000]) func textbookLeNet(_ macros: Int) throws {
    let backend = IMCBackend()
    #expect(try backend.scheduleFaults(of: Networks.textbookLeNet(), options(backend, [("macros", "\(macros)")])) == [])
    #expect(try backend.scheduleFaults(of: Networks.streamedLast(), options(backend, [("macros", "\(macros)")])) == [])
  }

  /// Copies and pipelines, asked for or chosen.
  @Test(arguments: [5, 6, 13, 64, 1000], ["auto", "layers", "pipeline"]) func copies(_ macros: Int, _ order: String) throws {
    let backend = IMCBackend()
    for duplicate in ["true", "false"] {
      let given = [("macros", "\(macros)"), ("order", order), ("duplicate", duplicate)]
      #expect(try backend.scheduleFaults(of: Networks.textbookLeNet(), options(backend, given)) == [])
      let serial = given + [("hardware", "colonnade")]
      #expect(try backend.scheduleFaults(of: Networks.textbookLeNet(), options(backend, serial)) == [])
    }
  }

  private func cycles(_ macros: Int, _ order: String, duplicate: Bool = true) throws -> (layers: [Int], note: String) {
    let backend = IMCBackend()
    let given = [("macros", "\(macros)"), ("order", order), ("duplicate", "\(duplicate)")]
    let mapping = try #require(try backend.compile(Networks.textbookLeNet(), options(backend, given)).mapping)
    let column = try #require(mapping.columns.firstIndex(of: "cycles"))
    let cycles = mapping.rows.dropLast().map { row -> Int in if case .int(let number) = row[column] { number } else { -1 } }
    return (cycles, mapping.notes.last ?? "")
  }

  /// By hand: C1 has 784 positions and 1 row slot, C3 100 and 3, F5 1 and 56, F6 1 and 12.
  @Test func byHand() throws {
    // 8 macros hold 72 slots and 56 more: C1 in 8 copies of 98 positions; C3 in 8 copies of 12 or 13 positions, 3 rows on
    // each macro, at most two of them of 13: 38.
    #expect(try cycles(8, "layers").layers == [98, 38, 7, 2])
    #expect(try cycles(8, "layers").note == "layer by layer on all macros: a sample every 145 cycles")
    #expect(try cycles(8, "layers", duplicate: false).layers == [784, 100, 7, 2])
    // A pipeline: 4 macros hold F5, 1 each of the others; the eighth goes to C1, which is the slowest: 392.
    #expect(try cycles(8, "pipeline").layers == [392, 300, 14, 12])
    #expect(try cycles(8, "auto").layers == [98, 38, 7, 2])
    // As many macros as there are row slots in enough copies: every layer in one cycle, and one sample a cycle.
    let many = try cycles(1200, "auto")
    #expect(many.layers == [1, 1, 1, 1] && many.note.contains("a sample every 1 cycles") && many.note.hasSuffix("under way for 4"))
  }

  /// More macros never take longer, and auto is as good as either order.
  @Test func moreMacrosNeverTakeLonger() throws {
    func interval(_ macros: Int, _ order: String) throws -> Int {
      let (layers, note) = try cycles(macros, order)
      return note.hasPrefix("a pipeline") ? layers.max() ?? 0 : layers.reduce(0, +)
    }
    var last = Int.max
    for macros in 7...40 {
      let best = try interval(macros, "auto")
      #expect(best <= last, "\(macros) macros: \(best), with one less \(last)")
      #expect(try best == min(interval(macros, "layers"), interval(macros, "pipeline")))
      last = best
    }
  }

  @Test(arguments: 0..<40) func randomLayers(_ seed: Int) throws {
    let backend = IMCBackend()
    #expect(try backend.scheduleFaults(of: Networks.random(seed: seed), options(backend, [("macros", "\(1 + seed % 3)")])) == [])
  }
}
