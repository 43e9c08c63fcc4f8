import PluginAPI

/// A JSON value, for `--format json`.
enum JSON {
  case string(String)
  case int(Int)
  case number(Double)
  case bool(Bool)
  case null
  case array([JSON])
  case object([(String, JSON)])

  /// Indented text.
  var text: String {
    var out = ""
    write(to: &out, indent: "")
    return out + "\n"
  }

  private func write(to out: inout String, indent: String) {
    switch self {
    case .string(let text): out += JSON.quoted(text)
    case .int(let value): out += "\(value)"
    case .number(let value): out += value.isFinite ? "\(value)" : "null"
    case .bool(let value): out += value ? "true" : "false"
    case .null: out += "null"
    case .array(let items): writeList("[", "]", items.map { ("", $0) }, to: &out, indent: indent)
    case .object(let fields): writeList("{", "}", fields.map { (JSON.quoted($0.0) + ": ", $0.1) }, to: &out, indent: indent)
    }
  }

  private func writeList(_ open: String, _ close: String, _ items: [(String, JSON)], to out: inout String, indent: String) {
    guard !items.isEmpty else {
      out += open + close
      return
    }
    out += open + "\n"
    for (place, (prefix, item)) in items.enumerated() {
      out += indent + "  " + prefix
      item.write(to: &out, indent: indent + "  ")
      out += place + 1 < items.count ? ",\n" : "\n"
    }
    out += indent + close
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      case _ where scalar.value < 32:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

extension JSON {
  /// A table as a list of objects, one a row, keyed by the heads of the columns.
  init(_ table: Table) {
    let rows = table.rows.map { row in
      JSON.object(
        zip(table.columns, row).map { column, cell in
          switch cell {
          case .text(let text): (column, .string(text))
          case .int(let value): (column, .int(value))
          case .number(let value, _): (column, .number(value))
          case .none: (column, .null)
          }
        })
    }
    self = .object([
      ("title", .string(table.title)), ("rows", .array(rows)), ("notes", .array(table.notes.map { .string($0) })),
    ])
  }
}
