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

/// Every backend of the house against the whole suite.
struct BackendTests {
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

  @Test(arguments: ["cpu", "baseline", "imc"])
  func conformsAtEveryStage(_ backend: String) throws {
    let target = try Self.chip
    try check(backend, stages: [.raw, .canonical(Self.registry), .lowered(Self.registry, for: target, LoweringOptions())])
  }

  @Test(arguments: [
    "cpu{isa=portable}", "cpu{chunk=2}", "baseline{reuse=none}", "baseline{reuse=full,weights=bit}", "imc{macros=3}", "imc{hardware=ideal}",
  ])
  func conformsWithOptions(_ backend: String) throws { try check(backend, stages: [.raw]) }

  private func check(_ spelling: String, stages: [Conformance.Stage]) throws {
    let backend = try Self.registry.backends(Spelling.list(spelling))[0]
    let summary = Conformance.run(ConformanceSuite.cases, stages: stages) { try backend.compile($0) }
    let shown = summary.failures.prefix(20).map(\.description).joined(separator: "\n")
    #expect(summary.failures.isEmpty, "\(summary.failures.count) failures, the first of them:\n\(shown)")
    let refused = Set(summary.refused.map { "\($0.caseName): \($0.reason)" }).sorted().prefix(20).joined(separator: "\n")
    #expect(summary.refused.isEmpty, "\(summary.refused.count) refusals, the first of them:\n\(refused)")
  }
}
