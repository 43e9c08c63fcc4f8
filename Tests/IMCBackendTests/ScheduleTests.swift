import Foundation
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

  /// Loads behind evaluations, on a chip whose sheet allows them: F5 in parts of 8 rows, each but the first written while one is evaluated.
  @Test func hiddenLoads() throws {
    let backend = IMCBackend()
    let sheet = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    var text = try String(contentsOfFile: "/\(sheet)/hardware/conv-ram-isscc2018.yaml", encoding: .utf8)
    let unknown = "  row_write: {unknown: true, source: \"not published\"}\n\n# E_out"
    #expect(text.contains(unknown))
    text = text.replacing(
      unknown,
      with:
        "  row_write: {value: 10, unit: ns, mark: A, source: \"a test\"}\n  writes: {value: beside, mark: A, source: \"a test\"}\n\n# E_out"
    )
    // What is left is the energy of a row.
    text = text.replacing(
      "row_write: {unknown: true, source: \"not published\"}", with: "row_write: {value: 2, unit: pJ, mark: A, source: \"a test\"}")
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("beside-\(UUID().uuidString).yaml").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    for macros in 1...3 {
      let given = [("hardware", path), ("macros", "\(macros)")]
      #expect(try backend.scheduleFaults(of: Networks.textbookLeNet(), options(backend, given)) == [])
      #expect(try backend.scheduleFaults(of: Networks.streamedLast(), options(backend, given)) == [])
    }
    let graph = try Networks.textbookLeNet()
    let executable = try backend.compile(graph, options(backend, [("hardware", path)]))
    let steps = try #require(executable.listing).split(separator: "\n").map(String.init)
    let loads = steps.drop { $0 != "each batch:" }.filter { $0.hasPrefix("  load") }
    #expect(
      loads == [
        "  load p4...p11", "  load p12...p19, while that is evaluated", "  load p20...p27, while that is evaluated",
        "  load p28...p35, while that is evaluated", "  load p36...p43, while that is evaluated",
        "  load p44...p51, while that is evaluated",
        "  load p52...p59, while that is evaluated", "  load p0...p3, p60...p71",
      ])
    // 56 rows of F5 and 16 that it overwrote, 10 ns each; 8 rows take 80 ns, their evaluation 8 cycles of 150 ns.
    let costs = try #require(executable.costs)
    #expect(
      costs.notes.contains(
        "writing weights takes 0.72 us for each batch; 0.48 us of it are hidden behind evaluations in batches of 1 or more"))
    func writing(_ costs: CostReport) -> Double {
      costs.layers.flatMap(\.energy).filter { $0.component == "writing weights" }.reduce(0) { $0 + ($1.picojoules ?? 0) }
    }
    #expect(writing(costs) == 72 * 16 * 2)
    #expect(costs.notes.contains { $0.hasSuffix("the energy of a batch of 1 is shared among its samples; --batch says another") })
    let batch = try #require(backend.compile(Networks.textbookLeNet(batch: 8), options(backend, [("hardware", path)])).costs)
    #expect(writing(batch) == 72 * 16 * 2 / 8)
    // What is computed does not depend on when weights are written.
    var random = Seeded(2)
    let x = random.floats([3, 1, 32, 32])
    let plain = try backend.compile(graph, options(backend))
    let computed = graph.nodes.flatMap(\.results)
    #expect(try executable.run([x], taps: computed, threads: 1).taps == plain.run([x], taps: computed, threads: 1).taps)
  }

  /// A convolution of 2 row slots that is written anew, on 11 macros of one row: 5 copies write as many rows at a time as one, a row a macro.
  @Test func streamedLayersHaveCopies() throws {
    var random = Seeded(9)
    var graph = Graph(name: "streamed copies")
    let codes = try Networks.codes(&graph, [Shape.free, 2, 6, 6], bits: 2, isSigned: true)
    func layer(_ filters: Int, _ codes: ValueID, _ name: String) throws -> ValueID {
      var a = BinaryConv(window: Window(pads: [1, 1, 1, 1]))
      a.tile = 9
      let bits = graph.addConstant(random.bits([filters, graph.type(of: codes).shape[1], 3, 3]))
      let sums = try graph.append1(.binaryConv(a), [codes, bits], origin: name)
      let lists = [1, 0].map { graph.addConstant(.vector([Float](repeating: $0, count: filters))) }
      let y = try graph.append1(.rescale(Rescale()), [sums] + lists, origin: name)
      return try graph.append1(.quantize(Quantize(to: .int8, lo: -1, hi: 1)), [y, graph.addConstant(.scalar(8))], origin: "\(name) codes")
    }
    // 2 tiles of 5 groups of 64 local arrays, then 2 tiles of one group.
    graph.addOutput("a", try layer(300, codes, "A"))
    graph.addOutput("b", try layer(2, codes, "B"))
    let backend = IMCBackend()
    func compiled(_ duplicate: Bool) throws -> any Executable {
      let given = [("hardware", "c3sram"), ("readout", "exact"), ("macros", "11"), ("duplicate", "\(duplicate)")]
      #expect(try backend.scheduleFaults(of: graph, options(backend, given)) == [])
      return try backend.compile(graph, options(backend, given))
    }
    let (copied, plain) = try (compiled(true), compiled(false))
    func row(_ executable: any Executable, _ column: String) throws -> [Table.Cell] {
      let mapping = try #require(executable.mapping)
      let place = try #require(mapping.columns.firstIndex(of: column))
      return mapping.rows.dropLast().map { $0[place] }
    }
    #expect(try row(plain, "copies") == [.int(1), .int(1)] && row(plain, "cycles") == [.int(36), .int(36)])
    // 36 positions among 5 copies: 8 for the busiest.
    #expect(try row(copied, "copies") == [.int(1), .int(5)] && row(copied, "cycles") == [.int(36), .int(8)])
    let x = random.floats([5, 2, 6, 6])
    let computed = graph.nodes.flatMap(\.results)
    #expect(try copied.run([x], taps: computed, threads: 1).taps == plain.run([x], taps: computed, threads: 1).taps)
    // Copies have cells of their own.
    let noisy = try backend.compile(
      graph, options(backend, [("hardware", "c3sram"), ("readout", "exact"), ("macros", "11"), ("mismatch", "0.1")]))
    #expect(try noisy.run([x], taps: [], threads: 2).outputs == noisy.run([x], taps: [], threads: 1).outputs)
  }

  @Test(arguments: 0..<40) func randomLayers(_ seed: Int) throws {
    let backend = IMCBackend()
    #expect(try backend.scheduleFaults(of: Networks.random(seed: seed), options(backend, [("macros", "\(1 + seed % 3)")])) == [])
  }
}
