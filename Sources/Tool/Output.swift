import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writes text to a file descriptor, whole; hands back the system's error number where that fails, else 0.
private func emit(_ text: String, to descriptor: Int32) -> Int32 {
  var text = text
  return text.withUTF8 { bytes in
    var offset = 0
    while offset < bytes.count {
      let put = write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if put < 0 && errno == EINTR { continue }
      if put < 0 { return errno }
      offset += put
    }
    return 0
  }
}

/// Writes text to standard output. Where that fails the program ends with 4: what it would do next, nobody would read. A closed pipe is no
/// news to who closed it, anything else is said.
func writeOut(_ text: String) {
  let reason = emit(text, to: 1)
  guard reason != 0 else { return }
  if reason != EPIPE { writeError("error: standard output: cannot write: \(String(cString: strerror(reason)))\n") }
  exit(Diagnostic.Kind.badInput.rawValue)
}

/// Writes text to standard error. Where that fails nothing is left to say so on.
func writeError(_ text: String) { _ = emit(text, to: 2) }

/// Prints tables as asked: for people one below the other, as JSON one object keyed by the names given.
func report(_ tables: [(key: String, table: Table)], extra: [(String, JSON)] = [], format: Format) {
  switch format {
  case .text: writeOut(tables.map(\.table.text).joined(separator: "\n"))
  case .json:
    // The same names, with a number behind those that stood before.
    var taken = Set<String>()
    let keys = tables.map { taken.claim($0.key, separator: " ") }
    writeOut(JSON.object(extra + zip(keys, tables).map { ($0, JSON($1.table)) }).text)
  }
}

/// Prints notes to standard error, so that reports can be piped.
func printNotes(_ notes: [String]) { for note in notes { writeError("note: \(note)\n") } }
