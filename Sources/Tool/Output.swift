import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writes text to a file descriptor, whole.
private func emit(_ text: String, to descriptor: Int32) {
  var text = text
  text.withUTF8 { bytes in
    var offset = 0
    while offset < bytes.count {
      let put = write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if put < 0 && errno == EINTR { continue }
      if put < 0 { return }
      offset += put
    }
  }
}

/// Writes text to standard output.
func writeOut(_ text: String) { emit(text, to: 1) }

/// Writes text to standard error.
func writeError(_ text: String) { emit(text, to: 2) }

/// Prints tables as asked: for people one below the other, as JSON one object keyed by the names given.
func report(_ tables: [(key: String, table: Table)], extra: [(String, JSON)] = [], format: Format) {
  switch format {
  case .text: writeOut(tables.map(\.table.text).joined(separator: "\n"))
  case .json: writeOut(JSON.object(extra + tables.map { ($0.key, JSON($0.table)) }).text)
  }
}

/// Prints notes to standard error, so that reports can be piped.
func printNotes(_ notes: [String]) { for note in notes { writeError("note: \(note)\n") } }
