import GraphIR

extension Tensor {
  /// One number: rounded to nearest in a floating-point type; an integer type must hold it exactly, and what is not 0 is true.
  static func number(_ value: Double, _ element: DataType) throws -> Tensor {
    if element == .bool { return .integers(.bool, [], [value == 0 ? 0 : 1]) }
    if element.isFloat { return scalar(value, element) }
    if let format = SmallFloat(element) { return Tensor(element, [], [format.code(of: value)]) }
    guard let range = element.integerRange, let whole = Int(exactly: value), range.contains(whole) else {
      throw Diagnostic(.badInput, "\(value) is no \(element.rawValue)")
    }
    return .integers(element, [], [whole])
  }

  private static func scalar(_ value: Double, _ element: DataType) -> Tensor {
    switch element {
    case .float64: Tensor(.float64, [], [value])
    case .float32: Tensor(.float32, [], [Float(value)])
    case .float16: Tensor(.float16, [], [Float16(value).bitPattern])
    case .bfloat16: Tensor(.bfloat16, [], [UInt16(truncatingIfNeeded: bfloat16Bits(Float(value)))])
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit,
      .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      preconditionFailure("\(element.rawValue) is no floating-point type")
    }
  }

  /// The upper half of a float, rounded to nearest even; for finite values.
  private static func bfloat16Bits(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    return (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
  }

  /// A vector of numbers in a floating-point type, rounded once.
  static func vector(_ values: [Double], _ element: DataType) -> Tensor {
    Tensor(element, [values.count]) { bytes in
      for (index, value) in values.enumerated() {
        Tensor.scalar(value, element).withBytes {
          UnsafeMutableRawBufferPointer(rebasing: bytes[(index * element.storageBytes)...]).copyMemory(from: $0)
        }
      }
    }
  }
}
