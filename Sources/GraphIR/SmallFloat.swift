/// What the codes of a floating-point type of a byte or less mean, as ONNX defines them.
public struct SmallFloat: Sendable {
  /// Where a number between two codes of `f8e8m0` goes.
  public enum Rounding: String, AttributeConvertible, CaseIterable { case nearest, up, down }

  private let exponentBits: Int
  private let mantissaBits: Int
  private let bias: Int
  /// The code of the largest number.
  private let largest: UInt8
  private let infinity: UInt8?
  private let nan: UInt8?
  /// Whether the code of negative zero is NaN instead.
  private let hasOneZero: Bool

  /// The format of a type; nil for one that is not a small float.
  public init?(_ type: DataType) {
    switch type {
    case .float8e4m3fn: self.init(4, 3, bias: 7, largest: 0x7e, infinity: nil, nan: 0x7f)
    case .float8e4m3fnuz: self.init(4, 3, bias: 8, largest: 0x7f, infinity: nil, nan: 0x80, hasOneZero: true)
    case .float8e5m2: self.init(5, 2, bias: 15, largest: 0x7b, infinity: 0x7c, nan: 0x7f)
    case .float8e5m2fnuz: self.init(5, 2, bias: 16, largest: 0x7f, infinity: nil, nan: 0x80, hasOneZero: true)
    case .float4e2m1: self.init(2, 1, bias: 1, largest: 0x7, infinity: nil, nan: nil)
    case .float8e8m0: self.init(8, 0, bias: 127, largest: 0xfe, infinity: nil, nan: 0xff)
    case .float64, .float32, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit:
      return nil
    }
  }

  private init(
    _ exponentBits: Int, _ mantissaBits: Int, bias: Int, largest: UInt8, infinity: UInt8?, nan: UInt8?, hasOneZero: Bool = false
  ) {
    self.exponentBits = exponentBits
    self.mantissaBits = mantissaBits
    self.bias = bias
    self.largest = largest
    self.infinity = infinity
    self.nan = nan
    self.hasOneZero = hasOneZero
  }

  private var isPowerOfTwo: Bool { mantissaBits == 0 }
  private var signBit: UInt8 { isPowerOfTwo ? 0 : 1 << UInt8(exponentBits + mantissaBits) }

  /// The number that a code stands for.
  public func value(of code: UInt8) -> Double {
    if isPowerOfTwo { return code == nan ? .nan : Double(sign: .plus, exponent: Int(code) - bias, significand: 1) }
    if hasOneZero && code == nan { return .nan }
    let magnitude = code & (signBit - 1)
    let sign: FloatingPointSign = code & signBit == 0 ? .plus : .minus
    if magnitude > largest { return magnitude == infinity ? (sign == .plus ? .infinity : -.infinity) : .nan }
    return Double(signOf: sign == .plus ? 1 : -1, magnitudeOf: finite(magnitude))
  }

  /// The number of a code without its sign, going on beyond the largest as if there were no special codes.
  private func finite(_ code: UInt8) -> Double {
    let mantissa = Int(code) & ((1 << mantissaBits) - 1)
    let exponent = Int(code) >> mantissaBits
    let significand = Double(exponent == 0 ? mantissa : mantissa + 1 << mantissaBits)
    return significand * Double(sign: .plus, exponent: max(exponent, 1) - bias - mantissaBits, significand: 1)
  }

  /// The code nearest to a number, ties to the even code. What is beyond the largest becomes that when `saturates`, else infinity or NaN.
  /// The 4-bit type always saturates, and takes NaN for -0.
  public func code(of number: Double, saturates: Bool = true, rounding: Rounding = .up) -> UInt8 {
    if isPowerOfTwo { return powerOfTwo(number, saturates: saturates, rounding) }
    let sign: UInt8 = number.sign == .minus ? signBit : 0
    guard !number.isNaN else { return nan.map { hasOneZero ? $0 : $0 | sign } ?? signBit }
    let size = number.magnitude
    var (low, high) = (0, Int(largest) + 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if finite(UInt8(middle)) <= size { low = middle } else { high = middle }
    }
    let middle = (finite(UInt8(low)) + finite(UInt8(low + 1))) / 2
    let code = UInt8(size > middle || (size == middle && low & 1 == 1) ? low + 1 : low)
    if code == 0 { return hasOneZero ? 0 : sign }
    if code <= largest { return code | sign }
    if saturates || nan == nil { return largest | sign }
    return infinity.map { $0 | sign } ?? nan.map { hasOneZero ? $0 : $0 | sign } ?? largest | sign
  }

  /// The exponent of the number as an f32, moved up by one where it is rounded so; the sign is dropped, as ONNX does.
  private func powerOfTwo(_ number: Double, saturates: Bool, _ rounding: Rounding) -> UInt8 {
    let bits = Float(number).bitPattern
    let exponent = UInt8(bits >> 23 & 0xff)
    let mantissa = bits & 0x7f_ffff
    guard exponent != 0xff else { return 0xff }
    let half: UInt32 = 0x40_0000
    let goesUp =
      switch rounding {
      case .down: false
      case .up: mantissa > 0 && (exponent > 0 || mantissa > half)
      case .nearest: mantissa > half || (mantissa == half && exponent > 0)
      }
    guard goesUp else { return exponent }
    return exponent == largest && saturates ? largest : exponent + 1
  }
}
