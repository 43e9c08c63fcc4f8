import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A regular file's bytes, mapped for reading.
///
/// A class because it owns the mapping. A file that somebody cuts short while it is mapped kills the reader: nothing can be done about it here.
package final class MappedFile: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  /// Under how many names the file lies.
  package let linkCount: Int

  /// Opens and maps `path`. A name that is a pipe or a device is refused without waiting on it.
  package convenience init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw Diagnostic(.badInput, "cannot open: \(systemReason())", file: path) }
    try self.init(closing: descriptor, path: path)
  }

  /// Maps an open file, and closes the descriptor. `path` is for messages.
  package init(closing descriptor: Int32, path: String) throws {
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Diagnostic(.badInput, "cannot read: \(systemReason())", file: path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Diagnostic(.badInput, "is not a regular file", file: path) }
    linkCount = Int(status.st_nlink)
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw Diagnostic(.badInput, "cannot map: \(systemReason())", file: path)
    }
    bytes = UnsafeRawBufferPointer(start: base, count: size)
  }

  /// Gives back the memory of the first `count` bytes. They may still be read: the system fetches them again.
  package func giveBack(first count: Int) {
    let whole = min(count, bytes.count) & ~(Int(getpagesize()) - 1)
    if whole > 0, let base = bytes.baseAddress { madvise(UnsafeMutableRawPointer(mutating: base), whole, Int32(MADV_DONTNEED)) }
  }

  /// The bytes for tensors, which keep the file mapped.
  package var storage: TensorStorage { TensorStorage(borrowing: bytes) { withExtendedLifetime(self) {} } }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }
}

/// What the last failed system call complained of.
package func systemReason() -> String { String(cString: strerror(errno)) }
