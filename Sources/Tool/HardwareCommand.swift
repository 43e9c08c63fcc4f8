import ArgumentParser
import Driver
import GraphIR
import Hardware
import PluginAPI

struct HardwareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware", abstract: "Hardware description files: what there is, what they say, and whether it holds together.",
    subcommands: [List.self, Show.self, Lint.self, Validate.self])

  struct List: ToolCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists the files that come with the program.")

    @Option(help: "text or json.")
    var format: Format = .text

    func execute(_ registry: Registry) throws {
      var table = Table("Hardware files", columns: ["name", "kind", "local arrays", "rows", "columns", "in bits", "out bits", "summary"])
      for name in HardwareFile.builtIn {
        switch try HardwareFile.load(name) {
        case .macro(let chip):
          table.rows.append([
            .text(name), "macro", .int(chip.localArrays), .int(chip.rows), .int(chip.columns), .int(chip.inputBits),
            chip.converter.map { .int($0.bits) } ?? "exact", .text(chip.summary),
          ])
        case .processor(let machine):
          table.rows.append([.text(name), "processor", .none, .none, .none, .none, .none, .text(machine.summary)])
        }
      }
      report([("hardware", table)], format: format)
    }
  }

  struct Show: ToolCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Prints a file's sheet, every figure with mark and source.")

    @Argument(help: "A name, or the path of a .yaml file.")
    var name: String

    @Option(help: "text or json.")
    var format: Format = .text

    func execute(_ registry: Registry) throws { report([("sheet", try HardwareFile.load(name).sheet)], format: format) }
  }

  struct Lint: ToolCommand {
    static let configuration = CommandConfiguration(
      commandName: "lint", abstract: "Names what a file leaves open: unknowns, assumptions, fields that no model uses, contradictions.",
      discussion: "Exits with 1 when figures of the file contradict each other.")

    @Argument(help: "A name, or the path of a .yaml file.")
    var name: String

    func execute(_ registry: Registry) throws {
      guard case .macro(let chip) = try HardwareFile.load(name) else {
        writeOut("\(name): a processor; every field is used or unknown\n")
        return
      }
      let findings = chip.findings()
      for finding in findings { writeOut("\(chip.name): \(finding)\n") }
      let contradictions = findings.count { $0.hasPrefix("contradiction") }
      if contradictions > 0 {
        throw Diagnostic(.checkFailed, "\(contradictions) figures of '\(chip.name)' contradict others", hint: "see above")
      }
    }
  }

  struct Validate: ToolCommand {
    static let configuration = CommandConfiguration(
      commandName: "validate", abstract: "Runs layers that a chip was measured on and sets the results beside what was published.")

    @Argument(help: "Macros; all that come with the program when none is given.")
    var names: [String] = []

    @Option(help: "text or json.")
    var format: Format = .text

    func execute(_ registry: Registry) throws {
      let isMacro: (String) -> Bool = { if case .macro? = try? HardwareFile.load($0) { true } else { false } }
      let names = names.isEmpty ? HardwareFile.builtIn.filter { isMacro($0) && $0 != "ideal" } : names
      var table = Table(
        "Published points and ours", columns: ["chip", "point", "published", "unit", "mark", "ours", "difference %", "ours is"])
      for name in names { table.rows += try ChipValidation(name, registry).rows }
      table.notes = [
        "input: the published figure, or one it was computed from, went into the sheet, so that agreement is no evidence; consequence: it did not",
        HardwareFile.legend,
      ]
      report([("validation", table)], format: format)
    }
  }
}
