import Driver
import GraphIR
import Hardware
import PluginAPI

/// The hash of a text, as hexadecimal digits.
func hash(of text: String) -> String {
  var text = text
  return text.withUTF8 { String(lineHash(UnsafeRawBufferPointer($0)), radix: 16) }
}

/// The files that a backend's options name: its hardware sheet and the calibration of its chip.
extension ConfiguredBackend {
  /// Each option that names a file, with the hash of what the file says: `hardware=1f… calibration=20…`; nil when none does.
  func sources() throws -> String? {
    var parts: [String] = []
    if let sheet = options[text: "hardware"] { parts.append("hardware=\(hash(of: try HardwareFile.text(sheet)))") }
    if let file = options[text: "calibration"] {
      parts.append("calibration=\(hash(of: String(decoding: try Files.read(file), as: UTF8.self)))")
    }
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }

  /// Throws where such a file says something else than when the program was compiled.
  func requireSources(of program: ProgramFile, in path: String) throws {
    guard let compiled = program.sources?.split(separator: " ") else { return }
    for part in try sources()?.split(separator: " ") ?? [] where !compiled.contains(part) {
      let option = String(part.prefix { $0 != "=" })
      throw Diagnostic(
        .badInput, "was compiled when \(option) '\(options[text: option] ?? "")' said something else", file: path,
        hint: "compile the model again, or run the program on what it says now: --backend '\(spelling)'")
    }
  }
}
