import ArgumentParser
import Driver
import GraphIR
import PluginAPI

struct RunCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a model or a compiled program on given inputs.",
    discussion: "Inputs stand in graph order or are named: --input NAME=FILE. Files: .npy, .npz, .pb (TensorProto).")

  @OptionGroup var model: ModelFlags
  @OptionGroup var backend: BackendFlags
  @OptionGroup var lowering: LoweringFlags
  @OptionGroup var watching: PassFlags

  @Option(help: ArgumentHelp("An input, in graph order or by name.", valueName: "file or name=file"))
  var input: [String] = []

  @Option(help: ArgumentHelp("Writes each output into this folder as NAME.npy.", valueName: "folder"))
  var outputDir: String?

  @Option(help: "File format of outputs: npy or pb.")
  var outputFormat: String = "npy"

  @Flag(help: "Writes every value of the graph, not only outputs.")
  var allValues = false

  func execute(_ registry: Registry) throws {
    let given = try InputReader.read(input, registry, for: model)
    let bench = try Workbench(registry, model, try backend.spellings(), lowering, watching, given: given)
    printNotes(bench.notes)
    let inputs = try InputReader(bench.graph, modelInputs: bench.inputNames).tensors(of: given)
    guard let format = registry.tensorFormats.first(where: { $0.fileExtensions.contains(outputFormat) }) else {
      throw Diagnostic(.usage, "--output-format cannot be '\(outputFormat)'", hint: "npy or pb")
    }
    if allValues { try bench.program?.checkConstants() }
    // Two configurations of one backend get folders of their own.
    var names = Set<String>()
    let subfolders = bench.machines.map { RunCommand.fileName($0.backend.backend.name, avoiding: &names) }
    for (machine, subfolder) in zip(bench.machines, subfolders) {
      let graph = machine.executable.graph
      let taps = allValues ? graph.nodes.flatMap(\.results) : []
      let result = try machine.executable.run(inputs, taps: taps, threads: backend.threads)
      var named = zip(graph.outputs, result.outputs).map { ($0.name, $1) }
      for (id, tensor) in zip(taps, result.taps) { named.append(("\(id)-\(graph[id].name)", tensor)) }
      let folder = outputDir.map { bench.machines.count > 1 ? "\($0)/\(subfolder)" : $0 }
      if bench.machines.count > 1 { writeOut("\(machine.name)\n") }
      var taken = Set<String>()
      for (name, tensor) in named {
        guard let folder else {
          writeOut("\(name) : \(tensor.type) = \(RunCommand.preview(tensor))\n")
          continue
        }
        try Files.makeFolder(folder)
        let path = "\(folder)/\(RunCommand.fileName(name, avoiding: &taken)).\(outputFormat)"
        try Files.write(format.bytes(of: tensor, name: name), to: path)
        writeOut("\(name) : \(tensor.type) -> \(path)\n")
      }
    }
  }

  /// A name that is safe for a file: other characters become `_`, names that then collide get a number.
  static func fileName(_ name: String, avoiding taken: inout Set<String>) -> String {
    var safe = String(
      name.unicodeScalars.map { scalar -> Character in
        let isSafe =
          scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "._-".unicodeScalars.contains(scalar))
        return isSafe ? Character(scalar) : "_"
      })
    if safe.isEmpty || safe.allSatisfy({ $0 == "." }) { safe = "_" + safe }
    return taken.claim(safe, separator: "-")
  }

  private static func preview(_ tensor: Tensor) -> String {
    let shown = (0..<min(tensor.count, 16)).map { number(tensor, at: $0) }.joined(separator: ", ")
    return "[\(shown)\(tensor.count > 16 ? ", …" : "")]"
  }

  /// One element; whole numbers to the last digit.
  private static func number(_ tensor: Tensor, at index: Int) -> String {
    switch tensor.element {
    case .int64: tensor.withElements(Int64.self) { $0[index].description }
    case .uint64: tensor.withElements(UInt64.self) { $0[index].description }
    case .int32, .int16, .int8, .uint32, .uint16, .uint8, .bool, .bit: Int(tensor.double(at: index)).description
    case .float64: tensor.double(at: index).description
    case .float32, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      Float(tensor.double(at: index)).description
    }
  }
}
