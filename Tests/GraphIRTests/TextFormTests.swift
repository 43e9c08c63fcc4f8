import GraphIR
import Testing

@Suite struct TextFormTests {
  /// One op of every name, where operands of a simple type will do, and attributes of every kind.
  static let sample = """
    graph "net \\"x\\"" {
      %0 = input "image" : f32[?x2x6x6]
      %1 = constant splat(0.5) : f32[3x2x3x3] "w"
      %2 = constant [1.0, -inf, 1e-07] : f32[3] "b"
      %3 = conv(%0, %1, %2) {strides=[2, 2], pads=[1, 1, 1, 1], activation=clip(0.0, 1.0)} : f32[?x3x3x3] "y" @"/conv"
      %4 = pool(%3) {kernel=[2, 2], round_up=true} : f32[?x3x2x2]
      %5 = reshape(%4) {shape=[-1, 12]} : f32[?x12] @"flatten"
      %6 = constant [0.25] : f32[]
      %7 = quantize(%5, %6) {to=i8, lo=-31, hi=31} : i8[?x12]
      %8 = constant [1, -1, 1, -1, 1, 1, 1, -1, -1, 1, 1, 1] : bit[1x12]
      %9 = binary_dense(%7, %8) {tile=6, readout=adc(7, 6.0)} : i32[?x1]
      %10 = constant [0.5] : f32[1]
      %11 = rescale(%9, %10, %10) {activation=relu} : f32[?x1]
      output "score" = %11
      output "codes" = %7
    }

    """

  @Test func printOfParseIsTheSameText() throws {
    let graph = try Parser.parse(Self.sample)
    #expect(Printer.print(graph) == Self.sample)
    #expect(try Parser.parse(Printer.print(graph)) == graph)
    #expect(Verifier.faults(in: graph).isEmpty)
  }

  /// Converters of few levels, and codes that their bits do not hold.
  @Test(arguments: ["adc(1, 6.0)", "adc(4, 6.0, 5)", "adc(2, 0.5)"]) func readouts(_ readout: String) throws {
    let text = Self.sample.replacing("adc(7, 6.0)", with: readout)
    let graph = try Parser.parse(text)
    #expect(Printer.print(graph) == text && Verifier.faults(in: graph).isEmpty)
    // As many levels as the bits hold go without saying.
    #expect(try Printer.print(Parser.parse(Self.sample.replacing("adc(7, 6.0)", with: "adc(7, 6.0, 63)"))) == Self.sample)
    for wrong in ["adc(4, 6.0, 8)", "adc(4, 6.0, 0)", "adc(1, 6.0, 2)"] {
      #expect(throws: (any Error).self) {
        try Diagnostics.throwIfAny(Verifier.faults(in: Parser.parse(Self.sample.replacing("adc(7, 6.0)", with: wrong))))
      }
    }
  }

  @Test func largeConstantsTravelBeside() throws {
    var graph = Graph(name: "big")
    let values = (0..<40).map { Float($0) / 7 }
    let x = graph.addInput("x", TensorType(.float32, [40]))
    let c = graph.addConstant(Tensor.vector(values), name: "c")
    graph.addOutput("y", try graph.append1(.binary(.add), [x, c], origin: "add"))
    let text = Printer.print(graph)
    let constants = Printer.constants(of: graph)
    #expect(constants.count == 1)
    let archive = ConstantArchive.encode(constants)
    let decoded = try ConstantArchive.decode(TensorStorage(copying: archive))
    #expect(try Parser.parse(text) { decoded[$0] } == graph)
    #expect(throws: Diagnostic.self) { try Parser.parse(text) }
  }

  @Test(arguments: DataType.allCases)
  func archiveKeepsEveryElementType(_ element: DataType) throws {
    let count = 21
    let tensor = Tensor(element, [3, 7]) { out in
      for index in out.indices { out[index] = UInt8(truncatingIfNeeded: index &* 37 &+ 11) }
      if element == .bit { for index in 0..<count { out[index] = index % 3 == 0 ? 0xff : 1 } }
      if element == .bool { for index in 0..<count { out[index] = UInt8(index % 2) } }
    }
    let decoded = try ConstantArchive.decode(TensorStorage(copying: ConstantArchive.encode([tensor.digest: tensor])))
    #expect(decoded == [tensor.digest: tensor])
  }

  /// What lies in somebody else's memory, such as a mapped file, is copied before it is changed.
  @Test func changingAConstantLeavesTheArchiveAlone() throws {
    let tensor = Tensor.vector((0..<20).map(Float.init))
    let bytes = ConstantArchive.encode([tensor.digest: tensor])
    let storage = TensorStorage(copying: bytes)
    var decoded = try #require(try ConstantArchive.decode(storage)[tensor.digest])
    decoded.withMutableElements(Float.self) { $0[3] = 100 }
    #expect(decoded != tensor && Array(storage.bytes) == bytes)
  }

  @Test func aDamagedArchiveIsRefused() throws {
    let tensor = Tensor.vector((0..<20).map(Float.init))
    var bytes = ConstantArchive.encode([tensor.digest: tensor])
    bytes[bytes.count - 3] ^= 1
    #expect(throws: Diagnostic.self) { try ConstantArchive.decode(TensorStorage(copying: bytes)) }
    for length in stride(from: 0, to: bytes.count, by: 5) {
      #expect(throws: Diagnostic.self) { try ConstantArchive.decode(TensorStorage(copying: Array(bytes[..<length]))) }
    }
  }

  /// A text, and the line and words that its error must name.
  @Test(arguments: [
    ("graph \"g\" {\n  %0 = input \"x\" : f32[2]\n  %1 = frobnicate(%0) : f32[2]\n}", "line 3", "frobnicate"),
    ("graph \"g\" {\n  %0 = input \"x\" : f32[2]\n  %1 = relu(%7) : f32[2]\n}", "line 3", "%7"),
    ("graph \"g\" {\n  %0 = input \"x\" : f32[2]\n  %1 = relu(%0) : f32[3]\n}", "line 3", "f32[3]"),
    ("graph \"g\" {\n  %0 = input \"x\" : f99[2]\n}", "line 2", "f99"),
    ("graph \"g\" {\n  %0 = constant [1, 2] : bit[2]\n}", "line 2", "'2' is not a bit"),
    ("graph \"g\" {\n  %0 = input \"x\" : f32[2]\n  %1 = clip(%0) {low=1.0} : f32[2]\n}", "line 3", "unknown attribute 'low'"),
    ("graph \"g\" {\n  %0 = input \"x\" : f32[2]\n  %0 = relu(%0) : f32[2]\n}", "line 3", "defined twice"),
    ("graph \"g\" {\n  %0 = constant splat(1.0) : f32[99999999999x99999999999]\n}", "line 2", "not possible"),
    ("graph \"g {\n}", "line 1", "string"),
    ("graph \"g\" {", "line 1", "statement"),
  ])
  func errorsNameTheLine(_ text: String, _ line: String, _ words: String) throws {
    let fault = #expect(throws: Diagnostic.self) { try Parser.parse(text) }
    #expect(fault?.kind == .badInput)
    #expect(fault?.place == line)
    #expect(fault?.message.contains(words) == true, "\(fault?.message ?? "")")
  }

  @Test func everyOpNameHasARow() {
    #expect(Set(OpSchema.all.map(\.name)).count == OpSchema.all.count)
    for schema in OpSchema.all {
      let op = try? schema.make([])
      #expect(op?.name == schema.name)
    }
  }

  @Test func truncatedTextNeverTraps() {
    let bytes = Array(Self.sample.utf8)
    for length in 0..<bytes.count { _ = try? Parser.parse(Array(bytes[..<length])) }
    for index in bytes.indices {
      var changed = bytes
      changed[index] = changed[index] &+ 1
      _ = try? Parser.parse(changed)
    }
  }
}
