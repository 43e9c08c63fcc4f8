import GraphIR
import PluginAPI

/// A compiled network as a file: the lowered graph, its constants, and the machine it was compiled for.
///
/// Layout, little-endian: `BITLPRG1`, then sections (name as counted string, payload count u64, payload aligned to 64), an empty
/// name at the end, then the FNV-1a hash of all before it, u64. Sections: `backend` and `model` (text), `graph` (text form), `constants`
/// (`ConstantArchive`). Readers skip sections that they do not know; a change that old readers must not take changes the magic.
public struct ProgramFile: Sendable {
  private static let magic = Array("BITLPRG1".utf8)

  /// The graph.
  public var graph: Graph
  /// The backend's spelling, with options.
  public var backend: Spelling
  /// The model's path as it was given.
  public var model: String

  /// Creates one from its parts.
  public init(graph: Graph, backend: Spelling, model: String) {
    self.graph = graph
    self.backend = backend
    self.model = model
  }

  /// The bytes of the file.
  public var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.write(raw: Self.magic)
    let sections = [
      ("backend", Array("\(backend)".utf8)), ("model", Array(model.utf8)), ("graph", Array(Printer.print(graph).utf8)),
      ("constants", ConstantArchive.encode(Printer.constants(of: graph))),
    ]
    for (name, payload) in sections {
      writer.write(name)
      writer.write(UInt64(payload.count))
      writer.align(to: 64)
      writer.write(raw: payload)
    }
    writer.write("")
    writer.write(fnv1a(writer.bytes[...]))
    return writer.bytes
  }

  /// Whether a file begins like a program.
  public static func recognizes(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic.dropLast()) }

  /// Reads a program file; throws a `badInput` diagnostic that names the file when it is damaged or of another version.
  public init(path: String) throws {
    do {
      try self.init(bytes: Files.read(path))
    } catch let fault as Diagnostic {
      throw fault.inFile(path)
    }
  }

  package init(bytes: [UInt8]) throws {
    guard bytes.starts(with: Self.magic) else {
      throw Self.recognizes(bytes)
        ? Diagnostic(.badInput, "is a program of another version of bitline", hint: "compile the model again")
        : Diagnostic(.badInput, "is not a bitline program", hint: "'bitline compile -o' writes one")
    }
    guard bytes.count > 16 else { throw Diagnostic(.badInput, "is cut short", hint: "compile the model again") }
    var tail = ByteReader(bytes[(bytes.count - 8)...])
    guard try tail.read(UInt64.self) == fnv1a(bytes[..<(bytes.count - 8)]) else {
      throw Diagnostic(.badInput, "is damaged: its checksum does not fit", hint: "compile the model again")
    }
    var reader = ByteReader(bytes[..<(bytes.count - 8)])
    _ = try reader.read(count: Self.magic.count)
    var sections: [String: ArraySlice<UInt8>] = [:]
    while case let name = try reader.readString(), !name.isEmpty {
      let count = Int(clamping: try reader.read(UInt64.self))
      try reader.align(to: 64)
      sections[name] = try reader.read(count: count)
    }
    func section(_ name: String) throws -> ArraySlice<UInt8> {
      guard let payload = sections[name] else { throw Diagnostic(.badInput, "has no section '\(name)'") }
      return payload
    }
    let constants = try ConstantArchive.decode(try section("constants"))
    graph = try Parser.parse(Array(try section("graph"))) { constants[$0] }
    try Diagnostics.throwIfAny(Verifier.faults(in: graph))
    backend = try Spelling.parse(String(decoding: try section("backend"), as: UTF8.self))
    model = String(decoding: try section("model"), as: UTF8.self)
  }
}
