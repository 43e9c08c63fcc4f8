import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The repository, found from this file's place in it.
let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

/// Runs a shell command; nil when it fails.
func shell(_ command: String) -> String? {
  guard let pipe = popen(command, "r") else { return nil }
  var bytes: [UInt8] = []
  while case let byte = fgetc(pipe), byte != EOF { bytes.append(UInt8(byte)) }
  return pclose(pipe) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
}

/// A fresh folder that is removed afterwards.
func withTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
  var template = Array("/tmp/bitline-onnx-XXXXXX".utf8CString)
  let path = try #require(template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }.map { String(cString: $0) })
  defer { _ = shell("rm -r '\(path)'") }
  return try body(path)
}

@Suite struct SchemaTests {
  @Test(.enabled(if: shell("command -v protoc-c") != nil, "protoc-c is not installed"))
  func generatedCodeIsFresh() throws {
    let schema = "\(repository)/frontends/onnx/schema"
    try withTemporaryFolder { folder in
      _ = try #require(shell("protoc-c --proto_path='\(schema)' --c_out='\(folder)' onnx.proto"))
      let version = try #require(shell("protoc-c --version"))
      let hint = "run protoc-c --c_out=. onnx.proto in frontends/onnx/schema and move the header to include/; this is \(version)"
      #expect(shell("cmp '\(folder)/onnx.pb-c.c' '\(schema)/onnx.pb-c.c'") != nil, "\(hint)")
      #expect(shell("cmp '\(folder)/onnx.pb-c.h' '\(schema)/include/onnx.pb-c.h'") != nil, "\(hint)")
    }
  }
}
