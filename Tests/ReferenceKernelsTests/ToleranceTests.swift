import GraphIR
import ReferenceKernels
import Testing

struct ToleranceTests {
  private func violation(_ tolerance: Tolerance, _ a: [Float], _ b: [Float]) -> Int? {
    tolerance.firstViolation(reference: .vector(a), candidate: .vector(b))
  }

  @Test func exactMeansBytes() {
    #expect(violation(.exact, [1, .nan], [1, -.nan]) == nil)
    #expect(violation(.exact, [1, 0], [1, -0.0]) == 1)
    #expect(violation(.exact, [1, 2], [Float(1).nextUp, 2]) == 0)
    let (a, b) = (integers(.int32, [1, 2, 3]), integers(.int32, [1, 2, 4]))
    #expect(Tolerance.ulps(9).firstViolation(reference: a, candidate: b) == 2)
  }

  @Test func ulps() {
    #expect(violation(.ulps(0), [0], [-0.0]) == nil)
    #expect(violation(.ulps(0), [1], [Float(1).nextUp]) == 0)
    #expect(violation(.ulps(1), [3], [Float(3).nextUp]) == nil)
    #expect(violation(.ulps(1), [3], [Float(3).nextUp.nextUp]) == 0)
    #expect(violation(.ulps(1), [Float.leastNormalMagnitude / 8], [0]) == nil)
    #expect(violation(.ulps(4), [.infinity, .greatestFiniteMagnitude], [.infinity, .infinity]) == 1)
    #expect(violation(.ulps(4), [.nan], [1]) == 0)
  }

  @Test func relativeToMagnitude() {
    #expect(violation(.relativeToMagnitude(0.01), [100, 1], [100, 1.9]) == nil)
    #expect(violation(.relativeToMagnitude(0.01), [100, 1], [100, 2.1]) == 1)
    #expect(violation(.relativeToMagnitude(0.01), [.infinity, 1], [.infinity, 1.1]) == 1)
    #expect(violation(.relativeToMagnitude(0.01), [.infinity], [1]) == 0)
    #expect(violation(.relativeToMagnitude(0.01), [1], [.nan]) == 0)
  }

  @Test func differentTypesNeverFit() {
    #expect(Tolerance.exact.firstViolation(reference: .vector([1]), candidate: floats([1, 1], [1])) == 0)
  }

  @Test func opsSayHowExactTheyAre() {
    let x = TensorType(.float32, [1, 4, 2])
    #expect(Op.unary(.relu).tolerance(for: [x]) == .exact)
    #expect(Op.unary(.exp).tolerance(for: [x]) == .ulps(Op.elementaryUlps))
    #expect(Op.binary(.max).tolerance(for: [x, x]) == .ulps(0))
    #expect(Op.matmul.tolerance(for: [TensorType(.int8, [2, 2]), TensorType(.int8, [2, 2])]) == .exact)
    #expect(Op.conv(Conv()).tolerance(for: [x, TensorType(.float32, [1, 4, 1])]) == .relativeToMagnitude(0x1p-23 * 6))
    #expect(Op.quantize(Quantize()).tolerance(for: [x, TensorType(.float32, [])]) == .exact)
  }
}
