import Foundation
import Testing

/// Bad input gets a one-line error that says what and where, and the right exit code.
@Suite struct BadInputTests {
  private let model = "models/lenet5-bw-qdq6.onnx"

  private func expectFault(_ status: Int32, _ words: [String], _ arguments: [String], in folder: URL = Bitline.root) throws {
    let outcome = try Bitline.run(arguments, in: folder)
    #expect(!outcome.crashed)
    #expect(outcome.status == status, "\(arguments): \(outcome.error)")
    for word in words { #expect(outcome.error.contains(word), "\(arguments): '\(word)' is missing in: \(outcome.error)") }
    #expect(outcome.error.split(separator: "\n").filter { !$0.hasPrefix("note:") }.count == 1, "not one line: \(outcome.error)")
  }

  @Test func aTruncatedModel() throws {
    let folder = try Bitline.folder()
    let whole = try Data(contentsOf: Bitline.root.appendingPathComponent(model))
    for length in [1, 100, whole.count / 2, whole.count - 1] {
      let path = folder.appendingPathComponent("cut.onnx")
      try whole.prefix(length).write(to: path)
      try expectFault(4, ["cut.onnx"], ["inspect", path.path])
    }
  }

  @Test func aFileThatIsNoModel() throws {
    let folder = try Bitline.folder()
    for (name, text) in [("page.onnx", "<!DOCTYPE html><html></html>"), ("empty.onnx", ""), ("notes.onnx", "hello, world")] {
      let path = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: path)
      try expectFault(4, [name], ["inspect", path.path])
    }
    try expectFault(4, ["/nowhere/net.onnx", "No such file"], ["inspect", "/nowhere/net.onnx"])
    try expectFault(4, ["no frontend reads '.md'"], ["inspect", "models/README.md"])
  }

  @Test func aShapeThatDoesNotFit() throws {
    let folder = try Bitline.folder()
    let text =
      "graph \"g\" {\n %0 = input \"x\" : f32[1x3]\n %1 = constant splat(1.0) : f32[2x4]\n %2 = dense(%0, %1) : f32[1x2]\n output \"y\" = %2\n}"
    let path = folder.appendingPathComponent("g.ir")
    try Data(text.utf8).write(to: path)
    try expectFault(4, ["g.ir", "line 4", "does not fit"], ["inspect", path.path])
  }

  @Test func aMissingInput() throws { try expectFault(2, ["'input'", "missing"], ["run", model]) }

  @Test func aWrongElementType() throws {
    let folder = try Bitline.folder()
    let path = folder.appendingPathComponent("codes.npy")
    try Bitline.npy(descr: "|u1", shape: "(1, 1, 28, 28)", bytes: [UInt8](repeating: 0, count: 784)).write(to: path)
    try expectFault(4, ["codes.npy", "u8[1x1x28x28]", "takes f32"], ["run", model, "--input", path.path])
  }

  @Test func anInputOfAnotherShape() throws {
    let folder = try Bitline.folder()
    let path = folder.appendingPathComponent("small.npy")
    try Bitline.npy(descr: "<f4", shape: "(1, 1, 2, 2)", bytes: [UInt8](repeating: 0, count: 16)).write(to: path)
    try expectFault(4, ["small.npy", "f32[1x1x2x2]"], ["run", model, "--input", path.path])
  }

  @Test func anUnknownBackend() throws { try expectFault(2, ["'tpu'", "known: "], ["run", model, "--backend", "tpu"]) }

  @Test func anUnknownBackendOption() throws {
    try expectFault(2, ["no option 'voltage'"], ["compile", model, "--backend", "imc{voltage=3}"])
  }

  @Test func anUnknownPass() throws { try expectFault(2, ["'frob'"], ["opt", "--passes", "frob", model]) }

  @Test func anUnreadableDataSet() throws {
    try expectFault(4, ["nowhere"], ["evaluate", model, "--data", "mnist:/nowhere"])
    try expectFault(2, ["imagenet"], ["evaluate", model, "--data", "imagenet:/nowhere"])
    try expectFault(2, ["--data"], ["evaluate", model])
  }

  @Test func aDamagedProgram() throws {
    let folder = try Bitline.folder()
    let path = folder.appendingPathComponent("net.bitline")
    #expect(try Bitline.run(["compile", model, "-o", path.path]).status == 0)
    var bytes = try Data(contentsOf: path)
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: path)
    try expectFault(4, ["net.bitline", "damaged"], ["run", path.path])
  }
}

extension Bitline {
  /// An .npy file of version 1.
  static func npy(descr: String, shape: String, bytes: [UInt8]) -> Data {
    var header = "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    let length = UInt16(header.utf8.count)
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(header.utf8) + bytes)
  }
}
