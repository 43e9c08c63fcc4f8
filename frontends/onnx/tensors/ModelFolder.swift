import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The folder a model lies in, out of which its external data may not lead.
///
/// A class because it owns a descriptor of the folder and the files that were mapped. Used from one thread while importing.
final class ModelFolder: @unchecked Sendable {
  private let path: String
  private let descriptor: Int32
  private let followsLinks: Bool
  private var files: [String: MappedFile] = [:]
  /// What the user should know of files that were opened.
  private(set) var notes: [String] = []

  /// Opens the folder of a model file. Without `followsLinks` a symbolic link anywhere below the folder is refused.
  init(ofModel path: String, followsLinks: Bool) throws {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    self.path = slash.map { String(path[...$0]) } ?? "./"
    self.followsLinks = followsLinks
    descriptor = open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Diagnostic(.badInput, "cannot open the model's folder: \(systemReason())") }
  }

  deinit { close(descriptor) }

  /// The bytes that an entry names, which must be `expected` many, and what keeps them mapped.
  func data(_ data: ExternalData, expected: Int) throws -> (UnsafeRawBufferPointer, MappedFile) {
    let file = try file(data.location)
    guard data.length.map({ $0 == expected }) ?? true else {
      throw Diagnostic(.badInput, "external data of \(data.length ?? 0) bytes, the extents take \(expected)")
    }
    guard data.offset <= file.bytes.count, expected <= file.bytes.count - data.offset else {
      throw Diagnostic(
        .badInput, "external data at \(data.offset) of \(expected) bytes, but '\(data.location)' has only \(file.bytes.count)",
        hint: "the file is cut short or not the model's")
    }
    return (UnsafeRawBufferPointer(rebasing: file.bytes[data.offset..<data.offset + expected]), file)
  }

  private func file(_ location: String) throws -> MappedFile {
    if let known = files[location] { return known }
    let file = try MappedFile(closing: openBelow(location), path: path + location)
    files[location] = file
    if file.linkCount > 1 { notes.append("external data '\(location)' has \(file.linkCount) hard links; it may lie elsewhere, too") }
    return file
  }

  /// Opens a file below the folder, one component at a time, so that no link is followed on the way.
  private func openBelow(_ location: String) throws -> Int32 {
    let noLink = followsLinks ? 0 : O_NOFOLLOW
    let components = location.split(separator: "/").map(String.init)
    var folder = descriptor
    defer { if folder != descriptor { close(folder) } }
    for (index, component) in components.enumerated() {
      let isLast = index == components.count - 1
      let next = openat(folder, component, O_RDONLY | O_CLOEXEC | noLink | (isLast ? O_NONBLOCK : O_DIRECTORY))
      guard next >= 0 else { throw refusal(location) }
      if isLast { return next }
      if folder != descriptor { close(folder) }
      folder = next
    }
    throw Diagnostic(.badInput, "external data at '\(location)' names no file")
  }

  private func refusal(_ location: String) -> Diagnostic {
    // A link under O_NOFOLLOW gives ELOOP, and ENOTDIR when O_DIRECTORY is asked too.
    let mayBeLink = !followsLinks && (errno == ELOOP || errno == ENOTDIR)
    return Diagnostic(
      .badInput, "cannot open external data '\(path)\(location)': \(systemReason())",
      hint: mayBeLink ? "symbolic links are not followed out of a model's folder" : nil)
  }
}
