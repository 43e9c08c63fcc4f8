import GraphIR

/// The numbers that elements of a type are computed in.
enum Arithmetic {
  /// `Double`: all floats.
  case real
  /// `Int64`: integers but u64, and bool as 0 and 1, bit as -1 and +1.
  case signed
  /// `UInt64`: u64.
  case unsigned
}

extension DataType {
  var arithmetic: Arithmetic {
    switch self {
    case .float64, .float32, .float16, .bfloat16: .real
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: .real
    case .int64, .int32, .int16, .int8, .uint32, .uint16, .uint8, .bool, .bit: .signed
    case .uint64: .unsigned
    }
  }
}

// MARK: - Reading

extension Tensor {
  /// The elements of a float tensor, exactly.
  var reals: [Double] {
    switch element {
    case .float64: elements(Double.self)
    case .float32: withElements(Float.self) { $0.map { Double($0) } }
    case .float16: withElements(Float16.self) { $0.map { Double($0) } }
    case .bfloat16: withElements(UInt16.self) { $0.map { Double(Float(bitPattern: UInt32($0) << 16)) } }
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit: integers(as: Int64.self).map { Double($0) }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: doubles
    }
  }

  /// The elements of an integer, bool or bit tensor; a number that does not fit `Number` wraps.
  func integers<Number: FixedWidthInteger>(as _: Number.Type) -> [Number] {
    func read<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) -> [Number] {
      withElements(Stored.self) { $0.map { Number(truncatingIfNeeded: $0) } }
    }
    switch element {
    case .int64: return read(Int64.self)
    case .int32: return read(Int32.self)
    case .int16: return read(Int16.self)
    case .int8, .bit: return read(Int8.self)
    case .uint64: return read(UInt64.self)
    case .uint32: return read(UInt32.self)
    case .uint16: return read(UInt16.self)
    case .uint8: return read(UInt8.self)
    case .bool: return withElements(UInt8.self) { $0.map { $0 == 0 ? 0 : 1 } }
    case .float64, .float32, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      preconditionFailure("\(element.rawValue) elements are not integers")
    }
  }
}

// MARK: - Writing

extension Tensor {
  /// A float tensor of numbers rounded once, to nearest, ties to even.
  init(_ element: DataType, _ shape: Shape, rounding numbers: [Double]) {
    switch element {
    case .float64: self.init(element, shape, numbers)
    case .float32: self.init(element, shape, numbers.map { Float($0) })
    case .float16: self.init(element, shape, numbers.map { Float16($0) })
    case .bfloat16: self.init(element, shape, numbers.map { bfloat16Bits(rounding: $0) })
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      self.init(element, shape, numbers.map { SmallFloat(element)?.code(of: $0) ?? 0 })
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit:
      preconditionFailure("\(element.rawValue) is not a floating-point type")
    }
  }

  /// An integer tensor of numbers that wrap where they do not fit; as bool, 0 is false and all else true; as bit, negatives are -1 and all else +1.
  init(_ element: DataType, _ shape: Shape, wrapping numbers: [some FixedWidthInteger]) {
    switch element {
    case .int64: self.init(element, shape, numbers.map { Int64(truncatingIfNeeded: $0) })
    case .int32: self.init(element, shape, numbers.map { Int32(truncatingIfNeeded: $0) })
    case .int16: self.init(element, shape, numbers.map { Int16(truncatingIfNeeded: $0) })
    case .int8: self.init(element, shape, numbers.map { Int8(truncatingIfNeeded: $0) })
    case .uint64: self.init(element, shape, numbers.map { UInt64(truncatingIfNeeded: $0) })
    case .uint32: self.init(element, shape, numbers.map { UInt32(truncatingIfNeeded: $0) })
    case .uint16: self.init(element, shape, numbers.map { UInt16(truncatingIfNeeded: $0) })
    case .uint8: self.init(element, shape, numbers.map { UInt8(truncatingIfNeeded: $0) })
    case .bool: self.init(element, shape, numbers.map { $0 == 0 ? 0 : 1 } as [UInt8])
    case .bit: self.init(element, shape, numbers.map { $0 < 0 ? -1 : 1 } as [Int8])
    case .float64, .float32, .float16, .bfloat16, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      preconditionFailure("\(element.rawValue) is not an integer type")
    }
  }
}

/// The bf16 nearest to a number, ties to even, as bits.
func bfloat16Bits(rounding number: Double) -> UInt16 {
  var float = Float(number)
  if float.isNaN { return UInt16(float.bitPattern >> 16) | 0x0040 }
  // Rounding to f32 first may have made a tie where there was none: step back to the side the number is on.
  if float.bitPattern & 0xffff == 0x8000 {
    if Double(float) > number { float = float.nextDown } else if Double(float) < number { float = float.nextUp }
  }
  let isOdd = float.bitPattern >> 16 & 1
  return UInt16((float.bitPattern + 0x7fff + isOdd) >> 16)
}
