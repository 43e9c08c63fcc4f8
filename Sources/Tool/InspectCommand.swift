import ArgumentParser
import Driver
import GraphIR
import PluginAPI

struct InspectCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Shows a model: layers, shapes, parameters, multiply-accumulates, and which backend takes what.",
    discussion: """
      Parameters are constant weights, biases, norms and tables, each once, quantized ones too; not indices, shapes, single \
      numbers, and scales and zero points of quantizers. Multiply-accumulates are those of one sample; zeros between the \
      inputs of a transposed convolution do not count.
      """)

  @OptionGroup var model: ModelFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags
  @OptionGroup var watching: PassFlags

  @Flag(help: "Prints the graph in the text form.")
  var graph = false

  @Flag(help: "Prints a table of the model's operators by backend, those that are not supported too.")
  var support = false

  @Option(help: "text or json.")
  var format: Format = .text

  func execute(_ registry: Registry) throws {
    if graph && format == .json { throw Diagnostic(.usage, "--graph prints the text form", hint: "leave out --format json") }
    let spellings = try backend.spellings(default: registry.backends.map(\.name).joined(separator: ","))
    var lowering = lowering
    let isProgram = model.isProgram
    if try !isProgram && lowering.stage == .auto && lowering.stage(hasTarget: false) == .canonical { lowering.stage = .raw }
    if isProgram { _ = try ProgramFile(path: model.model, checksAll: true) }
    let operators = try support && !isProgram ? registry.operators(model.request()) : []
    if operators.contains(where: { $0.problem != nil }) {
      report([("support", OperatorSupport(operators, nil).table([]))], format: format)
    }
    // A network is lowered for the machine that was named.
    let target = try lowering.stage == .raw ? nil : backend.spellings()
    let bench = try Workbench(registry, model, target ?? [Spelling("null")], lowering, watching, compiles: false)
    printNotes(bench.notes)
    if graph { return writeOut(Printer.print(bench.graph)) }
    if support {
      let table = operators.isEmpty ? OperatorSupport(opsOf: bench.graph) : OperatorSupport(operators, bench.graph)
      return report([("support", table.table(try registry.backends(spellings)))], format: format)
    }
    report(
      [("borders", InspectCommand.borders(bench.graph)), ("layers", InspectCommand.layers(bench.graph))],
      extra: [("stage", .string(bench.stageName))], format: format)
  }

  private static func borders(_ graph: Graph) -> Table {
    Table(
      "Graph '\(graph.name)'", columns: ["", "name", "type"],
      rows: graph.inputs.map { ["input", .text(graph[$0].name), .text("\(graph.type(of: $0))")] }
        + graph.outputs.map { ["output", .text($0.name), .text("\(graph.type(of: $0.value))")] })
  }

  private static func layers(_ graph: Graph) -> Table {
    var table = Table("", columns: ["node", "op", "result", "parameters", "MAC"])
    var counted = Set<ValueID>()
    var (parameters, macs) = (0, 0)
    for node in graph.nodes {
      let own = node.parameters(in: graph).filter { counted.insert($0).inserted }.compactMap { graph.constant($0)?.count }.reduce(0, +)
      let work = node.layerMacs(in: graph)
      parameters += own
      macs += work
      table.rows.append([
        .text(node.origin), .text(node.op.name), .text(node.results.map { "\(graph.type(of: $0))" }.joined(separator: ", ")),
        .int(own), .int(work),
      ])
    }
    table.rows.append(["total", "", "", .int(parameters), .int(macs)])
    return table
  }
}
