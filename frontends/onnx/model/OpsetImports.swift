import COnnxSchema
import GraphIR

/// Which version of which operator set a model, or a function in it, was written for.
struct OpsetImports {
  /// The newest version of the default domain that is known here.
  static let newest = 27

  private var versions: [String: Int] = [:]

  /// Reads the imports: each domain once, the default domain in a known version.
  init(_ protos: [UnsafePointer<Onnx__OperatorSetIdProto>]) throws {
    for proto in protos.map(\.pointee) {
      let domain = OpsetImports.canonical(text(proto.domain))
      let shown = domain.isEmpty ? "the default domain" : "domain '\(domain)'"
      guard versions[domain] == nil else { throw Diagnostic(.badInput, "opset_import gives \(shown) twice") }
      let version = Int(proto.version)
      guard version >= 1 else { throw Diagnostic(.badInput, "opset \(version) of \(shown) does not exist") }
      if domain.isEmpty && version > OpsetImports.newest {
        throw Diagnostic(
          .unsupported, "opset \(version) is newer than \(OpsetImports.newest), the newest that is known", hint: "export for an older opset"
        )
      }
      versions[domain] = version
    }
  }

  /// The default domain has two names.
  static func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

  /// The version of a domain; throws when it is not imported.
  func version(of domain: String) throws -> Int {
    guard let version = versions[domain] else {
      throw Diagnostic(
        .badInput, domain.isEmpty ? "opset_import does not name the default domain" : "opset_import does not name domain '\(domain)'")
    }
    return version
  }

  /// Whether a domain is imported.
  func names(_ domain: String) -> Bool { versions[domain] != nil }
}
