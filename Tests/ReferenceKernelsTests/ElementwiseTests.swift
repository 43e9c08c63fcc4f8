import GraphIR
import ReferenceKernels
import Testing

struct ElementwiseTests {
  @Test func roundingIsHalfToEven() throws {
    let x = Tensor.vector([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999998])
    #expect(try evaluate(.unary(.round), x).floats == [0, 2, 2, 0, -2, 2])
    #expect(try evaluate(.unary(.ceil), x).floats == [1, 2, 3, 0, -1, 3])
    #expect(try evaluate(.unary(.floor), x).floats == [0, 1, 2, -1, -2, 2])
  }

  @Test func signOfZeroIsZero() throws {
    let result = try evaluate(.unary(.sign), .vector([-3, -0.0, 0, 7, .nan])).floats
    #expect(result[..<4] == [-1, 0, 0, 1])
    #expect(result[4].isNaN)
    #expect(try evaluate(.unary(.sign), integers(.int8, [-128, 0, 5])).integers == [-1, 0, 1])
  }

  @Test func reluKeepsNaNAndNegativeZero() throws {
    let result = try evaluate(.unary(.relu), .vector([-1, -0.0, 2, .nan])).floats
    #expect(result[0] == 0 && result[2] == 2 && result[3].isNaN)
    #expect(result[1].sign == .minus)
  }

  @Test func clipKeepsNaN() throws {
    let result = try evaluate(.clip(Clip(lo: -1, hi: 6)), .vector([-7, -1, 0.5, 7, .nan, .infinity])).floats
    #expect(result[..<4] == [-1, -1, 0.5, 6])
    #expect(result[4].isNaN && result[5] == 6)
  }

  @Test func clipOfIntegersConvertsItsBounds() throws {
    let bounds = Op.clip(Clip(lo: -.infinity, hi: 6.5))
    #expect(try evaluate(bounds, integers(.int8, [-128, 6, 7, 127])).integers == [-128, 6, 6, 6])
    #expect(try evaluate(bounds, integers(.uint8, [0, 255])).integers == [0, 6])
    #expect(try evaluate(.clip(Clip(lo: .nan, hi: .nan)), words([.min, .max])) == words([.min, .max]))
    let large = Tensor(.uint64, [2], [0, UInt64.max])
    #expect(try evaluate(.clip(Clip(lo: 1, hi: .infinity)), large) == Tensor(.uint64, [2], [1, UInt64.max]))
  }

  @Test func leastIntegerWraps() throws {
    #expect(try evaluate(.unary(.abs), integers(.int8, [-128, -5])).integers == [-128, 5])
    #expect(try evaluate(.unary(.neg), words([.min, 4])) == words([.min, -4]))
    #expect(try evaluate(.unary(.neg), integers(.uint8, [1, 0])).integers == [255, 0])
  }

  @Test func integerDivisionIsTotal() throws {
    let quotients = try evaluate(.binary(.div), words([7, -7, 7, -7, 5, .min, 0]), words([2, 2, -2, -2, 0, -1, 0]))
    #expect(quotients == words([3, -3, -3, 3, 0, .min, 0]))
    #expect(try evaluate(.binary(.div), integers(.int8, [-128]), integers(.int8, [-1])).integers == [-128])
    let large = Tensor(.uint64, [2], [UInt64.max, 9])
    #expect(try evaluate(.binary(.div), large, Tensor(.uint64, [2], [2 as UInt64, 0])).integers == [.max, 0])
  }

  @Test func integerSumsWrap() throws {
    #expect(try evaluate(.binary(.add), integers(.int8, [127]), integers(.int8, [1])).integers == [-128])
    #expect(try evaluate(.binary(.sub), integers(.uint16, [0]), integers(.uint16, [1])).integers == [65535])
    #expect(try evaluate(.binary(.mul), words([.max]), words([2])) == words([-2]))
    #expect(try evaluate(.binary(.mul), integers(.int32, [1 << 20]), integers(.int32, [1 << 12])).integers == [0])
  }

  @Test func integerPowers() throws {
    let powers = try evaluate(.binary(.pow), words([2, -2, 0, 0, 2, 1, -1, -1, 0, 3]), words([10, 3, 0, 5, -1, -9, -3, -4, -1, 1 << 40]))
    #expect(powers.elements(Int64.self)[..<9] == [1024, -8, 1, 0, 0, 1, -1, 1, 0])
    #expect(try evaluate(.binary(.pow), integers(.uint8, [255, 2]), integers(.uint8, [2, 8])).integers == [1, 0])
  }

  @Test func extremesPassNaNOn() throws {
    let (a, b) = (Tensor.vector([1, .nan, 2, .nan]), Tensor.vector([.nan, 1, 3, .nan]))
    let greatest = try evaluate(.binary(.max), a, b).floats
    let least = try evaluate(.binary(.min), a, b).floats
    #expect(greatest.map(\.isNaN) == [true, true, false, true] && greatest[2] == 3)
    #expect(least.map(\.isNaN) == [true, true, false, true] && least[2] == 2)
  }

  @Test func comparisonsOfNaNAreFalse() throws {
    let (a, b) = (Tensor.vector([.nan, 1, 2]), Tensor.vector([.nan, 1, 1]))
    #expect(try evaluate(.binary(.equal), a, b) == Tensor(.bool, [3], [0, 1, 0] as [UInt8]))
    #expect(try evaluate(.binary(.lessOrEqual), a, b) == Tensor(.bool, [3], [0, 1, 0] as [UInt8]))
    #expect(try evaluate(.binary(.greater), a, b) == Tensor(.bool, [3], [0, 0, 1] as [UInt8]))
    let large = Tensor(.uint64, [1], [UInt64.max])
    #expect(try evaluate(.binary(.less), Tensor(.uint64, [1], [0 as UInt64]), large).integers == [1])
  }

  @Test func logic() throws {
    let (a, b) = (integers(.bool, [0, 0, 1, 1]), integers(.bool, [0, 1, 0, 1]))
    #expect(try evaluate(.binary(.and), a, b).integers == [0, 0, 0, 1])
    #expect(try evaluate(.binary(.or), a, b).integers == [0, 1, 1, 1])
    #expect(try evaluate(.binary(.xor), a, b).integers == [0, 1, 1, 0])
    #expect(try evaluate(.unary(.not), a).integers == [1, 1, 0, 0])
  }

  @Test func broadcasting() throws {
    let sum = try evaluate(.binary(.add), floats([2, 1, 3], [1, 2, 3, 4, 5, 6]), floats([2, 1], [10, 20]))
    #expect(sum == floats([2, 2, 3], [11, 12, 13, 21, 22, 23, 14, 15, 16, 24, 25, 26]))
    #expect(try evaluate(.binary(.add), .scalar(1), .vector([])).count == 0)
  }

  @Test func selection() throws {
    let result = try evaluate(.select, integers(.bool, [1, 0]), floats([2, 1], [1, 2]), .scalar(9))
    #expect(result == floats([2, 2], [1, 9, 2, 9]))
  }

  @Test(arguments: [DataType.float16, .bfloat16, .float32, .float64])
  func floatsOfEveryWidthAdd(_ element: DataType) throws {
    let sum = try evaluate(.binary(.add), try reals(element, [1.5, -2]), try reals(element, [0.25, 1]))
    #expect(sum.element == element && sum.floats == [1.75, -1])
  }

  @Test func elementaryFunctionsAtKnownPlaces() throws {
    func value(_ kind: UnaryKind, _ x: Float) throws -> Float { try evaluate(.unary(kind), .scalar(x)).floats[0] }
    #expect(try value(.sigmoid, 0) == 0.5 && value(.sigmoid, -1000) == 0 && value(.sigmoid, 1000) == 1)
    #expect(try value(.softplus, 1000) == 1000 && value(.softplus, -1000) == 0 && value(.softplus, 0) == 0.6931472)
    #expect(try value(.exp, 1) == 2.7182817 && value(.log, 0) == -.infinity && value(.log, -1).isNaN)
    #expect(try value(.erf, 1) == 0.8427008 && value(.tanh, 0.5) == 0.46211717 && value(.reciprocal, -4) == -0.25)
    #expect(try value(.sqrt, 2) == 1.4142135 && value(.sin, 1) == 0.84147096 && value(.acosh, 1) == 0)
    for kind in UnaryKind.allCases where kind != .not { _ = try value(kind, .nan) }
  }
}
