import Calibration
import GraphIR
import PluginAPI
import QuantizePasses
import ReferenceKernels
import Testing

@Suite struct QuantizeTests {
  private func layer(_ middle: String, input: String = "f32[?x2]") throws -> Graph {
    try Parser.parse(
      """
      graph "g" {
        %x = input "x" : \(input)
        %bits = constant [1, -1, 1, 1] : bit[2x2]
        %alpha = constant [0.5, 0.25] : f32[2]
        %w = dequantize(%bits, %alpha) : f32[2x2]
        \(middle)
        %y = dense(%a, %w) : f32[?x2] "y" @"layer"
        output "y" = %y
      }
      """)
  }

  private func codes(_ graph: Graph) -> (codes: Quantize, scale: Float)? {
    for node in graph.nodes { if case .quantize(let a) = node.op { return (a, graph.constant(node.operands[1])?.floats[0] ?? 0) } }
    return nil
  }

  @Test func calibrationFindsTheLargestMagnitude() throws {
    let graph = try layer("%a = relu(%x) : f32[?x2]")
    let batches = [[Tensor(.float32, [2, 2], [1, -9, 3, 0.5] as [Float])], [Tensor(.float32, [1, 2], [2, 6.3] as [Float])]]
    let found = try #require(codes(run("quantize{range=max}", on: graph, calibration: batches).graph))
    #expect(found.codes == Quantize(to: .uint8, lo: 0, hi: 63))
    #expect(found.scale == Float(Double(6.3 as Float) / 63))
  }

  @Test func signedRangesGetSignedCodes() throws {
    let graph = try layer("%a = neg(%x) : f32[?x2]")
    let batch = [Tensor(.float32, [1, 2], [1.5, -0.5] as [Float])]
    let found = try #require(codes(run("quantize{bits=8,range=max}", on: graph, calibration: [batch]).graph))
    #expect(found.codes == Quantize(to: .int8, lo: -127, hi: 127))
    #expect(found.scale == Float(1.5 / 127))
    let unsigned = try #require(codes(run("quantize{signed=false}", on: graph, calibration: [batch]).graph))
    #expect(unsigned.codes == Quantize(to: .uint8, lo: 0, hi: 63))
  }

  @Test func percentilesLeaveOutliersOut() throws {
    let graph = try layer("%a = relu(%x) : f32[?x2]")
    let batch = [Tensor(.float32, [1000, 2], (0..<2000).map { $0 == 0 ? 1000 : Float($0) / 2000 })]
    let found = try #require(codes(run("quantize{percentile=99.9}", on: graph, calibration: [batch]).graph))
    // 99.9 % of the magnitudes are below 0.9985; a bin is 0.2 % wide.
    #expect((found.scale * 63 - 0.9985).magnitude < 0.003)
  }

  @Test func anUnknownRangeIsSaid() throws {
    let graph = try layer("%a = relu(%x) : f32[?x2]")
    let fault = #expect(throws: Diagnostic.self) { try run("quantize", on: graph) }
    #expect(fault?.description.contains("layer: ") == true && fault?.hint?.contains("--calibrate") == true)
    #expect(throws: Diagnostic.self) { try run("quantize{input-range=1}", on: graph) }
    #expect(throws: Diagnostic.self) { try run("quantize{percentile=101}", on: graph) }
  }

  @Test func imagesOfBytesHaveAProvenRange() throws {
    let graph = try layer(
      "%c = cast(%x) {to=f32} : f32[?x2]\n%k = constant [255.0] : f32[]\n%a = div(%c, %k) : f32[?x2]", input: "u8[?x2]")
    let found = try #require(codes(run("quantize", on: graph).graph))
    #expect(found.codes.hi == 63 && found.scale == 1 / 63 as Float)
  }

  @Test func oneInputOfTwoLayersIsQuantizedOnce() throws {
    let graph = try layer("%a = sigmoid(%x) : f32[?x2]\n%z = dense(%a, %w) : f32[?x2]\noutput \"z\" = %z")
    let quantized = try run("quantize", on: graph).graph
    #expect(quantized.nodes.filter { if case .quantize = $0.op { true } else { false } }.count == 1)
  }

  @Test func narrowedCodesAreTheSameCodes() throws {
    let graph = try layer(
      """
      %s = constant [0.015873017] : f32[]
      %c = clip(%x) {lo=-0.25, hi=0.75} : f32[?x2]
      %q = quantize(%c, %s) {to=i8, lo=-128, hi=127} : i8[?x2]
      %a = dequantize(%q, %s) : f32[?x2]
      """)
    let narrowed = try run("quantize", on: graph).graph
    #expect(codes(narrowed)?.codes == Quantize(to: .int8, lo: -16, hi: 47))
    let inputs = [Tensor(.float32, [4, 2], [.nan, -9, 9, 0.75, -0.25, .infinity, 0.1, -.infinity] as [Float])]
    #expect(try outputs(of: graph, inputs) == outputs(of: narrowed, inputs))
  }

  @Test func codesAreBoundedByWhatIsCoded() throws {
    let graph = try layer(
      """
      %s = constant [0.25] : f32[]
      %z = constant [7] : u8[]
      %c = clip(%x) {lo=-0.5, hi=4.0} : f32[?x2]
      %q = quantize(%c, %s, %z) {to=u8, lo=6, hi=255} : u8[?x2]
      %a = dequantize(%q, %s, %z) : f32[?x2]
      """)
    let ranges = ValueRange.all(in: graph, inputs: .unbounded)
    let quantize = try #require(graph.nodes.first { $0.op.name == "quantize" })
    let numbers = try #require(graph.nodes.first { $0.operands.first == quantize.results[0] })
    #expect(ranges[Int(quantize.results[0].index)] == ValueRange(lo: 6, hi: 23))
    #expect(ranges[Int(numbers.results[0].index)] == ValueRange(lo: -0.25, hi: 4))
  }

  /// Every number that a random graph computes is within the range that the analysis gives it.
  @Test func rangesHoldEveryNumber() throws {
    for seed in 0..<300 {
      let graph = try randomGraph(seed: seed, nodes: 12)
      var random = Seeded(seed)
      let ranges = ValueRange.all(in: graph, inputs: ValueRange(lo: -3, hi: 3))
      let values = try Reference.run(graph, [random.tensor([4, 2, 4, 4], -3...3)])
      for (range, tensor) in zip(ranges, values) {
        for number in tensor.floats where !number.isNaN {
          #expect(range.lo <= number && number <= range.hi, "seed \(seed): \(number) is outside \(range)\n\(Printer.print(graph))")
        }
      }
    }
  }
}
