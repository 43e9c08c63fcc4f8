import Dispatch

/// Sheets that were read without fault, by their text: a backend asks for its sheet at every compile, and for the support of every node.
///
/// A class because it is shared by all threads; a queue guards it.
final class ParsedSheets: @unchecked Sendable {
  static let shared = ParsedSheets()

  /// More texts than this are a sweep; what was kept is let go.
  private static let most = 64

  private let queue = DispatchQueue(label: "bitline.hardware.sheets")
  private var sheets: [String: HardwareFile] = [:]

  /// The sheet of a text, read by `read` when it has not been met.
  func sheet(_ text: String, read: () throws -> HardwareFile) throws -> HardwareFile {
    if let known = queue.sync(execute: { sheets[text] }) { return known }
    let sheet = try read()
    queue.sync {
      if sheets.count >= ParsedSheets.most { sheets = [:] }
      sheets[text] = sheet
    }
    return sheet
  }
}
