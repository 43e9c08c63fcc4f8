import GraphIR
import ReferenceKernels
import Testing

struct ReductionTests {
  @Test func kinds() throws {
    let x = counting([2, 3])
    #expect(try evaluate(reduceOp(.sum, axes: [1]), x).floats == [6, 15])
    #expect(try evaluate(reduceOp(.mean, axes: [0]), x).floats == [2.5, 3.5, 4.5])
    #expect(try evaluate(reduceOp(.product, axes: [0, 1]), x).floats == [720])
    #expect(try evaluate(reduceOp(.max, axes: [0]), x).floats == [4, 5, 6])
    #expect(try evaluate(reduceOp(.min, axes: [1]), x).floats == [1, 4])
  }

  @Test func shapes() throws {
    let x = counting([2, 3, 4])
    #expect(try evaluate(reduceOp(.sum, axes: [0, 2], keepAxes: true), x) == floats([1, 3, 1], [68, 100, 132]))
    #expect(try evaluate(reduceOp(.sum, axes: []), x) == x)
  }

  @Test func sumsRoundOnce() throws {
    #expect(try evaluate(reduceOp(.sum, axes: [0]), .vector([1e8, 1, -1e8])).floats == [1])
  }

  @Test func extremesPassNaNOn() throws {
    let x = Tensor.vector([1, .nan, 3])
    #expect(try evaluate(reduceOp(.max, axes: [0]), x).floats[0].isNaN)
    #expect(try evaluate(reduceOp(.min, axes: [0]), x).floats[0].isNaN)
  }

  @Test func ofNothing() throws {
    let none = floats([2, 0], [])
    #expect(try evaluate(reduceOp(.sum, axes: [1]), none).floats == [0, 0])
    #expect(try evaluate(reduceOp(.product, axes: [1]), none).floats == [1, 1])
    #expect(try evaluate(reduceOp(.max, axes: [1]), none).floats == [-.infinity, -.infinity])
    #expect(try evaluate(reduceOp(.min, axes: [1]), none).floats == [.infinity, .infinity])
    #expect(try evaluate(reduceOp(.mean, axes: [1]), none).floats.map(\.isNaN) == [true, true])
    #expect(try evaluate(reduceOp(.max, axes: [0]), integers(.int8, [])).integers == [-128])
    #expect(try evaluate(reduceOp(.min, axes: [0]), Tensor(.uint64, [0], [] as [UInt64])).elements(UInt64.self) == [.max])
    #expect(try evaluate(reduceOp(.mean, axes: [0]), integers(.int32, [])).integers == [0])
  }

  @Test func wholeNumbers() throws {
    #expect(try evaluate(reduceOp(.sum, axes: [0]), Tensor.integers(.int8, [2], [100, 100])).integers == [-56])
    #expect(try evaluate(reduceOp(.mean, axes: [0]), Tensor.integers(.int32, [2], [-3, -4])).integers == [-3])
    #expect(try evaluate(reduceOp(.max, axes: [0]), Tensor.integers(.bool, [2], [0, 1])).integers == [1])
    #expect(try evaluate(reduceOp(.min, axes: [0]), Tensor.integers(.bool, [2], [0, 1])).integers == [0])
  }

  @Test func softmax() throws {
    let y = try evaluate(.softmax(AxisAttribute(axis: 1)), floats([1, 2, 2], [0, 1000, 0, -1000]))
    #expect(y.floats == [0.5, 1, 0.5, 0])
    let one = try evaluate(.softmax(AxisAttribute(axis: 0)), .vector([1, 2, 3])).floats
    #expect(one == [0.09003057, 0.24472848, 0.66524094])
    #expect(try evaluate(.softmax(AxisAttribute(axis: 0)), .vector([.nan, 1])).floats.map(\.isNaN) == [true, true])
  }
}
