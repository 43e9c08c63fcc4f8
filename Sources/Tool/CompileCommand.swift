import ArgumentParser
import Driver
import GraphIR
import PluginAPI

struct CompileCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compiles a model for one backend: prints how it lies there and what it costs.")

  @OptionGroup var model: ModelFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags
  @OptionGroup var watching: PassFlags

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Writes a program that 'run' accepts, or with --emit onnx or text the graph.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "What to print: mapping, graph (the compiled graph as text), listing (the machine's program); or a format to write the graph in: onnx, text.",
      valueName: "what"))
  var emit: Emit = .mapping

  @Option(help: "text or json.")
  var format: Format = .text

  /// What is printed, or a format of a plug-in.
  enum Emit: ExpressibleByArgument, Equatable {
    case mapping, graph, listing
    case format(String)

    init?(argument: String) {
      switch argument {
      case "mapping": self = .mapping
      case "graph": self = .graph
      case "listing": self = .listing
      default: self = .format(argument)
      }
    }

    var defaultValueDescription: String { "mapping" }
  }

  /// Writes the graph in a format of a plug-in. Any stage will do. A lowered graph is compiled too, to hear whether its chip computes
  /// something else.
  private func write(as name: String, _ registry: Registry) throws {
    guard let format = registry.graphFormats.first(where: { $0.name == name }) else {
      let known = (["mapping", "graph", "listing"] + registry.graphFormats.map(\.name)).joined(separator: ", ")
      throw Diagnostic(.usage, "--emit cannot be '\(name)'", hint: "wanted: one of \(known)")
    }
    guard let output else { throw Diagnostic(.usage, "--emit \(name) needs a file to write", hint: "such as -o out.\(name)") }
    let machine = try lowering.stage(hasTarget: false) == .lowered ? "imc" : "null"
    let spellings = try backend.spellings(default: machine)
    let bench = try Workbench(registry, model, spellings, lowering, watching, compiles: false)
    printNotes(bench.notes)
    if bench.stage == .lowered {
      for chip in try registry.backends(spellings) {
        guard let note = (try? chip.compile(bench.graph))?.valuesNote else { continue }
        printNotes(["\(chip.spelling): \(note), but those of the file are: it does not answer as 'run' on this machine"])
      }
    }
    try Files.write(try format.bytes(of: bench.graph), to: output)
    if let (ending, bytes) = try format.companion(of: bench.graph) { try Files.write(bytes, to: output + ending) }
    writeError("wrote \(output), stage \(bench.stageName)\n")
  }

  func execute(_ registry: Registry) throws {
    guard format == .text || emit == .mapping else {
      throw Diagnostic(.usage, "--format json is for --emit mapping", hint: "leave one of them out")
    }
    if case .format(let name) = emit { return try write(as: name, registry) }
    let spellings = try backend.spellings() ?? (model.isProgram ? nil : [Spelling("imc")])
    guard spellings?.count ?? 1 == 1 else { throw Diagnostic(.usage, "compile takes one backend", hint: "such as --backend imc") }
    let bench = try Workbench(registry, model, spellings, lowering, watching)
    printNotes(bench.notes)
    let machine = bench.machines[0]
    let spelling = machine.backend.spelling
    if let program = bench.program, program.backend != spelling {
      throw Diagnostic(
        .usage, "the program is compiled for '\(program.backend)'", file: model.model, hint: "compile the model itself for '\(spelling)'")
    }
    if let reason = try CompileCommand.missingCosts(machine) { printNotes([reason]) }
    if let output {
      let program = ProgramFile(
        graph: bench.graph, backend: spelling, model: bench.program?.model ?? model.model, packed: machine.executable.packed,
        sources: try machine.backend.sources())
      try program.write(to: output)
      writeError("wrote \(output)\n")
    }
    switch emit {
    case .format: break
    case .graph: writeOut(Printer.print(machine.executable.graph))
    case .listing:
      guard let listing = machine.executable.listing else {
        throw Diagnostic(.usage, "backend '\(machine.name)' has no program to show", hint: "imc has one")
      }
      writeOut(listing)
    case .mapping:
      var tables = bench.loweringTables(format)
      if let mapping = machine.executable.mapping { tables.append(("mapping", mapping)) }
      tables.append(("work", Workbench.workTable(machine, in: bench.graph)))
      tables += (machine.executable.costs?.tables(for: machine.name) ?? []).map { ($0.key, $0) }
      report(tables, extra: [("backend", .string(machine.name)), ("stage", .string(bench.stageName))], format: format)
    }
  }

  /// Why an in-memory machine has no cost tables; nil where it has some, and for other machines.
  private static func missingCosts(_ machine: Workbench.Machine) throws -> String? {
    guard machine.executable.costs == nil, try machine.backend.target() != nil else { return nil }
    return "\(machine.name): no costs, since its hardware sheet does not say how long an evaluation takes (timing.cycle)"
  }
}

extension Workbench {
  /// Which nodes run on the machine and which on the host, and why.
  static func workTable(_ machine: Machine, in graph: Graph) -> Table {
    var native: [String] = []
    var host: [(key: String, count: Int)] = []
    for id in machine.executable.graph.nodeIDs {
      let node = machine.executable.graph[id]
      switch machine.backend.backend.support(for: id, in: machine.executable.graph, machine.backend.options) {
      case .native: native.append(node.op.name)
      case .host(let reason), .no(let reason):
        let key = "\(node.op.name): \(reason)"
        if let index = host.firstIndex(where: { $0.key == key }) { host[index].count += 1 } else { host.append((key, 1)) }
      }
    }
    return Table(
      "Work on \(machine.name): \(native.count) nodes on the machine, \(host.reduce(0) { $0 + $1.count }) on the host",
      columns: ["host work", "nodes"], rows: host.map { [.text($0.key), .int($0.count)] })
  }
}
