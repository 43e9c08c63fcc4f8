import GraphIR
import Testing

@Suite struct SmallFloatTests {
  @Test(arguments: DataType.allCases.filter { SmallFloat($0) != nil })
  func everyCodeIsItsOwnNumbersCode(_ type: DataType) throws {
    let format = try #require(SmallFloat(type))
    for code in (type == .float4e2m1 ? 0..<16 : 0..<256).map({ UInt8($0) }) {
      let value = format.value(of: code)
      if value.isNaN {
        #expect(format.value(of: format.code(of: value)).isNaN)
      } else if value.isFinite {
        #expect(format.code(of: value) == code, "\(type.rawValue) \(code)")
      }
    }
  }

  @Test func roundsAndSaturatesAsONNXSays() throws {
    let plain = try #require(SmallFloat(.float8e4m3fn))
    #expect(plain.code(of: 1e9) == 0x7e && plain.code(of: 1e9, saturates: false) == 0x7f)
    #expect(plain.value(of: plain.code(of: 17)) == 16 && plain.value(of: plain.code(of: 19)) == 20)
    let wide = try #require(SmallFloat(.float8e5m2))
    #expect(wide.code(of: -.infinity) == 0xfb && wide.code(of: -.infinity, saturates: false) == 0xfc)
    let unsigned = try #require(SmallFloat(.float8e5m2fnuz))
    #expect(unsigned.code(of: -0.0) == 0 && unsigned.value(of: 0x80).isNaN)
    let scale = try #require(SmallFloat(.float8e8m0))
    #expect(scale.value(of: scale.code(of: 3)) == 4 && scale.value(of: scale.code(of: 3, rounding: .down)) == 2)
  }
}
