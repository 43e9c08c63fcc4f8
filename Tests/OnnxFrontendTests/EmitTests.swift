import GraphIR
import OnnxFrontend
import PluginAPI
import ReferenceKernels
import Testing

/// A graph in the text form, emitted as ONNX and imported again.
private func again(_ text: String) throws -> (first: [UInt8], second: [UInt8], graph: Graph) {
  let first = try OnnxGraphFormat().bytes(of: try Parser.parse(text))
  let graph = try OnnxFrontend().importModel(bytes: first, ImportRequest(path: "emitted")).graph
  return (first, try OnnxGraphFormat().bytes(of: graph), graph)
}

@Suite struct EmitTests {
  @Test func aGraphComesBackAsItWas() throws {
    let whole = """
      graph "net" {
        %0 = input "x" : f32[?x1x4x4]
        %1 = constant splat(0.5) : f32[2x1x3x3] "w"
        %2 = conv(%0, %1) {pads=[1, 1, 1, 1]} : f32[?x2x4x4] "c" @"conv"
        %3 = tanh(%2) : f32[?x2x4x4] "t" @"act"
        %4 = pool(%3) {kernel=[2, 2], strides=[2, 2]} : f32[?x2x2x2] "p" @"pool"
        %5 = reshape(%4) {shape=[-1, 8]} : f32[?x8] "r" @"flat"
        %6 = slice(%5) {starts=[0, 7], steps=[1, -2], extents=[-1, 4]} : f32[?x4] "s" @"part"
        %7 = transpose(%3) {order=[0, 2, 3, 1]} : f32[?x4x4x2] "n" @"turn"
        %8 = reduce(%7) {kind=mean, axes=[1, 2], keep_axes=false} : f32[?x2] "m" @"mean"
        output "s" = %6
        output "m" = %8
      }

      """
    let (first, second, graph) = try again(whole)
    #expect(first == second)
    #expect(Printer.print(graph) == whole)
  }

  @Test func activationsCodesAndBinaryLayersAreStable() throws {
    for readout in ["exact", "adc(4, 3.0)", "adc(4, 3.0, 5)", "adc(1, 3.0)"] {
      let text = """
        graph "net" {
          %0 = input "x" : f32[?x2x5x5]
          %1 = constant [0.1] : f32[] "s"
          %2 = quantize(%0, %1) {hi=63} : u8[?x2x5x5] "q" @"quantize"
          %3 = constant splat(1) : bit[3x2x3x3] "bits"
          %4 = binary_conv(%2, %3) {tile=7, readout=\(readout)} : i32[?x3x3x3] "sums" @"layer"
          %5 = constant [0.5, 0.25, 1.0] : f32[3]
          %6 = constant [0.0, 1.0, 2.0] : f32[3] "offset"
          %7 = rescale(%4, %5, %6) {activation=clip(0.0, 1.0)} : f32[?x3x3x3] "y" @"layer"
          output "y" = %7
        }
        """
      let (_, second, graph) = try again(text)
      let third = try OnnxGraphFormat().bytes(
        of: try OnnxFrontend().importModel(bytes: second, ImportRequest(path: "emitted")).graph)
      #expect(second == third)
      #expect(graph.type(of: graph.outputs[0].value).shape == [Shape.free, 3, 3, 3])
      let x = Tensor(.float32, [2, 2, 5, 5], (0..<100).map { Float($0 * 37 % 101) / 20 - 1 })
      let original = try Parser.parse(text)
      let (ours, theirs) = try (Reference.run(original, [x]), Reference.run(graph, [x]))
      #expect(ours[Int(original.outputs[0].value.index)] == theirs[Int(graph.outputs[0].value.index)], "\(readout)")
    }
  }

  @Test func namesAreKeptAndMadeUnique() throws {
    let text = """
      graph "net" {
        %0 = input "x" : f32[2]
        %1 = relu(%0) : f32[2] "a" @"same"
        %2 = relu(%1) : f32[2] "a" @"same"
        output "c" = %2
        output "a" = %0
        output "b" = %2
      }
      """
    let (first, second, again) = try again(text)
    #expect(first == second)
    #expect(again.outputs.map(\.name) == ["c", "a", "b"])
    #expect(again.nodes.map(\.origin) == ["same", "same_2"])
  }

  @Test func whatCannotBeSaidIsReportedAtOnce() throws {
    let text = """
      graph "net" {
        %0 = input "x" : f32[2]
        %1 = cast(%0) {to=bit} : bit[2] "b" @"first"
        %2 = cast(%1) {to=f32} : f32[2] "f" @"second"
        %3 = custom(%2) {name="foo", shape=[2]} : f32[2] "g" @"third"
        output "g" = %3
      }
      """
    let faults = try #require(throws: Diagnostics.self) { try OnnxGraphFormat().bytes(of: try Parser.parse(text)) }
    #expect(faults.kind == .unsupported)
    #expect(faults.all.map(\.place) == ["node 'first'", "node 'second'", "node 'third'"])
  }

  /// The fuzzer's second find: a constant was reshaped without a look at the counts.
  @Test func aConstantInAWrongShapeIsRefused() throws {
    let sketch = ModelSketch(
      [SketchedNode("Reshape", ["c", "s"], ["r"]), SketchedNode("Add", ["x", "r"], ["y"])], inputs: [("x", [.fixed(1)])],
      initializers: [("c", Tensor(zeros: .float32, [3])), ("s", Tensor.integers(.int64, [2], [2, 2]))])
    #expect(throws: Diagnostic.self) { try sketch.graph() }
  }

  /// The fuzzer's first find: the statistics were made numbers of the input's type, which had to be a float's.
  @Test func batchNormalizationOfIntegersIsRefused() throws {
    let list = Tensor(.float32, [2], [Float(1), 1])
    let sketch = ModelSketch(
      [
        SketchedNode("Cast", ["x"], ["i"], [("to", .int(6))]),
        SketchedNode("BatchNormalization", ["i", "s", "b", "m", "v"], ["y"]),
      ], inputs: [("x", [.fixed(1), .fixed(2)])], initializers: [("s", list), ("b", list), ("m", list), ("v", list)])
    #expect(throws: Diagnostic.self) { try sketch.graph() }
  }
}
