import Driver
import GraphIR
import PluginAPI
import Testing

/// Passes of the tests' own: one that works, one that breaks the graph, one that fails with a diagnostic.
private let testPasses = Plugin(
  "test",
  passes: [
    Pass("double-relu", "adds a relu behind every relu", options: [OptionSpec("times", .int(1...3), default: "1", "how many")]) {
      graph, context in
      try graph.rewritten { candidate, new, _ in
        guard candidate.node.op == .unary(.relu) else { return nil }
        var value = try new.append1(candidate.node.op, candidate.operands, origin: candidate.node.origin)
        for _ in 0..<(context.options[int: "times"] ?? 1) { value = try new.append1(.unary(.relu), [value], origin: candidate.node.origin) }
        return [value]
      }
    },
    Pass("no-outputs", "loses all outputs") { graph, _ in Graph(name: graph.name) },
    Pass("fail", "always fails") { _, _ in throw Diagnostic(.unsupported, "no such luck", place: "node 'a'") },
  ])

@Suite struct PipelineTests {
  private let registry = Registry([testPasses])

  private var graph: Graph {
    get throws {
      try Parser.parse("graph \"g\" {\n %0 = input \"x\" : f32[2]\n %1 = relu(%0) : f32[2] @\"a\"\n output \"y\" = %1\n}")
    }
  }

  private func runner() -> PassRunner { PassRunner(evaluate: { _, _, _ in [] }, note: { _ in }) }

  @Test func pipelinesPrintBack() throws {
    let text = "double-relu{times=2},double-relu"
    #expect(try Pipeline(text, registry: registry).description == text)
    #expect(try Pipeline(" double-relu { times = 2 } , double-relu ", registry: registry).description == text)
  }

  @Test func passesRunInOrderAndStop() throws {
    var runner = runner()
    let pipeline = try Pipeline("double-relu{times=2},double-relu", registry: registry)
    #expect(try runner.run(pipeline, on: graph).nodes.count == 6)
    var stopping = self.runner()
    stopping.stopAfter = 1
    #expect(try stopping.run(pipeline, on: graph).nodes.count == 3)
  }

  @Test func observersSeeEveryPass() throws {
    var runner = runner()
    var lines: [String] = []
    let timing = PassTiming()
    runner.observers = [GraphPrinting(.changed) { lines.append($0) }, timing]
    _ = try runner.run(Pipeline("double-relu", registry: registry), on: graph)
    #expect(lines.count == 1 && lines[0].hasPrefix("// 1: after double-relu\ngraph"))
    #expect(timing.table.rows.count == 2)
  }

  @Test func aBrokenGraphIsBlamedOnItsPass() throws {
    var runner = runner()
    let fault = #expect(throws: Diagnostic.self) { try runner.run(Pipeline("no-outputs", registry: registry), on: graph) }
    #expect(fault?.message.hasPrefix("after pass 'no-outputs': there is no output") == true)
    #expect(fault?.kind == .internal)
  }

  @Test func aFailedPassLeavesAReproducer() throws {
    let folder = try temporaryFolder()
    var runner = runner()
    runner.reproducerFolder = folder
    let fault = #expect(throws: Diagnostic.self) { try runner.run(Pipeline("double-relu,fail", registry: registry), on: graph) }
    #expect(fault?.message == "after pass 'fail': no such luck")
    #expect(fault?.hint?.contains("bitline opt --passes 'fail'") == true)
    let reproducer = try Parser.parse(Files.read("\(folder)/bitline-reproducer.ir"))
    #expect(reproducer.nodes.count == 2)
  }

  @Test(arguments: [
    ("frobnicate", "there is no pass 'frobnicate'"), ("double-relu{times=9}", "option 'times' of 'double-relu' cannot be '9'"),
    ("double-relu{many=2}", "'double-relu' has no option 'many'"), ("double-relu{times", "braces do not match"),
  ])
  func badPipelinesAreUsageErrors(_ text: String, _ message: String) throws {
    let fault = #expect(throws: Diagnostic.self) { try Pipeline(text, registry: registry) }
    #expect(fault?.kind == .usage)
    #expect(fault?.message.hasPrefix(message) == true, "\(fault?.message ?? "")")
  }
}
