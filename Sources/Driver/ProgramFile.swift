import GraphIR
import PluginAPI

/// A compiled network as a file: the lowered graph, its constants, and the machine it was compiled for.
///
/// Layout, little-endian: `BITLPRG3`; how many bytes a directory has, u32; the directory, which is how many sections there are, u32, then for
/// each its name (counted string), offset in the file, size and hash, u64 each; the directory's own hash, u64; the sections' bytes, each
/// aligned to 64. Hashes are those of `lineHash`. Sections: `backend` and `model` (text), `graph` (text form), `constants` (`ConstantArchive`),
/// where the machine packs constants `packed` with `packed-key` (text), and where its options name files `sources` (text). Readers skip
/// sections that they do not know; a change that old readers must not take changes the magic.
///
/// A program is mapped, not read: constants lie where they are until somebody uses them. All but large constants is always compared with its
/// hash; those are with `checksAll`, or by `checkConstants()` before somebody computes from them. They stand last, behind what every run
/// reads, since the system maps up to 2 MB around what is touched.
public struct ProgramFile: Sendable {
  private static let magic = Array("BITLPRG3".utf8)
  private static let alignment = 64
  /// Constants of at most so many bytes, such as biases and scales, are always read and checked.
  private static let shortConstant = 1 << 14

  /// The graph.
  public var graph: Graph
  /// The backend's spelling, with options.
  public var backend: Spelling
  /// The model's path as it was given.
  public var model: String
  /// The machine's constants as it reads them; nil when it packs none.
  public var packed: PackedConstants?

  /// Hashes of the files that the backend's options name, as whoever wrote the program spells them; nil when they name none.
  public var sources: String?
  /// The constants where they have not been compared with their hash.
  private var unchecked: Section?
  /// Where the program was read from.
  private var path: String?

  /// A section's bytes, and the hash that they should have.
  private struct Section {
    var payload: TensorStorage
    var hash: UInt64

    func check(_ name: String) throws {
      guard ProgramFile.hash(payload) == hash else { throw ProgramFile.damaged("section '\(name)'") }
    }
  }

  /// Creates one from its parts.
  public init(graph: Graph, backend: Spelling, model: String, packed: PackedConstants? = nil, sources: String? = nil) {
    self.graph = graph
    self.backend = backend
    self.model = model
    self.packed = packed
    self.sources = sources
  }

  /// Reads all constants and compares them with their hash, unless that was done: before somebody computes from them.
  public func checkConstants() throws {
    do {
      try unchecked?.check("constants")
    } catch let fault as Diagnostic {
      throw path.map(fault.inFile) ?? fault
    }
  }

  /// Writes the file.
  public func write(to path: String) throws {
    try withParts { try Files.write($0, to: path) }
  }

  /// The bytes of the file.
  package var bytes: [UInt8] { withParts { $0.flatMap(Array.init) } }

  /// Calls `body` with the bytes of the file in parts.
  private func withParts<R>(_ body: ([UnsafeRawBufferPointer]) throws -> R) rethrows -> R {
    let texts =
      [("backend", "\(backend)"), ("model", model), ("graph", Printer.print(graph))] + (sources.map { [("sources", $0)] } ?? [])
      + (packed.map { [("packed-key", $0.key)] } ?? [])
    var sections = texts.map { (name: $0, storage: TensorStorage(copying: Array($1.utf8))) }
    if let packed { sections.append(("packed", packed.storage)) }
    sections.append(("constants", TensorStorage(copying: ConstantArchive.encode(Printer.constants(of: graph)))))
    let head = ProgramFile.head(sections)
    return try head.withUnsafeBytes { head in
      let zeros = [UInt8](repeating: 0, count: ProgramFile.alignment)
      return try zeros.withUnsafeBytes { zeros in
        var parts = [head]
        for (index, section) in sections.enumerated() {
          let before = index == 0 ? 0 : sections[index - 1].storage.bytes.count
          parts.append(UnsafeRawBufferPointer(rebasing: zeros[..<ProgramFile.gap(after: before)]))
          parts.append(UnsafeRawBufferPointer(section.storage.bytes))
        }
        return try withExtendedLifetime(sections) { try body(parts) }
      }
    }
  }

  /// All before the first section, filled up to where that begins.
  private static func head(_ sections: [(name: String, storage: TensorStorage)]) -> [UInt8] {
    // A directory is as long whatever its offsets are.
    let fixed = magic.count + 4 + 8
    let count = directory(sections, from: 0).count
    var offset = fixed + count
    offset += gap(after: offset)
    var writer = ByteWriter()
    writer.write(raw: magic)
    writer.write(UInt32(count))
    let directory = directory(sections, from: offset)
    writer.write(raw: directory)
    writer.write(directory.withUnsafeBytes(lineHash))
    writer.align(to: alignment)
    return writer.bytes
  }

  private static func directory(_ sections: [(name: String, storage: TensorStorage)], from start: Int) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(UInt32(sections.count))
    var offset = start
    for (name, storage) in sections {
      writer.write(name)
      writer.write(UInt64(offset))
      writer.write(UInt64(storage.bytes.count))
      writer.write(hash(storage))
      offset += storage.bytes.count + gap(after: storage.bytes.count)
    }
    return writer.bytes
  }

  private static func gap(after count: Int) -> Int { (alignment - count % alignment) % alignment }

  private static func hash(_ storage: TensorStorage) -> UInt64 { lineHash(UnsafeRawBufferPointer(storage.bytes)) }

  /// Whether a file begins like a program.
  public static func recognizes(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic.dropLast()) }

  /// Maps a program file; throws a `badInput` diagnostic that names the file when it is damaged or of another version. With `checksAll` the
  /// constants are read and compared with their hashes too.
  public init(path: String, checksAll: Bool = false) throws {
    do {
      try self.init(MappedFile(path: path).storage, checksAll: checksAll)
    } catch let fault as Diagnostic {
      throw fault.inFile(path)
    }
    self.path = path
  }

  package init(_ file: TensorStorage, checksAll: Bool) throws {
    guard file.bytes.starts(with: Self.magic) else {
      throw Self.recognizes(Array(file.bytes.prefix(Self.magic.count)))
        ? Diagnostic(.badInput, "is a program of another version of bitline", hint: "compile the model again")
        : Diagnostic(.badInput, "is not a bitline program", hint: "'bitline compile -o' writes one")
    }
    let sections = try Self.sections(file, checksAll: checksAll)
    func section(_ name: String) throws -> TensorStorage {
      guard let section = sections[name] else { throw Diagnostic(.badInput, "has no section '\(name)'") }
      return section.payload
    }
    func text(_ name: String) throws -> String { String(decoding: try section(name).bytes, as: UTF8.self) }
    let checked = checksAll ? Int.max : Self.shortConstant
    let constants = try ConstantArchive.decode(try section("constants"), checkedBytes: checked)
    unchecked = checksAll ? nil : sections["constants"]
    graph = try Parser.parse(Array(try section("graph").bytes)) { constants[$0] }
    try Diagnostics.throwIfAny(Verifier.faults(in: graph))
    backend = try Spelling.parse(try text("backend"))
    model = try text("model")
    sources = try sections["sources"].map { _ in try text("sources") }
    packed = try sections["packed"].map { PackedConstants(key: try text("packed-key"), storage: $0.payload) }
  }

  /// The sections of a file by name.
  private static func sections(_ file: TensorStorage, checksAll: Bool) throws -> [String: Section] {
    var reader = ByteReader(file)
    _ = try reader.read(count: magic.count)
    let directory = try reader.read(count: Int(try reader.read(UInt32.self)))
    guard try reader.read(UInt64.self) == hash(directory) else { throw damaged("directory") }
    var entries = ByteReader(directory)
    var sections: [String: Section] = [:]
    for _ in 0..<(try entries.read(UInt32.self)) {
      let name = try entries.readString()
      let (offset, count) = (Int(clamping: try entries.read(UInt64.self)), Int(clamping: try entries.read(UInt64.self)))
      let expected = try entries.read(UInt64.self)
      guard offset <= file.bytes.count, count <= file.bytes.count - offset else {
        throw Diagnostic(.badInput, "is cut short", hint: "compile the model again")
      }
      let section = Section(payload: file.part(offset..<offset + count), hash: expected)
      if checksAll || name != "constants" { try section.check(name) }
      sections[name] = section
    }
    return sections
  }

  private static func damaged(_ part: String) -> Diagnostic {
    Diagnostic(.badInput, "is damaged: the hash of its \(part) does not fit", hint: "compile the model again")
  }
}
