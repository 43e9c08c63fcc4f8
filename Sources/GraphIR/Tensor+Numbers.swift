extension Tensor {
  /// One f32 number.
  public static func scalar(_ value: Float) -> Tensor { Tensor(.float32, [], [value]) }

  /// A vector of f32 numbers.
  public static func vector(_ values: [Float]) -> Tensor { Tensor(.float32, [values.count], values) }

  /// The element at a flat index, as a double; exact for every type but 64-bit integers beyond 2^53.
  public func double(at index: Int) -> Double {
    switch element {
    case .float64: withElements(Double.self) { $0[index] }
    case .float32: withElements(Float.self) { Double($0[index]) }
    case .float16: withElements(UInt16.self) { Double(Float16(bitPattern: $0[index])) }
    case .bfloat16: withElements(UInt16.self) { Double(Float(bitPattern: UInt32($0[index]) << 16)) }
    case .int64: withElements(Int64.self) { Double($0[index]) }
    case .int32: withElements(Int32.self) { Double($0[index]) }
    case .int16: withElements(Int16.self) { Double($0[index]) }
    case .int8, .bit: withElements(Int8.self) { Double($0[index]) }
    case .uint64: withElements(UInt64.self) { Double($0[index]) }
    case .uint32: withElements(UInt32.self) { Double($0[index]) }
    case .uint16: withElements(UInt16.self) { Double($0[index]) }
    case .uint8, .bool: withElements(UInt8.self) { Double($0[index]) }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      withElements(UInt8.self) { SmallFloat(element)?.value(of: $0[index]) ?? .nan }
    }
  }

  /// All elements as doubles.
  public var doubles: [Double] { (0..<count).map { double(at: $0) } }

  /// All elements as f32, rounded to nearest where they do not fit.
  public var floats: [Float] {
    element == .float32 ? elements(Float.self) : (0..<count).map { Float(double(at: $0)) }
  }

  /// All elements of an integer, bool or bit tensor as `Int`; nil for floats and for u64 values beyond `Int.max`.
  public var integers: [Int]? {
    switch element {
    case .float64, .float32, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      return nil
    case .int64: return withElements(Int64.self) { $0.map { Int($0) } }
    case .uint64:
      return withElements(UInt64.self) { source in
        let exact = source.compactMap { Int(exactly: $0) }
        return exact.count == source.count ? exact : nil
      }
    case .int32, .int16, .int8, .uint32, .uint16, .uint8, .bool, .bit: return (0..<count).map { Int(double(at: $0)) }
    }
  }

  /// A tensor of integers, which must all fit `element`.
  public static func integers(_ element: DataType, _ shape: Shape, _ values: [Int]) -> Tensor {
    func filled<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> Tensor { Tensor(element, shape, values.map { T($0) }) }
    switch element {
    case .int64: return filled(Int64.self)
    case .int32: return filled(Int32.self)
    case .int16: return filled(Int16.self)
    case .int8, .bit: return filled(Int8.self)
    case .uint64: return filled(UInt64.self)
    case .uint32: return filled(UInt32.self)
    case .uint16: return filled(UInt16.self)
    case .uint8, .bool: return filled(UInt8.self)
    case .float64, .float32, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      preconditionFailure("\(element.rawValue) is not an integer type")
    }
  }

  /// A 64-bit fingerprint of type, shape and bytes (FNV-1a over 8-byte words), as 16 hexadecimal digits.
  public var digest: String {
    var hash = WordHash()
    for byte in type.description.utf8 { hash.mix(UInt64(byte)) }
    withBytes { hash.mix($0) }
    let digits = String(hash.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
