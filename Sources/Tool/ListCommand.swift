import ArgumentParser
import Driver
import GraphIR
import PluginAPI

struct ListCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists what there is: frontends, formats, passes, backends, ops, stages, knobs.")

  enum What: String, ExpressibleByArgument, CaseIterable { case frontends, formats, passes, backends, ops, stages, knobs }

  @Argument(help: "One of: \(What.allCases.map(\.rawValue).joined(separator: ", ")).")
  var what: What

  @Option(help: "text or json.")
  var format: Format = .text

  func execute(_ registry: Registry) throws { report([(what.rawValue, table(registry))], format: format) }

  private func table(_ registry: Registry) -> Table {
    switch what {
    case .frontends:
      Table(
        "Frontends", columns: ["name", "endings", "summary"],
        rows: registry.frontends.map { [.text($0.name), .text(endings($0.fileExtensions)), .text($0.summary)] })
    case .formats:
      Table(
        "Tensor formats", columns: ["name", "endings"],
        rows: registry.tensorFormats.map { [.text($0.name), .text(endings($0.fileExtensions))] })
    case .passes:
      Table(
        "Passes", columns: ["name", "options", "summary"],
        rows: registry.passes.map { [.text($0.name), .text(spelled($0.options)), .text($0.summary)] })
    case .backends:
      Table(
        "Backends", columns: ["name", "options", "summary"],
        rows: registry.backends.map { [.text($0.name), .text(spelled($0.options)), .text($0.summary)] })
    case .ops:
      Table(
        "Ops", columns: ["name", "operands", "attributes", "summary"],
        rows: OpSchema.all.map { schema in
          let arity = schema.operands
          let count =
            arity.count == 1
            ? "\(arity.lowerBound)" : arity.upperBound > 1000 ? "\(arity.lowerBound)…" : "\(arity.lowerBound)-\(arity.upperBound)"
          return [.text(schema.name), .text(count), .text(schema.attributeNames.joined(separator: ", ")), .text(schema.summary)]
        })
    case .stages:
      Table(
        "Stages", columns: ["stage", "pipeline that leads there"],
        rows: [["raw", "the frontend"], ["canonical", "canonicalize"], ["lowered", .text(LoweringOptions().pipelineText)]])
    case .knobs:
      Table(
        "Environment variables", columns: ["name", "meaning"],
        rows: [["BITLINE_ISA", "the cpu backend's kernels: portable, avx2, avx512 or neon; the best that the machine has when not set"]])
    }
  }

  private func endings(_ list: [String]) -> String { list.map { ".\($0)" }.joined(separator: " ") }

  private func spelled(_ options: [OptionSpec]) -> String {
    options.map { "\($0.name)\($0.fallback.map { "=\($0)" } ?? "") (\($0.summary))" }.joined(separator: "; ")
  }
}
