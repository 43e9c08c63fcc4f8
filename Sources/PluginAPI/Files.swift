import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reading and writing whole files.
public enum Files {
  /// The bytes of a regular file; throws a `badInput` diagnostic that names it.
  public static func read(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Diagnostic(.badInput, "cannot open: \(systemReason())", file: path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Diagnostic(.badInput, "cannot read: \(systemReason())", file: path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Diagnostic(.badInput, "is not a regular file", file: path) }
    return try readAll(descriptor, sizeHint: Int(status.st_size), path: path)
  }

  /// The first bytes of a regular file, at most `count`; throws a `badInput` diagnostic that names it.
  public static func head(_ path: String, count: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Diagnostic(.badInput, "cannot open: \(systemReason())", file: path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Diagnostic(.badInput, "is not a regular file", file: path)
    }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = bytes.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, count) }
    guard got >= 0 else { throw Diagnostic(.badInput, "cannot read: \(systemReason())", file: path) }
    return Array(bytes.prefix(got))
  }

  /// All of standard input.
  public static func readStandardInput() throws -> [UInt8] { try readAll(0, sizeHint: 1 << 16, path: "standard input") }

  private static func readAll(_ descriptor: Int32, sizeHint: Int, path: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(sizeHint)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { chunk.deallocate() }
    while true {
      let got = systemRead(descriptor, chunk.baseAddress, chunk.count)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw Diagnostic(.badInput, "cannot read: \(systemReason())", file: path) }
      if got == 0 { return bytes }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<got]))
    }
  }

  /// Writes a file whole: under a temporary name first, then renamed. What exists and is no regular file, such as a device or a named pipe,
  /// is written into, and symbolic links are followed.
  public static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    try ContiguousArray(bytes).withUnsafeBytes { try write([$0], to: path) }
  }

  /// Writes parts one after the other.
  package static func write(_ parts: [UnsafeRawBufferPointer], to path: String) throws {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      return try write(parts, to: open(path, O_WRONLY | O_CLOEXEC), path)
    }
    let target = followed(path)
    let temporary = "\(target).\(getpid()).tmp"
    do {
      try write(parts, to: open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644), path)
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, target) == 0 else {
      let failure = systemReason()
      unlink(temporary)
      throw Diagnostic(.badInput, "cannot write: \(failure)", file: path)
    }
  }

  /// Writes to a descriptor as `open` gave it, and closes it. `path` is for messages.
  private static func write(_ parts: [UnsafeRawBufferPointer], to descriptor: Int32, _ path: String) throws {
    guard descriptor >= 0 else { throw Diagnostic(.badInput, "cannot write: \(systemReason())", file: path) }
    let failure = parts.lazy.compactMap { writeAll($0, to: descriptor) }.first
    let closeFailure = close(descriptor) == 0 ? nil : systemReason()
    if let failure = failure ?? closeFailure { throw Diagnostic(.badInput, "cannot write: \(failure)", file: path) }
  }

  /// Where a name leads through symbolic links at its end; there need not be anything.
  private static func followed(_ path: String) -> String {
    var path = path
    // As many as Linux follows.
    for _ in 0..<40 {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink(path, &buffer, buffer.count)
      guard count > 0 else { return path }
      let link = buffer.withUnsafeBytes { String(decoding: $0.prefix(count), as: UTF8.self) }
      let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
      path = link.hasPrefix("/") ? link : folder + link
    }
    return path
  }

  /// Nil, or why it failed.
  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> String? {
    var offset = 0
    while offset < bytes.count {
      let put = systemWrite(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
      if put < 0 && errno == EINTR { continue }
      if put < 0 { return systemReason() }
      offset += put
    }
    return nil
  }

  /// Makes a folder and those above it.
  public static func makeFolder(_ path: String) throws {
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += partial.isEmpty || partial.hasSuffix("/") ? "\(component)" : "/\(component)"
      guard mkdir(partial, 0o755) == 0 || errno == EEXIST else {
        throw Diagnostic(.badInput, "cannot make the folder: \(systemReason())", file: path)
      }
    }
  }

  /// Whether there is something under that name.
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// The file ending without the dot, in small letters; empty when there is none.
  public static func fileExtension(_ path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }
}

/// The system's `read`, which `Files.read` hides inside the type.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int { read(descriptor, buffer, count) }

/// The system's `write`, which `Files.write` hides inside the type.
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, buffer, count) }
