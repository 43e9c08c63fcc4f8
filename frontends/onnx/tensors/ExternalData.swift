import GraphIR

/// Where in which file a tensor's external data lies.
struct ExternalData {
  let location: String
  let offset: Int
  /// nil: to the end of what the tensor takes.
  let length: Int?

  /// Reads the entries; throws for an unknown or repeated key, a number that is none, and a location that leads out of the model's folder.
  init(_ entries: [(key: String, value: String)]) throws {
    var values: [String: String] = [:]
    for (key, value) in entries {
      guard ["location", "offset", "length", "checksum"].contains(key) else {
        throw Diagnostic(.badInput, "external_data has an unknown key '\(key)'")
      }
      guard values.updateValue(value, forKey: key) == nil else { throw Diagnostic(.badInput, "external_data gives '\(key)' twice") }
    }
    guard let location = values["location"], !location.isEmpty else { throw Diagnostic(.badInput, "external_data has no location") }
    self.location = try ExternalData.confined(location)
    offset = try ExternalData.number(values["offset"], "offset") ?? 0
    length = try ExternalData.number(values["length"], "length")
  }

  private static func number(_ text: String?, _ key: String) throws -> Int? {
    guard let text else { return nil }
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    guard isPlain, let number = Int(text) else { throw Diagnostic(.badInput, "external_data has an impossible \(key) '\(text)'") }
    return number
  }

  private static func confined(_ location: String) throws -> String {
    let components = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.utf8.contains(UInt8(ascii: "\\")), !components.contains(".."), !components.contains("") else {
      throw Diagnostic(
        .badInput, "external data at '\(location)' leads out of the model's folder",
        hint: "the location must be relative, without '..' or '\\'")
    }
    return location
  }
}
