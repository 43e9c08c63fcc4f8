import Foundation
import GraphIR
import PluginAPI
import Testing

/// Files are replaced whole; what is no regular file is written into.
@Suite struct FilesTests {
  private func use(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bitline-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test func linksAreFollowed() throws {
    try use { folder in
      func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
      try FileManager.default.createDirectory(atPath: path("deep"), withIntermediateDirectories: true)
      for (link, target) in [("one", "two"), ("two", "deep/file"), ("whole", path("deep/other"))] {
        try FileManager.default.createSymbolicLink(atPath: path(link), withDestinationPath: target)
      }
      // The target need not be there, and is replaced where it is.
      for text in ["first", "second"] {
        for (link, target) in [("one", "deep/file"), ("whole", "deep/other")] {
          try Files.write(text.utf8, to: path(link))
          #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path(link)) != "")
          #expect(try String(contentsOfFile: path(target), encoding: .utf8) == text)
        }
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: path("deep")).sorted() == ["file", "other"])
    }
  }

  @Test func pipesAreWrittenInto() throws {
    try use { folder in
      let path = folder.appendingPathComponent("pipe").path
      #expect(mkfifo(path, 0o600) == 0)
      // Opened for both, so that the writer need not wait.
      let descriptor = open(path, O_RDWR | O_NONBLOCK)
      defer { close(descriptor) }
      try Files.write("through".utf8, to: path)
      var bytes = [UInt8](repeating: 0, count: 16)
      let count = read(descriptor, &bytes, bytes.count)
      #expect(count >= 0 && String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self) == "through")
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType != .typeRegular)
    }
  }

  @Test func aFolderIsNoFile() throws {
    try use { folder in #expect(throws: Diagnostic.self) { try Files.write("text".utf8, to: folder.path) } }
  }
}
