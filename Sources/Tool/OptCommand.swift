import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

struct OptCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "opt", abstract: "Runs any pipeline of passes on a graph in the text form.",
    discussion: """
      Reads standard input when no file is given: bitline opt --passes 'canonicalize,tile{columns=64}' < in.ir
      Constants of more than \(Printer.inlineLimit) elements are read from a file beside the graph (in.ir.weights). Such a graph must \
      be named: standard input has no file beside it.
      """)

  @Argument(help: "A graph (.ir) or model; standard input without it.")
  var file: String?

  @Option(help: "The pipeline.")
  var passes: String

  @Option(help: "The target's backend, with options; none without it.")
  var target: String?

  @Option(help: ArgumentHelp("Data for calibration, without labels.", valueName: "kind:path"))
  var calibrate: String?

  @Option(help: "Samples taken for calibration.")
  var calibrateCount: Int = 500

  @OptionGroup var watching: PassFlags

  @Option(name: .shortAndLong, help: "Writes the result (and .weights) to a file instead of standard output.")
  var output: String?

  func execute(_ registry: Registry) throws {
    let graph: Graph
    if let file {
      graph = try registry.importModel(ImportRequest(path: file)).graph
    } else {
      graph = try Parser.parse(Files.readStandardInput())
      try Diagnostics.throwIfAny(Verifier.faults(in: graph))
    }
    let timing = PassTiming()
    var runner = PassRunner(evaluate: Session.evaluator(registry), note: { printNotes([$0]) })
    try watching.configure(&runner, timing: timing, registry)
    if let target { runner.target = try registry.backends([Spelling.parse(target)])[0].target() }
    runner.calibration = try LabelledDataset.calibrationBatches(calibrate, count: calibrateCount, for: graph)
    let result = try runner.run(Pipeline(passes, registry: registry), on: graph)
    if watching.timePasses { writeError(timing.table.text) }
    if let output { try GraphFiles.write(result, to: output) } else { writeOut(Printer.print(result)) }
  }
}
