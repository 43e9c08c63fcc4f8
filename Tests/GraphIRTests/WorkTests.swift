import GraphIR
import Testing

/// What is counted of a node: parameters and multiply-accumulates.
@Suite struct WorkTests {
  private func parameters(_ text: String) throws -> [Int] {
    let graph = try Parser.parse(text)
    return graph.nodes.map { node in node.parameters(in: graph).compactMap { graph.constant($0)?.count }.reduce(0, +) }
  }

  @Test func tablesAreParametersAndIndicesAreNot() throws {
    let counts = try parameters(
      """
      graph "g" {
        %0 = input "i" : i64[2]
        %1 = constant splat(1.0) : f32[100x8] "table"
        %2 = constant [5] : i64[] "last"
        %3 = min(%0, %2) : i64[2]
        %4 = gather(%1, %3) : f32[2x8]
        %5 = constant [3, 1] : i64[2]
        %6 = gather(%4, %5) : f32[2x8]
        %7 = constant [0.5] : f32[]
        %8 = mul(%6, %7) : f32[2x8]
        %9 = constant splat(2.0) : f32[8] "gain"
        %10 = mul(%8, %9) : f32[2x8]
        output "y" = %10
      }
      """)
    #expect(counts == [0, 800, 0, 0, 8])
  }

  @Test func codesAreParametersAndTheirScalesAreNot() throws {
    let counts = try parameters(
      """
      graph "g" {
        %0 = input "x" : f32[1x4]
        %1 = constant splat(1) : i8[3x4] "w"
        %2 = constant splat(0.5) : f32[3] "s"
        %3 = constant splat(0) : i8[3] "z"
        %4 = dequantize(%1, %2, %3) {axis=0} : f32[3x4]
        %5 = constant splat(7) : i32[3] "b"
        %6 = dequantize(%5, %2) {axis=0} : f32[3]
        %7 = dense(%0, %4, %6) : f32[1x3]
        %8 = quantize(%7, %2) {to=u8, hi=255, axis=1} : u8[1x3]
        output "y" = %8
      }
      """)
    #expect(counts == [12, 3, 0, 0])
  }

  /// A transposed convolution of 3x3 elements by 2, as the importer writes it: nine elements times a 2x2 kernel times 6 results.
  @Test func zerosBetweenInputsAreNotMultiplied() throws {
    let graph = try Parser.parse(
      """
      graph "g" {
        %0 = input "x" : f32[?x4x3x3]
        %1 = reshape(%0) {shape=[-1, 4, 3, 1, 3, 1]} : f32[?x4x3x1x3x1]
        %2 = pad(%1) {pads=[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]} : f32[?x4x3x2x3x2]
        %3 = reshape(%2) {shape=[-1, 4, 6, 6]} : f32[?x4x6x6]
        %4 = pad(%3) {pads=[0, 0, 1, 1, 0, 0, 0, 0]} : f32[?x4x7x7]
        %5 = constant splat(1.0) : f32[6x2x2x2]
        %6 = conv(%4, %5) {groups=2} : f32[?x6x6x6]
        output "y" = %6
      }
      """)
    let conv = try #require(graph.nodes.last)
    #expect(conv.macs(in: graph) == 6 * 6 * 6 * 8)
    #expect(conv.layerMacs(in: graph) == 4 * 9 * 3 * 4)
  }
}
