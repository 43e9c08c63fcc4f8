import Foundation
import GraphIR
import Hardware
import IMCBackend
import PluginAPI
import TestNetworks
import Testing

/// Trims of one made chip: measured, written, read, and set again.
@Suite struct CalibrationTests {
  private let backend = IMCBackend()

  private func chip(_ graph: Graph, _ given: [(key: String, value: String)]) throws -> any FabricatedExecutable {
    try #require(try backend.compile(graph, options(backend, given)) as? any FabricatedExecutable)
  }

  private func file(_ calibration: ChipCalibration) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("calibration-\(UUID().uuidString).yaml").path
    try Files.write(CalibrationFile.text(calibration).utf8, to: path)
    return path
  }

  /// The chip that trims itself and the one that is set by the file are the same, byte for byte; an untrimmed one is another.
  @Test(arguments: [1, 3]) func fileSetsTheSameTrims(_ macros: Int) throws {
    let graph = try Networks.streamedLast()
    var random = Seeded(3)
    let x = random.floats([20, 256])
    let given = [("errors", "on"), ("seed", "4"), ("chip", "9"), ("macros", "\(macros)")]
    let made = try chip(graph, given)
    let calibration = made.calibrated()
    #expect(calibration.chip == 9 && calibration.seed == 4 && calibration.trims.count == macros)
    #expect(calibration.trims[0].offsets.contains { $0 != 0 } && calibration.trims[0].gains.contains { $0 != 0 })
    let path = try file(calibration)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let set = try chip(graph, given + [("calibration", path)])
    let trimmed = try chip(graph, given + [("trim", "true")])
    let wanted = try trimmed.run([x], taps: [], threads: 1).outputs[0]
    #expect(try set.run([x], taps: [], threads: 1).outputs[0] == wanted)
    #expect(try made.run([x], taps: [], threads: 1).outputs[0] != wanted)
    #expect(set.isCalibrated && !made.isCalibrated)
    #expect(try set.specimen(chip: 10, without: nil, isTrimmed: nil).run([x], taps: [], threads: 1).outputs[0] != wanted)
  }

  /// Errors beyond what trims reach leave trims at their ends.
  @Test func trimsHaveAnEnd() throws {
    let made = try chip(Networks.streamedLast(), [("offset", "1e300"), ("adc-gain", "1e30")]).calibrated()
    #expect(made.trims[0].offsets.allSatisfy { abs($0) == 100_000 } && made.trims[0].gains.allSatisfy { abs($0) == 100_000 })
  }

  @Test func textRoundTrips() throws {
    let calibration = ChipCalibration(
      hardware: "a \"chip\"", circuits: "64 columns", seed: 3, chip: 7,
      trims: [.init(macro: 0, fullScale: 1.0123456789, offsets: [1, -2], gains: [0, 3])],
      ranges: [.init(layer: "/a/b: c", bits: 7, lsb: 12.345678)], rangeData: .init(set: "mnist:x", samples: 64),
      checked: .init(set: "digits:10", samples: 10), bought: ["as made: 3 correct", "calibrated: 5 correct"])
    #expect(try CalibrationFile.parse(CalibrationFile.text(calibration), file: "x") == calibration)
    let plain = ChipCalibration(
      hardware: "h", circuits: "c", seed: 0, chip: 0, trims: [.init(macro: 0, fullScale: 1, offsets: [], gains: [])], ranges: [])
    #expect(try CalibrationFile.parse(CalibrationFile.text(plain), file: "x") == plain)
  }

  /// Whatever does not fit is refused with the place.
  @Test func faults() throws {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch { return "\(error)" }
    }
    let graph = try Networks.streamedLast()
    let given = [("errors", "on"), ("chip", "2")]
    let path = try file(try chip(graph, given).calibrated())
    defer { try? FileManager.default.removeItem(atPath: path) }
    let calibrated = ("calibration", path)
    #expect(message { _ = try chip(graph, [("errors", "on"), ("chip", "3"), calibrated]) }.contains("this is chip 3 of seed 1"))
    #expect(message { _ = try chip(graph, given + [("seed", "2"), calibrated]) }.contains("is of chip 2 of seed 1"))
    #expect(message { _ = try chip(graph, given + [("macros", "2"), calibrated]) }.contains("trims for 2 macros"))
    #expect(message { _ = try chip(graph, given + [("trim", "true"), calibrated]) }.contains("give one"))
    #expect(message { _ = try chip(graph, given + [("offset", "50"), calibrated]) }.contains("is of circuits with 64 columns"))
    #expect(message { _ = try chip(graph, given + [("mismatch", "0.5"), calibrated]) } == "")
    #expect(message { _ = try chip(graph, given + [("calibration", "nowhere.yaml")]) }.contains("nowhere.yaml"))
    #expect(message { _ = try CalibrationFile.parse("kind: calibration\nhardware: h\nsead: 1\n", file: "x") }.contains("line 3"))
    #expect(
      message { _ = try CalibrationFile.parse("kind: calibration\nhardware: h\ncircuits: c\nseed: -1\n", file: "x") }.contains("'seed'"))

    var random = Seeded(1)
    func dense(lsb: Float) throws -> Graph {
      var graph = Graph(name: "dense")
      let x = try Networks.codes(&graph, [Shape.free, 20], bits: 6, isSigned: true)
      var a = BinaryDense()
      (a.tile, a.readout) = (20, .adc(bits: 7, lsb: lsb))
      let sums = try graph.append1(.binaryDense(a), [x, graph.addConstant(random.bits([18, 20]))], origin: "/fc")
      let (m, c) = (
        graph.addConstant(.vector([Float](repeating: 1, count: 18))), graph.addConstant(.vector([Float](repeating: 0, count: 18)))
      )
      graph.addOutput("y", try graph.append1(.rescale(Rescale()), [sums, m, c], origin: "/scale"))
      return graph
    }
    let other = try file(try chip(dense(lsb: 12), given).calibrated())
    defer { try? FileManager.default.removeItem(atPath: other) }
    #expect(message { _ = try chip(dense(lsb: 12), given + [("calibration", other)]) } == "")
    #expect(message { _ = try chip(dense(lsb: 13), given + [("calibration", other)]) }.contains("was calibrated with 7 bits of 12.0"))
  }
}
