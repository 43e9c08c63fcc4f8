import GraphIR
import ReferenceKernels
import Testing

@Suite struct SearchTests {
  @Test func ofEqualsTheFirstAndNaNAboveAll() throws {
    let x = Tensor.vector([1, .nan, 3, 3, -.infinity])
    #expect(try evaluate(.topK(TopK(axis: 0, count: 3, largest: true)), x).integers == [1, 2, 3])
    #expect(try evaluate(.topK(TopK(axis: 0, count: 5, largest: false)), x).integers == [4, 0, 2, 3, 1])
  }

  @Test func runningSumsWrap() throws {
    let x = integers(.int8, [100, 100, 1])
    #expect(try evaluate(.cumulate(Cumulate(.sum, axis: 0)), x).integers == [100, -56, -55])
    #expect(try evaluate(.cumulate(Cumulate(.product, axis: 0)), .vector([2, 3, -1])).floats == [2, 6, -6])
  }

  @Test func updatesAreTakenOneAfterAnother() throws {
    let data = Tensor.vector([1, 2, 3])
    let indices = integers(.int64, [0, -1, 0])
    let updates = Tensor.vector([10, 20, 30])
    #expect(try evaluate(.scatter(Scatter()), data, indices, updates).floats == [30, 2, 20])
    #expect(try evaluate(.scatter(Scatter(.add)), data, indices, updates).floats == [41, 2, 23])
    #expect(throws: Diagnostic.self) { try evaluate(.scatter(Scatter()), data, integers(.int64, [0, 3, 0]), updates) }
  }

  @Test func remaindersAndBits() throws {
    #expect(try evaluate(.binary(.remainder), integers(.int8, [-128, 7, 5]), integers(.int8, [-1, -3, 0])).integers == [0, 1, 5])
    #expect(try evaluate(.binary(.remainder), .vector([-7.5]), .vector([2])).floats == [-1.5])
    #expect(try evaluate(.binary(.xor), integers(.uint8, [0xf0]), integers(.uint8, [0xff])).integers == [0x0f])
  }
}
