/// The type of one tensor element.
///
/// In a `Tensor` every element occupies `storageBytes` whole bytes. How a backend packs bits is its own affair.
public enum DataType: String, Hashable, Sendable, CaseIterable {
  case float64 = "f64"
  case float32 = "f32"
  case float16 = "f16"
  case bfloat16 = "bf16"
  /// Floating-point numbers of a byte or less, one to a byte; `SmallFloat` says what their codes mean.
  case float8e4m3fn = "f8e4m3fn"
  case float8e4m3fnuz = "f8e4m3fnuz"
  case float8e5m2 = "f8e5m2"
  case float8e5m2fnuz = "f8e5m2fnuz"
  case float8e8m0 = "f8e8m0"
  case float4e2m1 = "f4e2m1"
  case int64 = "i64"
  case int32 = "i32"
  case int16 = "i16"
  case int8 = "i8"
  case uint64 = "u64"
  case uint32 = "u32"
  case uint16 = "u16"
  case uint8 = "u8"
  /// One byte, 0 or 1.
  case bool = "bool"
  /// An element of {-1, +1}; stored as one signed byte.
  case bit = "bit"

  /// Bytes that one element takes in a `Tensor`.
  public var storageBytes: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool, .bit, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: 1
    }
  }

  /// Whether elements are floating-point numbers to compute with. Small floats are not: they are stored, moved and cast.
  public var isFloat: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit: false
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: false
    }
  }

  /// Whether elements are whole numbers; `bool` and `bit` are not.
  public var isInteger: Bool {
    switch self {
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8: true
    case .float64, .float32, .float16, .bfloat16, .bool, .bit: false
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: false
    }
  }

  /// The range of an integer type, as far as `Int` can say it; nil for all others.
  public var integerRange: ClosedRange<Int>? {
    switch self {
    case .int64: Int.min...Int.max
    case .int32: Int(Int32.min)...Int(Int32.max)
    case .int16: Int(Int16.min)...Int(Int16.max)
    case .int8: -128...127
    case .uint64: 0...Int.max
    case .uint32: 0...Int(UInt32.max)
    case .uint16: 0...65535
    case .uint8: 0...255
    case .float64, .float32, .float16, .bfloat16, .bool, .bit: nil
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: nil
    }
  }
}
