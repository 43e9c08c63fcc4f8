import PluginAPI

extension Table {
  /// The table for people: columns aligned, numbers to the right, notes below.
  var text: String {
    let cells = rows.map { $0.map(\.text) }
    let widths = columns.indices.map { column in
      ([columns[column]] + cells.map { column < $0.count ? $0[column] : "" }).map(\.count).max() ?? 0
    }
    let isRight = columns.indices.map { column in rows.contains { column < $0.count && $0[column].isNumber } }
    func line(_ texts: [String]) -> String {
      var line = ""
      for (column, text) in texts.enumerated() {
        let blanks = String(repeating: " ", count: widths[column] - text.count)
        line += (column == 0 ? "" : "  ") + (isRight[column] ? blanks + text : text + blanks)
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }
    var out = title.isEmpty ? "" : title + "\n"
    out += line(columns)
    out += line(widths.map { String(repeating: "-", count: $0) })
    for row in cells { out += line(row) }
    for note in notes { out += "  \(note)\n" }
    return out
  }
}

extension Table.Cell {
  fileprivate var isNumber: Bool {
    switch self {
    case .int, .number: true
    case .text, .none: false
    }
  }

  fileprivate var text: String {
    switch self {
    case .text(let text): text
    case .int(let value): grouped(value)
    case .number(let value, let digits): fixed(value, digits)
    case .none: "-"
    }
  }
}

/// A whole number with a thin gap between thousands, as in `10 000`.
func grouped(_ value: Int) -> String {
  let digits = String(value.magnitude)
  var out = ""
  for (place, digit) in digits.enumerated() {
    if place > 0 && (digits.count - place) % 3 == 0 && digits.count > 4 { out.append(" ") }
    out.append(digit)
  }
  return value < 0 ? "-" + out : out
}

/// A number with `digits` digits behind the point; tiny ones in powers of ten.
func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (value.magnitude * scale).rounded()
  if value != 0 && scaled == 0 || scaled > 1e15 { return "\(Float(value))" }
  let whole = Int(scaled)
  let sign = value < 0 && whole != 0 ? "-" : ""
  guard digits > 0 else { return sign + grouped(whole) }
  let fraction = String(whole % Int(scale))
  return sign + grouped(whole / Int(scale)) + "." + String(repeating: "0", count: digits - fraction.count) + fraction
}
