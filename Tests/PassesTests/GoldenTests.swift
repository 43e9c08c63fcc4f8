import Foundation
import GraphIR
import Testing

/// Every file under `Tests/golden/passes` holds a pipeline, a graph, what the pipeline makes of it, and what it says.
///
/// `BLESS=1` rewrites what is expected; read the diff.
@Suite struct GoldenTests {
  @Test(arguments: GoldenFile.all)
  func golden(_ file: GoldenFile) throws {
    let graph = try Parser.parse(file.before)
    let outcome = try run(file.pipeline, on: graph, calibration: file.calibration(for: graph))
    let after = Printer.print(outcome.graph) + outcome.notes.map { "// note: \($0)\n" }.joined()
    if ProcessInfo.processInfo.environment["BLESS"] == "1" {
      try file.write(after: after)
    } else {
      #expect(after == file.after, "\(file.path)")
    }
  }

  @Test func everyPassHasAGolden() {
    let covered = Set(GoldenFile.all.map(\.folder))
    for pass in allPasses { #expect(covered.contains(pass.name), "Tests/golden/passes/\(pass.name) holds no .ir file") }
  }
}

/// A golden file: `// passes: …`, the graph before, `// becomes`, and what is expected. A graph whose first line is `// samples: 9` runs with
/// so many samples of one seed as calibration data.
struct GoldenFile: Sendable, CustomTestStringConvertible {
  /// Below `Tests/golden/passes`.
  let path: String
  let folder: String
  let pipeline: String
  let before: String
  let after: String

  var testDescription: String { path }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
    path: "golden/passes")
  private static let head = "// passes: "
  private static let middle = "\n// becomes\n"

  static let all: [GoldenFile] = {
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
    return files.filter { $0.pathExtension == "ir" }.sorted { $0.path < $1.path }.compactMap(GoldenFile.init)
  }()

  private init?(_ url: URL) {
    guard let text = try? String(contentsOf: url, encoding: .utf8), text.hasPrefix(Self.head), let lineEnd = text.firstIndex(of: "\n")
    else {
      return nil
    }
    folder = url.deletingLastPathComponent().lastPathComponent
    path = "\(folder)/\(url.lastPathComponent)"
    pipeline = String(text[..<lineEnd].dropFirst(Self.head.count))
    let parts = text[text.index(after: lineEnd)...].components(separatedBy: Self.middle)
    before = parts[0]
    after = parts.count > 1 ? parts[1] : ""
  }

  func calibration(for graph: Graph) -> [[Tensor]] {
    let head = "// samples: "
    guard before.hasPrefix(head), let line = before.split(separator: "\n").first, let count = Int(line.dropFirst(head.count)) else {
      return []
    }
    var random = Seeded(1)
    return [
      graph.inputs.map { input in
        var shape = graph.type(of: input).shape
        shape[0] = count
        return random.tensor(shape)
      }
    ]
  }

  func write(after: String) throws {
    try Data("\(Self.head)\(pipeline)\n\(before)\(Self.middle)\(after)".utf8).write(to: Self.root.appending(path: path))
  }
}
