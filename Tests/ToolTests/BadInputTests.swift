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

  @Test func anUnsupportedOperator() throws {
    let folder = try Bitline.folder()
    let path = folder.appendingPathComponent("odd.onnx")
    try Data(Bitline.onnx(operators: [("Frobnicate", "first"), ("Relu", "second"), ("Mystify", "third")])).write(to: path)
    let outcome = try Bitline.run(["inspect", path.path])
    #expect(outcome.status == 3 && !outcome.crashed)
    for word in ["odd.onnx", "Frobnicate", "first", "Mystify", "third"] { #expect(outcome.error.contains(word), "\(outcome.error)") }
    #expect(!outcome.error.contains("second"))
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

  /// Options for lowering lower, whatever the backend, and are refused where they could do nothing.
  @Test func loweringOptionsAreNotIgnored() throws {
    let float = "models/lenet5-float.onnx", digits = ["--data", "digits:20", "--calibrate", "digits:20,2"]
    try expectFault(2, ["--bases", "no effect", "canonical"], ["evaluate", float, "--stage", "canonical", "--bases", "2"] + digits)
    try expectFault(2, ["'bases' cannot be '77'"], ["evaluate", float, "--bases", "77"] + digits)
    let lowered = try Bitline.run(["evaluate", float, "--bases", "2"] + digits)
    #expect(lowered.status == 0 && lowered.output.contains("lowered"), "\(lowered)")
  }

  @Test func anUnreadableDataSet() throws {
    try expectFault(4, ["nowhere"], ["evaluate", model, "--data", "mnist:/nowhere"])
    try expectFault(2, ["imagenet"], ["evaluate", model, "--data", "imagenet:/nowhere"])
    try expectFault(2, ["--data"], ["evaluate", model])
  }

  @Test func aDamagedProgram() throws {
    let folder = try Bitline.folder()
    let path = folder.appendingPathComponent("net.bitline")
    #expect(try Bitline.run(["compile", model, "-o", path.path]).status == 0)
    let bytes = try Data(contentsOf: path)
    // Weights are mapped and not read; what says where they lie is compared with its hash.
    for (place, command) in [(bytes.count / 2, "inspect"), (20, "inspect"), (20, "run")] {
      var damaged = bytes
      damaged[place] ^= 1
      try damaged.write(to: path)
      try expectFault(4, ["net.bitline", "damaged"], [command, path.path])
    }
  }
}

extension Bitline {
  /// An ONNX model: a chain of operators of one input each over f32[2], in wire format.
  static func onnx(operators: [(type: String, name: String)]) -> [UInt8] {
    func bytes(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
      [field << 3 | 2] + (content.count < 128 ? [UInt8(content.count)] : [UInt8(content.count & 127 | 128), UInt8(content.count >> 7)])
        + content
    }
    func text(_ field: UInt8, _ content: String) -> [UInt8] { bytes(field, Array(content.utf8)) }
    func value(_ name: String) -> [UInt8] {
      let shape = bytes(1, [1 << 3, 2])
      return text(1, name) + bytes(2, bytes(1, [1 << 3, 1] + bytes(2, shape)))
    }
    let nodes = operators.enumerated().flatMap { place, node in
      bytes(1, text(1, "v\(place)") + text(2, "v\(place + 1)") + text(3, node.name) + text(4, node.type))
    }
    let graph = nodes + text(2, "g") + bytes(11, value("v0")) + bytes(12, value("v\(operators.count)"))
    return [1 << 3, 8] + bytes(7, graph) + bytes(8, [2 << 3, 17])
  }

  /// An .npy file of version 1.
  static func npy(descr: String, shape: String, bytes: [UInt8]) -> Data {
    var header = "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    let length = UInt16(header.utf8.count)
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(header.utf8) + bytes)
  }
}
