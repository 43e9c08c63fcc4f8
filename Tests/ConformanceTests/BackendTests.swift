import BaselineBackend
import BinarizePasses
import CPUBackend
import CanonicalizePasses
import Conformance
import Driver
import GraphIR
import IMCBackend
import PluginAPI
import QuantizePasses
import Testing
import TilePasses

/// Every backend of the house against the whole suite, at every stage.
struct BackendTests {
  /// Backends with options, as on the command line.
  static let backends = [
    "cpu", "cpu{isa=portable}", "cpu{chunk=2}", "baseline", "baseline{reuse=none}", "baseline{reuse=full}", "imc", "imc{macros=3}",
    "imc{hardware=ideal}",
  ]

  private static let registry = Registry([
    cpuPlugin, imcPlugin, baselinePlugin,
    Plugin("passes", passes: CanonicalizePasses.all + BinarizePasses.all + QuantizePasses.all + TilePasses.all),
  ])

  /// The chip, which machines without a target of their own are cut for too.
  private static var chip: Target? {
    get throws { try registry.backends(Spelling.list("imc"))[0].target() }
  }

  @Test func loweringHasSomethingToDo() throws {
    let stage = Conformance.Stage.lowered(Self.registry, for: try Self.chip, LoweringOptions())
    for item in ConformanceSuite.cases where item.name.contains("-qdq") {
      let ops = try stage.prepare(item).nodes.map(\.op.name)
      #expect(ops.contains("binary_conv") || ops.contains("binary_dense"), "\(item.name)")
    }
  }

  @Test(arguments: backends)
  func conforms(_ spelling: String) throws {
    let backend = try Self.registry.backends(Spelling.list(spelling))[0]
    let target = try backend.target() ?? Self.chip
    let stages = [Conformance.Stage.raw, .canonical(Self.registry), .lowered(Self.registry, for: target, LoweringOptions())]
    let summary = Conformance.run(ConformanceSuite.cases, stages: stages) { try backend.compile($0) }
    let shown = summary.failures.prefix(20).map(\.description).joined(separator: "\n")
    #expect(summary.failures.isEmpty, "\(summary.failures.count) failures, the first of them:\n\(shown)")
    let refused = Set(summary.refused.map { "\($0.caseName): \($0.reason)" }).sorted().prefix(20).joined(separator: "\n")
    #expect(summary.refused.isEmpty, "\(summary.refused.count) refusals, the first of them:\n\(refused)")
  }
}
