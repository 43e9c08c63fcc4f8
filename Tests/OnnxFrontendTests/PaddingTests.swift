import GraphIR
import ReferenceKernels
import Testing

/// Padding values of a type, exact.
@Suite struct PaddingTests {
  /// x (1 and 2) in the type of `value`, padded with it in front.
  private func padded(with value: Tensor, _ pads: [Int] = [1, 0]) throws -> Tensor {
    let sketch = ModelSketch(
      [
        SketchedNode("Cast", ["x"], ["c"], [("to", .int(value.element == .int64 ? 7 : value.element == .float64 ? 11 : 9))]),
        SketchedNode("Pad", ["c", "pads", "value"], ["y"]),
      ],
      inputs: [("x", [.fixed(2)])], initializers: [("pads", .integers(.int64, [2], pads)), ("value", value)])
    let graph = try sketch.graph()
    return try Reference.run(graph, [.vector([1, 2])])[Int(graph.outputs[0].value.index)]
  }

  @Test(arguments: [1 << 53 + 1, 16_777_217, 7, Int.max, Int.min])
  func ofIntegers(value: Int) throws {
    #expect(try padded(with: .integers(.int64, [], [value])).integers == [value, 1, 2])
    #expect(try padded(with: .integers(.int64, [1], [value]), [-1, 2]).integers == [2, value, value])
  }

  @Test func ofDoubles() throws {
    #expect(try padded(with: Tensor(.float64, [], [0.1])).doubles == [0.1, 1, 2])
    #expect(try padded(with: Tensor(.float64, [], [-Double.infinity])).doubles == [-Double.infinity, 1, 2])
    #expect(try padded(with: Tensor(.float64, [], [Double.nan])).doubles[0].isNaN)
  }

  @Test func ofTruthValues() throws { #expect(try padded(with: .integers(.bool, [], [1]), [1, 1]).integers == [1, 1, 1, 1]) }

  /// A free batch is carried past the mask of where the input stands.
  @Test func ofAFreeBatch() throws {
    let sketch = ModelSketch(
      [
        SketchedNode("Cast", ["x"], ["c"], [("to", .int(11))]), SketchedNode("Pad", ["c", "pads", "value"], ["y"]),
      ],
      inputs: [("x", [.named("N"), .fixed(1), .fixed(2)])],
      initializers: [("pads", .integers(.int64, [6], [0, 0, 0, 0, 0, 1])), ("value", Tensor(.float64, [], [0.1]))])
    let graph = try sketch.graph()
    #expect(graph.type(of: graph.outputs[0].value).shape == [Shape.free, 1, 3])
    let y = try Reference.run(graph, [Tensor.vector([1, 2, 3, 4]).reshaped([2, 1, 2])])[Int(graph.outputs[0].value.index)]
    #expect(y.doubles == [1, 2, 0.1, 3, 4, 0.1])
  }
}
