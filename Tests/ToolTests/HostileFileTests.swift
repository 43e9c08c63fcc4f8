import Foundation
import Testing

/// Each class of hostile file is refused with a message, within a second of the processor's time and 100 MB beside the program itself.
@Suite struct HostileFileTests {
  /// Inspects a model under limits, in the raw and the canonical stage. `words` are asked of the message; none: the model may be taken, too.
  private func expectRefusal(
    _ bytes: [UInt8], _ words: String..., kinds: Set<Int32> = [4], prepare: (URL) throws -> Void = { _ in },
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = folder.appendingPathComponent("model/m.onnx")
    try FileManager.default.createDirectory(at: model.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: model)
    try prepare(folder)
    let program = folder.appendingPathComponent("m.bitline").path
    let commands = [
      "raw": ["inspect", model.path, "--stage", "raw"], "canonical": ["inspect", model.path, "--stage", "canonical"],
      "cpu": ["compile", model.path, "--backend", "cpu", "-o", program],
    ]
    for (stage, arguments) in commands {
      let outcome = try Bitline.limited(arguments)
      #expect(!outcome.crashed, "\(stage): \(outcome.error.prefix(300))", sourceLocation: sourceLocation)
      let allowed = words.isEmpty ? kinds.union([0]) : kinds
      #expect(allowed.contains(outcome.status), "\(stage): \(outcome.status), \(outcome.error.prefix(300))", sourceLocation: sourceLocation)
      #expect(outcome.error.utf8.count < 500_000, sourceLocation: sourceLocation)
      for word in words {
        #expect(outcome.error.contains(word), "'\(word)' is missing in: \(outcome.error.prefix(300))", sourceLocation: sourceLocation)
      }
    }
  }

  private let one = floats("one", dims: [1, 1], 1)

  // MARK: The wire

  @Test func depth() throws {
    var inner: [UInt8] = []
    for _ in 0..<3000 {
      let graph = inner
      inner = message { $0.message(1) { $0.message(5) { $0.data(6, graph) } } }
    }
    try expectRefusal(message { $0.data(7, inner) }, "nest deeper than 100")
  }

  @Test func quadraticMerges() throws {
    try expectRefusal(message { model in for _ in 0..<20_000 { model.message(7) { $0.data(1, []) } } }, "more than once")
  }

  @Test func amplification() throws {
    for (field, count) in [(UInt64(1), 1_000_000), (5, 1_000_000), (99, 700_000)] {
      let graph = message { graph in for _ in 0..<count { graph.data(field, []) } }
      try expectRefusal(
        message {
          $0.int(1, 8)
          $0.data(7, graph)
        }, "far more than a model of this size needs")
    }
  }

  @Test func lyingLengths() throws {
    try expectRefusal([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2], "bytes where only 2 are left")
    try expectRefusal([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], "bytes where only 0 are left")
  }

  // MARK: Tensors and shapes

  @Test func shapeProducts() throws {
    let sum = node("Add", ["x", "w"])
    for dims in [[1 << 32, 1 << 32], [0, 1 << 62, 1 << 62], [-1], [Int.min], [1 << 20, 1 << 20, 1 << 20]] {
      try expectRefusal(HostileModel(sum, initializers: [tensor("w", type: 1, dims: dims, raw: [])]).bytes, "tensor 'w'")
    }
    try expectRefusal(
      HostileModel(sum, initializers: [tensor("w", type: 1, dims: Array(repeating: 1, count: 50_000), raw: [0, 0, 0, 0])]).bytes,
      "of rank 50000")
    try expectRefusal(HostileModel(sum, initializers: [tensor("w", type: 1, dims: [4], raw: [0, 0])]).bytes, "raw_data has 2 bytes")
    var huge = HostileModel(node("Relu", ["x"]))
    huge.inputExtents = [1 << 30, 1 << 30, 1 << 30]
    try expectRefusal(huge.bytes, "more than any memory holds")
  }

  @Test func notANumber() throws {
    for bad in [Float.nan, .infinity] {
      let zero = tensor("z", type: 2, dims: [], raw: [3])
      let codes = HostileModel(
        node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"]), initializers: [floats("s", bad), zero])
      try expectRefusal(codes.bytes, "a scale is NaN or infinite")
      var resize = HostileModel(
        node("Resize", ["x", "", "s"], with: [("mode", .string("nearest"))]), initializers: [floats("s", dims: [2], 1, bad)])
      resize.inputExtents = [1, 4]
      try expectRefusal(resize.bytes, "scales")
      try expectRefusal(
        HostileModel(node("Range", ["a", "s", "a"], ["r"]), node("Add", ["x", "r"]), initializers: [floats("a", 1), floats("s", bad)])
          .bytes,
        "a range from")
    }
  }

  @Test(arguments: [[1 << 20, 1 << 20], [1 << 14, 1 << 14], [Int.max, Int.max]])
  func operandBombs(big: [Int]) throws {
    let shape = integers("s", big[0], big[1])
    for op in ["Expand", "Tile"] {
      var model = HostileModel(node(op, ["one", "s"], ["e"]), node("Add", ["e", "x"]), initializers: [one, shape])
      model.inputExtents = [1, 1]
      try expectRefusal(model.bytes)
    }
    try expectRefusal(
      HostileModel(
        node("ConstantOfShape", ["s"], ["c"]), node("ReduceSum", ["c"], ["r"], with: [("keepdims", .int(1))]), node("Add", ["x", "r"]),
        initializers: [shape]
      ).bytes)
    try expectRefusal(
      HostileModel(
        node("Range", ["a", "b", "c"], ["r"]), node("Cast", ["r"], ["f"], with: [("to", .int(1))]), node("Add", ["f", "x"]),
        initializers: [integers("a", 0, scalar: true), integers("b", Int.max, scalar: true), integers("c", 1, scalar: true)]
      ).bytes, "a range from")
    var resize = HostileModel(
      node("Resize", ["x", "", "", "s"], with: [("mode", .string("nearest"))]), initializers: [integers("s", 1, 1, big[0], big[1])])
    resize.inputExtents = [1, 1, 2, 2]
    try expectRefusal(resize.bytes)
    var pad = HostileModel(node("Pad", ["x", "s"]), initializers: [integers("s", 0, big[0], 0, big[1])])
    pad.inputExtents = [1, 1]
    try expectRefusal(pad.bytes)
    try expectRefusal(
      HostileModel(
        node("OneHot", ["i", "d", "v"], ["h"]), node("Slice", ["h", "i", "j"], ["t"]), node("Add", ["t", "x"]),
        initializers: [integers("i", 1), integers("j", 2), integers("d", big[0], scalar: true), floats("v", dims: [2], 0, 1)]
      ).bytes)
  }

  @Test func shapesThatTakeLongToCompute() throws {
    let ones = [UInt8](repeating: 0, count: 4 << 20)
    let product = HostileModel(
      node("MatMul", ["a", "b"], ["p"]), node("Cast", ["p"], ["i"], with: [("to", .int(7))]), node("Reshape", ["i", "m"], ["s"]),
      node("Reshape", ["x", "s"]),
      initializers: [
        tensor("a", type: 1, dims: [1024, 1024], raw: ones), tensor("b", type: 1, dims: [1024, 1024], raw: ones), integers("m", -1),
      ])
    try expectRefusal(product.bytes, "too much for a shape", kinds: [3])
    var doubling = HostileModel(initializers: [integers("v0", 1, 1)])
    doubling.nodes =
      (0..<60).map { node("Concat", ["v\($0)", "v\($0)"], ["v\($0 + 1)"], with: [("axis", .int(0))]) } + [node("Reshape", ["x", "v60"])]
    try expectRefusal(doubling.bytes, "Concat")
    let long = HostileModel(node("ConstantOfShape", ["s"], ["c"]), node("Reshape", ["x", "c"]), initializers: [integers("s", 1 << 19)])
    try expectRefusal(long.bytes, "Reshape")
  }

  // MARK: Arithmetic

  @Test func integerDivision() throws {
    for (a, b) in [(4, 0), (Int.min, -1), (0, 0)] {
      for op in ["Div", "Mod"] {
        try expectRefusal(
          HostileModel(node(op, ["a", "b"], ["s"]), node("Reshape", ["x", "s"]), initializers: [integers("a", a), integers("b", b)]).bytes)
      }
    }
    for (op, a, b) in [("Mul", Int.min, -1), ("Sub", Int.min, 1), ("Add", Int.max, 1), ("Pow", 7, 1 << 62)] {
      try expectRefusal(
        HostileModel(node(op, ["a", "b"], ["s"]), node("Reshape", ["x", "s"]), initializers: [integers("a", a), integers("b", b)]).bytes)
    }
    for value in [Float.nan, 1e30, -1e30] {
      try expectRefusal(
        HostileModel(
          node("Cast", ["f"], ["s"], with: [("to", .int(7))]), node("Reshape", ["x", "s"]), initializers: [floats("f", dims: [1], value)]
        ).bytes)
    }
  }

  @Test(arguments: [Int.min, -1, 0, 1 << 31, 1 << 62, Int.max])
  func attributesOutOfRange(value: Int) throws {
    let weights = floats("w", dims: [1, 1, 1, 1], 1)
    for name in ["strides", "dilations", "kernel_shape"] {
      for op in ["Conv", "ConvTranspose"] {
        var model = HostileModel(node(op, ["x", "w"], with: [(name, .ints([value, value]))]), initializers: [weights])
        model.inputExtents = [1, 1, 4, 4]
        try expectRefusal(model.bytes)
      }
      var pool = HostileModel(node("MaxPool", ["x"], with: [("kernel_shape", .ints([2, 2])), ("strides", .ints([value, value]))]))
      pool.inputExtents = [1, 1, 4, 4]
      try expectRefusal(pool.bytes)
    }
    for (op, name) in [("Softmax", "axis"), ("Flatten", "axis"), ("DepthToSpace", "blocksize"), ("LRN", "size")] {
      var model = HostileModel(node(op, ["x"], with: [(name, .int(value))]))
      model.inputExtents = [1, 4, 4, 4]
      try expectRefusal(model.bytes)
    }
    try expectRefusal(HostileModel(node("Transpose", ["x"], with: [("perm", .ints([value, 0]))])).bytes)
    try expectRefusal(HostileModel(node("Gather", ["x", "i"], with: [("axis", .int(1))]), initializers: [integers("i", value)]).bytes)
    try expectRefusal(
      HostileModel(
        node("Slice", ["x", "a", "b", "c", "d"]), initializers: ["a", "b", "c", "d"].map { integers($0, $0 == "c" ? 1 : value) }
      ).bytes)
  }

  // MARK: Names and functions

  @Test func namesAndAttributes() throws {
    let twice = HostileModel(node("Relu", ["x"]), node("Abs", ["x"]))
    try expectRefusal(twice.bytes, "'y' is defined twice")
    try expectRefusal(HostileModel(node("Relu", ["x"]), initializers: [one, one]).bytes, "'one' is there twice")
    try expectRefusal(HostileModel(node("Relu", ["x"], with: [("slope", .int(1))])).bytes, "no attribute 'slope'")
    try expectRefusal(
      HostileModel(node("Neg", ["b"], ["a"]), node("Neg", ["a"], ["b"]), node("Add", ["x", "b"])).bytes, "needs its own result")
    var many = HostileModel(node("Relu", ["x"]))
    many.nodes += (0..<20_000).map { node("NoSuch\($0)", ["x"], ["q\($0)"]) }
    try expectRefusal(many.bytes)
  }

  @Test func functionsThatRecur() throws {
    var model = HostileModel(node("F", ["x"], domain: "local"))
    model.domains = ["", "local"]
    model.functions = [
      function("F", [node("G", ["a"], ["t0"], domain: "local")]), function("G", [node("F", ["a"], ["t0"], domain: "local")]),
    ]
    try expectRefusal(model.bytes, "call each other more than 32 deep")
  }

  @Test func functionBombs() throws {
    var model = HostileModel(node("F0", ["x"], domain: "local"))
    model.domains = ["", "local"]
    model.functions = (0..<24).map { level in
      function(
        "F\(level)", (0..<10).map { node(level < 23 ? "F\(level + 1)" : "Neg", ["a"], ["t\($0)"], domain: level < 23 ? "local" : "") })
    }
    try expectRefusal(model.bytes, "more than 10000 calls")
    let long = String(repeating: "n", count: 20_000)
    model.functions = (0..<5).map { level in
      function(
        "F\(level)",
        (0..<8).map { node(level < 4 ? "F\(level + 1)" : "Neg", ["a"], ["t\($0)"], name: long, domain: level < 4 ? "local" : "") })
    }
    try expectRefusal(model.bytes, "names inside functions")
  }

  // MARK: External data

  @Test func externalData() throws {
    func model(_ location: String, _ more: (String, String)...) -> [UInt8] {
      HostileModel(node("Add", ["x", "w"]), initializers: [external("w", [("location", location)] + more)]).bytes
    }
    func writeSecret(_ folder: URL) throws { try Data(count: 16).write(to: folder.appendingPathComponent("secret")) }
    func link(_ name: String, to target: String) -> (URL) throws -> Void {
      { folder in
        try writeSecret(folder)
        try FileManager.default.createSymbolicLink(
          atPath: folder.appendingPathComponent("model/\(name)").path, withDestinationPath: target)
      }
    }
    for location in ["../secret", "a/../../secret", "/etc/passwd", "..", "a\\b"] {
      try expectRefusal(model(location), "leads out of the model's folder", prepare: writeSecret)
    }
    try expectRefusal(model("link"), "symbolic links", prepare: link("link", to: "../secret"))
    try expectRefusal(model("up/secret"), "symbolic links", prepare: link("up", to: ".."))
    try expectRefusal(model("pipe"), "is not a regular file") { #expect(mkfifo($0.appendingPathComponent("model/pipe").path, 0o600) == 0) }
    for entry in [("offset", "-1"), ("offset", "9223372036854775807"), ("length", "99999999999999999999"), ("length", "8"), ("mode", "x")] {
      try expectRefusal(model("data", entry), "external") { try Data(count: 16).write(to: $0.appendingPathComponent("model/data")) }
    }
    try expectRefusal(model("data"), "has only 15") { try Data(count: 15).write(to: $0.appendingPathComponent("model/data")) }
  }

  @Test func hardLinksAreTakenWithANoteAndLinksWhenAsked() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let bytes = HostileModel(node("Add", ["x", "w"]), initializers: [external("w", [("location", "data")])]).bytes
    let model = folder.appendingPathComponent("m.onnx")
    try Data(bytes).write(to: model)
    try Data(count: 16).write(to: folder.appendingPathComponent("other"))
    let data = folder.appendingPathComponent("data")
    try FileManager.default.linkItem(at: folder.appendingPathComponent("other"), to: data)
    let linked = try Bitline.limited(["inspect", model.path])
    #expect(linked.status == 0 && linked.error.contains("2 hard links"), "\(linked.error)")
    try FileManager.default.removeItem(at: data)
    try FileManager.default.createSymbolicLink(atPath: data.path, withDestinationPath: "other")
    #expect(try Bitline.limited(["inspect", model.path]).status == 4)
    #expect(try Bitline.limited(["inspect", model.path, "--follow-symlinks"]).status == 0)
  }

  /// The text parser's fuzzer's find: a line of text that asks for a constant of a quarter of a gigabyte, and a second for another.
  @Test func textBombs() throws {
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("bomb.ir")
    let lines = (0..<100).map { "%\($0) = constant splat(1.0) : f32[1000x1000]\n" }.joined()
    try Data("graph \"g\" {\n\(lines) output \"y\" = %0\n}".utf8).write(to: path)
    let refused = try Bitline.limited(["inspect", path.path, "--max-memory", "16M"])
    #expect(refused.status == 4 && refused.error.contains("memory limit"), "\(refused.error)")
  }

  @Test func theMemoryLimitIsAnOption() throws {
    let model = HostileModel(
      node("Relu", ["x"]), initializers: [tensor("w", type: 1, dims: [1 << 18], raw: [UInt8](repeating: 0, count: 1 << 20))])
    let folder = try Bitline.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("m.onnx")
    try Data(model.bytes).write(to: path)
    #expect(try Bitline.limited(["inspect", path.path, "--max-memory", "8M"]).status == 0)
    let refused = try Bitline.limited(["inspect", path.path, "--max-memory", "512K"])
    #expect(refused.status == 4 && refused.error.contains("524288") && refused.error.contains("--max-memory"), "\(refused.error)")
    for bad in ["0", "-1", "M", "1T", "99999999999G"] {
      #expect(try Bitline.limited(["inspect", path.path, "--max-memory", bad]).status == 2)
    }
  }
}
