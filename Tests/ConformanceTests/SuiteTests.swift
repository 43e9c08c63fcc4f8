import Conformance
import GraphIR
import PluginAPI
import Testing

/// The suite itself, and the checker, on machines that are right or wrong in one way.
struct SuiteTests {
  @Test func casesHoldTogether() {
    let cases = ConformanceSuite.cases
    #expect(cases.count > 500)
    let repeated = Dictionary(grouping: cases, by: \.name).filter { $0.value.count > 1 }.keys.sorted()
    #expect(repeated == [])
    for item in cases { #expect(Verifier.faults(in: item.graph).isEmpty, "\(item.name)") }
  }

  @Test func everyOpHasACase() {
    let used = Set(ConformanceSuite.cases.flatMap { $0.graph.nodes.map(\.op.name) })
    let missing = OpSchema.all.map(\.name).filter { !used.contains($0) && $0 != "custom" }
    #expect(missing.isEmpty)
  }

  @Test func theReferencePasses() {
    let summary = Conformance.run(ConformanceSuite.cases, stages: [.raw]) { Machine($0) }
    #expect(summary.failures.map(\.description) == [])
    #expect(summary.checked == ConformanceSuite.cases.count && summary.refused.isEmpty)
  }

  @Test func refusalIsNoFailure() throws {
    let summary = Conformance.run([try addition()], stages: [.raw]) { _ in throw Diagnostic(.unsupported, "not this one") }
    #expect(summary.failures.isEmpty && summary.checked == 0)
    #expect(summary.refused.map(\.reason) == ["not this one"])
  }

  @Test func faultsOfStageAndCompilerAreFailures() throws {
    let broken = Conformance.Stage("broken") { _ in throw Diagnostic(.internal, "no way") }
    let item = try addition()
    #expect(Conformance.run([item], stages: [broken]) { Machine($0) }.failures.map(\.description) == ["add (broken): stage: no way"])
    let summary = Conformance.run([item], stages: [.raw]) { _ in throw Diagnostic(.internal, "oh") }
    #expect(summary.failures.map(\.description) == ["add (raw): compile: oh"])
  }

  @Test func anotherGraphIsAFailure() throws {
    let other = Machine(Graph(name: "other"))
    #expect(try Conformance.check(addition(), executable: other).map(\.demand) == [.graph])
  }

  @Test(arguments: [
    (Machine.Fault.values, [ConformanceFailure.Demand.value]), (.rounding, [.value, .value]), (.types, [.type, .type, .type]),
    (.taps, [.taps]), (.threads, [.threads, .threads]), (.batch, [.batchSplit, .batchSplit]), (.throwing, [.run]), (.fewerTaps, [.run]),
  ])
  func faultsAreFound(_ fault: Machine.Fault, _ demands: [ConformanceFailure.Demand]) throws {
    let item = try addition()
    #expect(try Conformance.check(item, executable: Machine(item.graph, fault)).map(\.demand) == demands)
  }

  @Test func aFailureNamesValueAndElement() throws {
    let item = try addition()
    let failures = try Conformance.check(item, executable: Machine(item.graph, .values))
    #expect(failures.map(\.description) == ["add: value: %2: add gives 3.0, not 2.0, at element 0 of f32[2x2]; allowed is exact"])
  }

  /// relu(x + c), for a batch of two.
  private func addition() throws -> ConformanceCase {
    var graph = Graph(name: "add")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 2]))
    let c = graph.addConstant(.scalar(1))
    let sum = try graph.append1(.binary(.add), [x, c], origin: "add")
    graph.addOutput("y", try graph.append1(.unary(.relu), [sum], origin: "relu"))
    return ConformanceCase(name: "add", graph: graph, inputs: [Tensor(.float32, [2, 2], [1, 2, 3, 4] as [Float])])
  }
}
