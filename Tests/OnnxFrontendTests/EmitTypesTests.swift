import GraphIR
import OnnxFrontend
import PluginAPI
import ReferenceKernels
import Testing

/// What is written says what the graph says, in an opset that knows it; what no opset knows is refused.
@Suite struct EmitTypesTests {
  private struct Emitted {
    let original: Graph
    let bytes: [UInt8]
    let again: Graph

    init(_ text: String) throws {
      original = try Parser.parse(text)
      bytes = try OnnxGraphFormat().bytes(of: original)
      again = try OnnxFrontend().importModel(bytes: bytes, ImportRequest(path: "emitted")).graph
    }

    /// The file begins with its version, the producer and the opset.
    var versions: [UInt8] { [bytes[1], bytes[16]] }

    func names(_ operatorName: String) -> Bool { String(decoding: bytes, as: UTF8.self).contains(operatorName) }

    /// Whether graph and file compute the same bytes.
    func agree(_ inputs: [Tensor]) throws -> Bool {
      let (ours, theirs) = try (Reference.run(original, inputs), Reference.run(again, inputs))
      return zip(original.outputs, again.outputs).allSatisfy { ours[Int($0.value.index)] == theirs[Int($1.value.index)] }
    }
  }

  /// A graph of one node.
  private func text(_ input: String, _ node: String, _ result: String) -> String {
    """
    graph "g" {
      %0 = input "x" : \(input)
      %1 = \(node) : \(result) "y" @"node"
      output "y" = %1
    }

    """
  }

  @Test(
    arguments: [
      ("f32[4]", "cast(%0) {to=f8e4m3fn, saturate=false}", "f8e4m3fn[4]", [10, 21]),
      ("f32[4]", "cast(%0) {to=f8e5m2}", "f8e5m2[4]", [10, 21]),
      ("f32[4]", "cast(%0) {to=f4e2m1}", "f4e2m1[4]", [11, 23]),
      ("f32[4]", "cast(%0) {to=f8e8m0, saturate=false, rounding=down}", "f8e8m0[4]", [12, 24]),
      ("f8e8m0[4]", "cast(%0)", "f32[4]", [12, 24]),
      ("f32[4]", "cast(%0) {to=i32, reinterpret=true}", "i32[4]", [13, 26]),
      ("bf16[4]", "sin(%0)", "bf16[4]", [10, 22]),
      ("f32[1x1x2x2]", "pool(%0) {kernel=[1, 1], strides=[2, 2], round_up=true}", "f32[1x1x1x1]", [10, 22]),
      ("f32[1x1x3x3]", "pool(%0) {kernel=[2, 2], strides=[2, 2], round_up=true}", "f32[1x1x2x2]", [10, 21]),
      ("bool[2]", "pad(%0) {pads=[1, 0], value=1.0}", "bool[3]", [10, 21]),
      ("f32[2]", "pad(%0) {pads=[1, 0], value=-0.0}", "f32[3]", [10, 21]),
      ("bool[2]", "not(%0)", "bool[2]", [10, 21]),
    ] as [(String, String, String, [UInt8])])
  func aNodeComesBackFromTheFirstOpsetThatHasIt(input: String, node: String, result: String, versions: [UInt8]) throws {
    let whole = text(input, node, result)
    let emitted = try Emitted(whole)
    #expect(Printer.print(emitted.again) == whole)
    #expect(emitted.versions == versions)
  }

  @Test func fourBitFloatsLieInPairs() throws {
    let whole = """
      graph "g" {
        %0 = input "x" : f32[3]
        %1 = constant [3, 15, 1] : f4e2m1[3] "c"
        %2 = cast(%1) : f32[3] "f" @"cast"
        %3 = add(%0, %2) : f32[3] "y" @"sum"
        output "y" = %3
      }

      """
    let emitted = try Emitted(whole)
    #expect(emitted.versions == [11, 23])
    #expect(Printer.print(emitted.again) == whole)
    #expect(try emitted.agree([.vector([1, 2, 3])]))
  }

  @Test(arguments: ["and", "or", "xor"])
  func bitsOfIntegers(kind: String) throws {
    let whole = """
      graph "g" {
        %0 = input "a" : i32[2]
        %1 = input "b" : i32[2]
        %2 = \(kind)(%0, %1) : i32[2] "y" @"node"
        output "y" = %2
      }

      """
    let emitted = try Emitted(whole)
    #expect(emitted.names("Bitwise"))
    #expect(Printer.print(emitted.again) == whole)
    #expect(!(try Emitted(whole.replacing("i32", with: "bool"))).names("Bitwise"))
  }

  /// MaxPool has no codes of these types, ReduceMax none of 16 bits: they go through a type that holds them.
  @Test(arguments: [DataType.uint16, .int16, .int32, .uint32, .uint8])
  func maximaOfCodes(type: DataType) throws {
    let name = type.rawValue
    let x = Tensor.integers(type, [1, 1, 3, 3], [1, 100, 3, 7, 50, 60, 9, 8, 90])
    let pool = text("\(name)[1x1x3x3]", "pool(%0) {kernel=[2, 2], pads=[1, 1, 0, 0]}", "\(name)[1x1x3x3]")
    let reduce = text("\(name)[1x1x3x3]", "reduce(%0) {kind=max, axes=[3]}", "\(name)[1x1x3x1]")
    for whole in [pool, reduce] { #expect(try Emitted(whole).agree([x])) }
    #expect(try Emitted(pool).names("Cast") == (type != .uint8))
  }

  @Test func whatNoOpsetTakesIsRefused() throws {
    let refused = [
      ("i64[1x1x2x2]", "pool(%0) {kernel=[2, 2]}", "i64[1x1x1x1]", "'pool' of i64 has no like in ONNX: MaxPool does not take that type"),
      ("u8[2]", "pow(%0, %0)", "u8[2]", "'pow' of u8 has no like in ONNX: Pow does not take that type"),
      ("u8[2]", "relu(%0)", "u8[2]", "'relu' of u8 has no like in ONNX: Relu does not take that type"),
      ("i8[2]", "reduce(%0) {axes=[0]}", "i8[1]", "'reduce' of i8 has no like in ONNX: ReduceSum does not take that type"),
      ("f8e5m2[2]", "concat(%0, %0)", "f8e5m2[4]", "'concat' of f8e5m2 has no like in ONNX: Concat does not take that type"),
      ("i8[2]", "pad(%0) {pads=[1, 0], value=0.5}", "i8[3]", "'pad' with 0.5, which is no i8, has no like in ONNX"),
    ]
    for (input, node, result, message) in refused {
      let graph = try Parser.parse(text(input, node, result))
      let fault = #expect(throws: Diagnostic.self) { try OnnxGraphFormat().bytes(of: graph) }
      #expect(fault?.kind == .unsupported && fault?.message == message)
    }
  }
}
