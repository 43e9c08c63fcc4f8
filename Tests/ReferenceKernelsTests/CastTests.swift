import GraphIR
import ReferenceKernels
import Testing

struct CastTests {
  private func cast(_ x: Tensor, _ to: DataType) throws -> Tensor { try evaluate(.cast(Cast(to: to)), x) }

  @Test func floatToIntegerTruncatesAndSaturates() throws {
    let x = Tensor.vector([1.9, -1.9, 300, -300, .nan, .infinity, -.infinity, 1e30])
    #expect(try cast(x, .int8).integers == [1, -1, 127, -128, 0, 127, -128, 127])
    #expect(try cast(x, .uint8).integers == [1, 0, 255, 0, 0, 255, 0, 255])
    #expect(try cast(x, .int64).elements(Int64.self) == [1, -1, 300, -300, 0, .max, .min, .max])
    #expect(try cast(x, .uint64).elements(UInt64.self) == [1, 0, 300, 0, 0, .max, 0, .max])
    #expect(try cast(x, .bool).integers == [1, 1, 1, 1, 1, 1, 1, 1])
  }

  @Test func integerToIntegerWraps() throws {
    #expect(try cast(integers(.int32, [-1, 256, 128]), .uint8).integers == [255, 0, 128])
    #expect(try cast(integers(.int32, [-1, 256, 128]), .int8).integers == [-1, 0, -128])
    #expect(try cast(words([-1]), .uint64) == Tensor(.uint64, [1], [UInt64.max]))
    #expect(try cast(Tensor(.uint64, [1], [UInt64.max]), .int32).integers == [-1])
  }

  @Test func bitsAndBools() throws {
    #expect(try cast(.vector([-0.5, -0.0, 0, 3, .nan]), .bit).integers == [-1, 1, 1, 1, 1])
    #expect(try cast(integers(.bool, [0, 1]), .bit).integers == [-1, 1])
    #expect(try cast(integers(.bit, [-1, 1]), .bool).integers == [0, 1])
    #expect(try cast(integers(.bit, [-1, 1]), .float32).floats == [-1, 1])
    #expect(try cast(integers(.int8, [-2, 0, 2]), .bool).integers == [1, 0, 1])
  }

  @Test func integersRoundOnceToFloats() throws {
    // 2^24 + 1 is a tie in f32; 2^24 + 3 goes up.
    #expect(try cast(words([16_777_217, 16_777_219]), .float32).floats == [16_777_216, 16_777_220])
    // 2^62 + 2^54 is a tie in bf16, which the last bit breaks; as a double that bit is gone.
    let tie: Int64 = 1 << 62 + 1 << 54
    #expect(try cast(words([tie, tie + 1, -tie - 1]), .bfloat16).elements(UInt16.self) == [0x5e80, 0x5e81, 0xde81])
    #expect(try cast(words([65519, 65520, -70000]), .float16).floats == [65504, .infinity, -.infinity])
  }

  @Test func doublesRoundOnceToHalves() throws {
    // A tie of f16 (bf16) and a little more: rounding to f32 on the way would lose it.
    let x = Tensor(.float64, [4], [1 + 0x1p-11, 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-8, 1 + 0x1p-8 + 0x1p-40])
    #expect(try cast(x, .float16).elements(UInt16.self)[..<2] == [0x3c00, 0x3c01])
    #expect(try cast(x, .bfloat16).elements(UInt16.self)[2...] == [0x3f80, 0x3f81])
    let below = Tensor(.float64, [2], [1 + 0x3p-8 - 0x1p-40, -1 - 0x3p-8 + 0x1p-40])
    #expect(try cast(below, .bfloat16).elements(UInt16.self) == [0x3f81, 0xbf81])
  }

  @Test func extremesOfBFloat16() throws {
    let result = try cast(.vector([.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNormalMagnitude / 128, -0.0]), .bfloat16)
    #expect(result.floats[0].isNaN)
    #expect(result.elements(UInt16.self)[1...] == [0x7f80, 0xff80, 0x7f80, 0x0001, 0x8000])
  }

  @Test(arguments: DataType.allCases, DataType.allCases)
  func everyPairIsDefined(_ from: DataType, _ to: DataType) throws {
    let one = try cast(.vector([1, -1, 1e30, .nan]), from)
    #expect(try cast(one, to).type == TensorType(to, [4]))
    #expect(try cast(one, to).double(at: 0) == 1)
  }
}
