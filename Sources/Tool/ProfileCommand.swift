import ArgumentParser
import Dispatch
import Driver
import GraphIR
import PluginAPI

struct ProfileCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile", abstract: "Measures how long a model takes on the cpu backend, in all and layer by layer.",
    discussion: """
      Inputs are random numbers of a fixed seed. A free batch is 1 unless --batch binds it. A compiled program is measured on the backend that it
      was compiled for.
      """)

  @OptionGroup var model: ModelFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags
  @OptionGroup var watching: PassFlags

  @Option(name: .customLong("repeat"), help: "Runs that are timed, after as many as a tenth of them to warm up.")
  var repeats = 50

  @Flag(help: "Only the time of whole runs: milliseconds, median, least and most.")
  var totalOnly = false

  @Option(help: "text or json.")
  var format: Format = .text

  func execute(_ registry: Registry) throws {
    guard repeats > 0 else { throw Diagnostic(.usage, "--repeat \(repeats) is not positive") }
    let bench = try Workbench(registry, model, try backend.spellings(), lowering, watching)
    var tables = [("total", ProfileCommand.totals(bench.machines, try runs(bench.machines)))]
    if !totalOnly {
      let spellings = try bench.machines.map { try ProfileCommand.timed($0.backend.spelling, registry) }
      let timed = try registry.backends(spellings).map {
        Workbench.Machine(name: "\($0.spelling)", backend: $0, executable: try $0.compile(bench.graph))
      }
      _ = try runs(timed)
      for (machine, timed) in zip(bench.machines, timed) {
        guard let mapping = timed.executable.mapping else { continue }
        tables.append((bench.machines.count == 1 ? "layers" : "layers of \(machine.name)", mapping))
      }
    }
    report(tables, format: format)
  }

  /// The same machine with its steps timed, if it can.
  private static func timed(_ spelling: Spelling, _ registry: Registry) throws -> Spelling {
    let hasOption = try registry.backend(spelling.name).options.contains { $0.name == "profile" }
    guard hasOption && !spelling.keys.contains("profile") else { return spelling }
    return Spelling(spelling.name, spelling.given + [("profile", "true")])
  }

  /// The seconds of each machine's runs, sorted.
  private func runs(_ machines: [Workbench.Machine]) throws -> [[Double]] {
    try machines.map { machine in
      let inputs = machine.executable.graph.inputs.map { ProfileCommand.noise(machine.executable.graph.type(of: $0)) }
      for _ in 0..<max(2, repeats / 10) { _ = try machine.executable.run(inputs, taps: [], threads: backend.threads) }
      return try (0..<repeats).map { _ in
        let start = DispatchTime.now().uptimeNanoseconds
        _ = try machine.executable.run(inputs, taps: [], threads: backend.threads)
        return Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
      }.sorted()
    }
  }

  private static func totals(_ machines: [Workbench.Machine], _ times: [[Double]]) -> Table {
    Table(
      "Whole runs", columns: ["machine", "runs", "median ms", "least ms", "upper quartile ms"],
      rows: zip(machines, times).map { machine, seconds in
        [
          .text(machine.name), .int(seconds.count), .number(seconds[seconds.count / 2] * 1e3, digits: 4),
          .number(seconds[0] * 1e3, digits: 4),
          .number(seconds[seconds.count * 3 / 4] * 1e3, digits: 4),
        ]
      })
  }

  /// Numbers between -1 and 1, or codes between 0 and 63, always the same for a type; a free batch is 1.
  private static func noise(_ type: TensorType) -> Tensor {
    let shape = type.shape.hasFreeBatch ? type.shape.bound(batch: 1) : type.shape
    var state: UInt64 = 1
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 40
    }
    guard type.element == .float32 else { return Tensor(zeros: type.element, shape) }
    let count = shape.dimensions.reduce(1, *)
    return Tensor(.float32, shape, (0..<count).map { _ in Float(next()) / Float(1 << 23) - 1 })
  }
}
