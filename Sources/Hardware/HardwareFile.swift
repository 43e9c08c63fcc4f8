import GraphIR
import PluginAPI

/// A hardware description file: a chip's macro or a machine, every figure with unit, mark and source.
public enum HardwareFile: Hashable, Sendable {
  case macro(MacroDescription)
  case processor(ProcessorDescription)

  /// The kinds of file, by the word under `kind`.
  enum Kind: String, CaseIterable { case macro, processor }

  /// Loads a file by path (it has a `/` or ends in `.yaml`) or by name.
  ///
  /// A name is looked for in `hardware/` of the current folder, then among the files built into the program.
  /// Throws `Diagnostics`: every fault of the file, each with its line.
  public static func load(_ nameOrPath: String) throws -> HardwareFile {
    let found = try find(nameOrPath)
    return try parse(found.text, file: found.file)
  }

  /// The text of the file that `load` reads.
  public static func text(_ nameOrPath: String) throws -> String { try find(nameOrPath).text }

  /// The text of a file, and what it is called in faults.
  private static func find(_ nameOrPath: String) throws -> (text: String, file: String) {
    let isPath = nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml")
    let path = isPath ? nameOrPath : "hardware/\(nameOrPath).yaml"
    if isPath || Files.exists(path) {
      let bytes = try Files.read(path)
      guard let text = String(validating: bytes, as: UTF8.self) else { throw Diagnostic(.badInput, "is not UTF-8 text", file: path) }
      return (text, path)
    }
    guard let bytes = builtInBytes[nameOrPath] else {
      throw Diagnostic(.badInput, "no hardware file '\(nameOrPath)'", hint: "known: \(builtIn.joined(separator: ", ")); or give a path")
    }
    return (String(decoding: bytes, as: UTF8.self), "built-in \(nameOrPath).yaml")
  }

  /// Loads a macro; a file of another kind is an error.
  public static func loadMacro(_ nameOrPath: String) throws -> MacroDescription {
    guard case .macro(let description) = try load(nameOrPath) else {
      throw Diagnostic(.badInput, "hardware file '\(nameOrPath)' describes a processor, not a macro", hint: "such as conv-ram-isscc2018")
    }
    return description
  }

  /// Loads a processor; a file of another kind is an error.
  public static func loadProcessor(_ nameOrPath: String) throws -> ProcessorDescription {
    guard case .processor(let description) = try load(nameOrPath) else {
      throw Diagnostic(.badInput, "hardware file '\(nameOrPath)' describes a macro, not a processor", hint: "such as processor-65nm-int8")
    }
    return description
  }

  /// Reads the text of a file, once for each text; `file` names it in faults.
  public static func parse(_ text: String, file: String) throws -> HardwareFile {
    try ParsedSheets.shared.sheet(text) { try read(text, file: file) }
  }

  private static func read(_ text: String, file: String) throws -> HardwareFile {
    var probe = SheetReader(file: file)
    let root = try probe.root(text, fields: MacroDescription.fields + ProcessorDescription.fields)
    guard let spelled = root.entries["kind"]?.scalar, let kind = Kind(rawValue: spelled) else {
      let line = root.entries["kind"]?.line ?? 1
      let hint = "wanted: kind: \(Kind.allCases.map(\.rawValue).joined(separator: " or "))"
      throw Diagnostic(.badInput, "does not say what it describes", file: file, place: "line \(line)", hint: hint)
    }
    var reader = SheetReader(file: file)
    switch kind {
    case .macro:
      let description = try MacroDescription(reading: reader.root(text, fields: MacroDescription.fields), by: &reader)
      try reader.finish()
      return .macro(description)
    case .processor:
      let description = try ProcessorDescription(reading: reader.root(text, fields: ProcessorDescription.fields), by: &reader)
      try reader.finish()
      return .processor(description)
    }
  }

  /// The names of the files built into the program.
  public static let builtIn = builtInBytes.keys.sorted()

  /// The bytes of `hardware/*.yaml`, which the build puts into the program.
  private static let builtInBytes: [String: [UInt8]] = [
    "c3sram": PackageResources.c3sram_yaml,
    "cap-ram": PackageResources.cap_ram_yaml,
    "colonnade": PackageResources.colonnade_yaml,
    "conv-ram-isscc2018": PackageResources.conv_ram_isscc2018_yaml,
    "conv-sram-jssc2019": PackageResources.conv_sram_jssc2019_yaml,
    "dong-7nm": PackageResources.dong_7nm_yaml,
    "ideal": PackageResources.ideal_yaml,
    "jia-65nm": PackageResources.jia_65nm_yaml,
    "processor-65nm-int8": PackageResources.processor_65nm_int8_yaml,
    "processor-65nm-int8x8": PackageResources.processor_65nm_int8x8_yaml,
    "valavi-65nm": PackageResources.valavi_65nm_yaml,
    "xnor-sram": PackageResources.xnor_sram_yaml,
  ]
}
