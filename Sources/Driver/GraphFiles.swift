import GraphIR
import PluginAPI

/// Graphs as files: text, with large constants beside it.
public enum GraphFiles {
  /// Writes `path` and, when there are large constants, `path.weights`.
  public static func write(_ graph: Graph, to path: String, comment: String = "") throws {
    let constants = Printer.constants(of: graph)
    if !constants.isEmpty { try Files.write(ConstantArchive.encode(constants), to: path + ".weights") }
    let head = comment.isEmpty ? "" : "// \(comment)\n"
    try Files.write((head + Printer.print(graph)).utf8, to: path)
  }

  /// Writes the graph that a pass failed on; returns the path.
  static func writeReproducer(_ graph: Graph, _ spelling: Spelling, in folder: String) throws -> String {
    let path = "\(folder)/bitline-reproducer.ir"
    try Files.makeFolder(folder)
    try write(graph, to: path, comment: "bitline opt --passes '\(spelling)'")
    return path
  }
}
