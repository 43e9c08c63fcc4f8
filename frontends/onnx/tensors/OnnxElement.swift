import GraphIR

/// The element types of the format: their codes, names and widths.
enum OnnxElement: Int32, CaseIterable {
  case float = 1
  case uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64, complex64, complex128, bfloat16
  case float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, uint4, int4, float4e2m1, float8e8m0, uint2, int2

  /// The IR's type for it; nil when the IR has none. Small integers are carried by the next wider type.
  var dataType: DataType? {
    switch self {
    case .double: .float64
    case .float: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int64: .int64
    case .int32: .int32
    case .int16: .int16
    case .int8, .int4, .int2: .int8
    case .uint64: .uint64
    case .uint32: .uint32
    case .uint16: .uint16
    case .uint8, .uint4, .uint2: .uint8
    case .bool: .bool
    case .float8e4m3fn: .float8e4m3fn
    case .float8e4m3fnuz: .float8e4m3fnuz
    case .float8e5m2: .float8e5m2
    case .float8e5m2fnuz: .float8e5m2fnuz
    case .float8e8m0: .float8e8m0
    case .float4e2m1: .float4e2m1
    case .string, .complex64, .complex128: nil
    }
  }

  /// Bits that one element takes in `raw_data`; nil where we do not read it.
  var bits: Int? {
    switch self {
    case .uint4, .int4, .float4e2m1: 4
    case .uint2, .int2: 2
    default: dataType.map { $0.storageBytes * 8 }
    }
  }

  /// Whether the IR's type for it holds what it holds, and no more.
  var isWhole: Bool {
    switch self {
    case .uint4, .int4, .uint2, .int2: false
    default: dataType != nil
    }
  }

  /// What an integer element may be.
  var range: ClosedRange<Int>? {
    switch self {
    case .uint4: 0...15
    case .int4: -8...7
    case .uint2: 0...3
    case .int2: -2...1
    default: dataType?.integerRange
    }
  }

  /// The code with which a tensor of this type is written. `bit` is written as int8.
  init(_ type: DataType) {
    switch type {
    case .float64: self = .double
    case .float32: self = .float
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .int64: self = .int64
    case .int32: self = .int32
    case .int16: self = .int16
    case .int8, .bit: self = .int8
    case .uint64: self = .uint64
    case .uint32: self = .uint32
    case .uint16: self = .uint16
    case .uint8: self = .uint8
    case .bool: self = .bool
    case .float8e4m3fn: self = .float8e4m3fn
    case .float8e4m3fnuz: self = .float8e4m3fnuz
    case .float8e5m2: self = .float8e5m2
    case .float8e5m2fnuz: self = .float8e5m2fnuz
    case .float8e8m0: self = .float8e8m0
    case .float4e2m1: self = .float4e2m1
    }
  }

  /// The type of a code; throws when it does not exist (`badInput`).
  static func named(_ code: Int32) throws -> OnnxElement {
    guard let element = OnnxElement(rawValue: code) else { throw Diagnostic(.badInput, "element type \(code) does not exist") }
    return element
  }

  /// The IR's type for it; throws when there is none (`unsupported`).
  func requireDataType() throws -> DataType {
    guard let type = dataType else { throw Diagnostic(.unsupported, "element type '\(self)' is not supported") }
    return type
  }
}
