import GraphIR
import ReferenceKernels
import Testing

struct MovementTests {
  @Test func reshapeBindsAFreeBatch() throws {
    let x = counting([2, 2, 3])
    #expect(try evaluate(.reshape(Reshape(shape: [3, 4])), x) == counting([3, 4]))
    #expect(try evaluate(.reshape(Reshape(shape: [Shape.free, 6])), x) == counting([2, 6]))
  }

  @Test func transpose() throws {
    let y = try evaluate(.transpose(Transpose(order: [2, 0, 1])), counting([1, 2, 3]))
    #expect(y == floats([3, 1, 2], [1, 4, 2, 5, 3, 6]))
  }

  @Test func expand() throws {
    #expect(try evaluate(.expand(Reshape(shape: [2, 2, 2])), floats([2, 1], [1, 2])) == floats([2, 2, 2], [1, 1, 2, 2, 1, 1, 2, 2]))
    #expect(try evaluate(.expand(Reshape(shape: [Shape.free, 2])), floats([3, 1], [1, 2, 3])) == floats([3, 2], [1, 1, 2, 2, 3, 3]))
    #expect(throws: Diagnostic.self) { try evaluate(.expand(Reshape(shape: [Shape.free, 2])), .vector([1, 2])) }
  }

  @Test func concat() throws {
    let y = try evaluate(.concat(AxisAttribute(axis: 1)), counting([2, 1]), floats([2, 0], []), floats([2, 2], [7, 8, 9, 10]))
    #expect(y == floats([2, 3], [1, 7, 8, 2, 9, 10]))
  }

  @Test func slice() throws {
    let forward = sliceOp(starts: [0, 1], steps: [1, 2], extents: [2, 2])
    #expect(try evaluate(forward, counting([2, 4])) == floats([2, 2], [2, 4, 6, 8]))
    let backward = sliceOp(starts: [0, 3], steps: [1, -1], extents: [Shape.free, 3])
    #expect(try evaluate(backward, counting([1, 4])) == floats([1, 3], [4, 3, 2]))
    #expect(try evaluate(sliceOp(starts: [9], steps: [1], extents: [0]), .vector([1])).count == 0)
  }

  @Test func pad() throws {
    let x = Tensor.vector([1, 2, 3])
    #expect(try evaluate(padOp([2, 1], value: 7), x).floats == [7, 7, 1, 2, 3, 7])
    #expect(try evaluate(padOp([2, 2], .reflect), x).floats == [3, 2, 1, 2, 3, 2, 1])
    #expect(try evaluate(padOp([2, 1], .edge), x).floats == [1, 1, 1, 2, 3, 3])
    #expect(try evaluate(padOp([4, 1], .wrap), x).floats == [3, 1, 2, 3, 1, 2, 3, 1])
  }

  @Test func negativePadsCrop() throws {
    let x = Tensor.vector([1, 2, 3])
    #expect(try evaluate(padOp([-1, 2], value: 7), x).floats == [2, 3, 7, 7])
    #expect(try evaluate(padOp([-2, -1]), x).count == 0)
    #expect(try evaluate(padOp([-4, 2], value: 7), x).floats == [7])
    #expect(try evaluate(padOp([-1, 2], .reflect), x).floats == [2, 3, 2, 3])
    #expect(try evaluate(padOp([2, -1], .wrap), x).floats == [1, 2, 1, 2])
    #expect(try evaluate(padOp([-3, 2], .edge, value: 7), x).floats == [7, 7])
    let plane = try evaluate(padOp([1, -1, 0, 1], value: 7), counting([2, 2]))
    #expect(plane == floats([3, 2], [7, 7, 2, 7, 4, 7]))
  }

  @Test func padOfIntegersConvertsTheConstant() throws {
    #expect(try evaluate(padOp([1, 0], value: 300), integers(.uint8, [5])).integers == [255, 5])
    #expect(try evaluate(padOp([1, 0], value: .nan), integers(.int32, [5])).integers == [0, 5])
  }

  @Test func gather() throws {
    let y = try evaluate(.gather(AxisAttribute(axis: 1)), counting([2, 3]), .integers(.int64, [2, 2], [0, 2, -1, -3]))
    #expect(y == floats([2, 2, 2], [1, 3, 3, 1, 4, 6, 6, 4]))
    #expect(try evaluate(.gather(AxisAttribute(axis: 0)), .vector([4, 5]), .integers(.int32, [], [1])) == .scalar(5))
  }

  @Test(arguments: [3, -4, Int.max, Int.min])
  func gatherRefusesAnIndexOutside(_ index: Int) {
    #expect(throws: Diagnostic.self) { try evaluate(.gather(AxisAttribute(axis: 0)), .vector([1, 2, 3]), integers(.int64, [index])) }
  }

  @Test(arguments: DataType.allCases)
  func everyTypeMoves(_ element: DataType) throws {
    let x = try evaluate(.cast(Cast(to: element)), .vector([1, -1, 1, 1])).reshaped([2, 2])
    let twice = try evaluate(.transpose(Transpose(order: [1, 0])), try evaluate(.transpose(Transpose(order: [1, 0])), x))
    #expect(twice == x)
    #expect(try evaluate(padOp([0, 1, 0, 0], .wrap), x).double(at: 0) == x.double(at: 1))
  }
}
