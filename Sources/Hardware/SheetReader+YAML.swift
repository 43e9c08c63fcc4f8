import GraphIR
import Yams

/// A node of a YAML file; `Node` alone is one of a graph.
typealias YAMLNode = Yams.Node

extension SheetReader {
  /// What the YAML parser says, as a diagnostic with the line.
  static func diagnostic(for error: any Error, file: String) -> Diagnostic {
    guard let error = error as? YamlError else { return Diagnostic(.badInput, "is not YAML: \(error)", file: file) }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      return Diagnostic(.badInput, "is not YAML: \(problem)", file: file, place: "line \(mark.line)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      return Diagnostic(
        .badInput, "says '\(duplicates.joined(separator: "', '"))' twice", file: file, place: "line \(context.mark.line)",
        hint: "each field stands once")
    case .no, .memory, .reader, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return Diagnostic(.badInput, "is not YAML: \(error)", file: file)
    }
  }
}

extension YAMLNode {
  /// The line it stands on, or that of what holds it.
  func line(or line: Int) -> Int { mark?.line ?? line }
}

extension Double {
  /// As people write it: whole numbers without a point.
  var plain: String { Int(exactly: self).map(String.init) ?? "\(self)" }
}
