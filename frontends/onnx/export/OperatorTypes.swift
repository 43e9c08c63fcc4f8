import GraphIR

/// Which element types ONNX's operators take, and since which opset: a row for each operator that is written, so that files are valid.
///
/// Source: the operators' type constraints in `onnx` 1.23, opset 21 to 26.
enum OperatorTypes {
  /// The lowest opset, `ModelWriter.lowestOpset` or later, in which an operator takes elements of a type; nil when none does.
  static func opset(of operatorName: String, taking type: DataType) -> Int? {
    // Bits are written as int8.
    let element = type == .bit ? DataType.int8 : type
    let isNumber = element.isFloat || element.isInteger
    return switch operatorName {
    case "And", "Not", "Or", "Xor": from(element == .bool)
    case "BitwiseAnd", "BitwiseOr", "BitwiseXor": from(element.isInteger)
    case "Abs", "Add", "Clip", "Div", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min", "Mod", "Mul", "Sign", "Sub":
      from(isNumber)
    case "Equal", "Concat", "Expand", "Gather", "Slice", "Where": from(isNumber || element == .bool)
    case "Neg", "Relu": from(isNumber && element.integerRange?.lowerBound != 0)
    case "Pow": from(element.isFloat || element == .int32 || element == .int64)
    case "Ceil", "Erf", "Exp", "Floor", "Log", "Reciprocal", "Sigmoid", "Softmax", "Sqrt", "Tanh": from(element.isFloat)
    case "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "AveragePool", "Conv", "Cos", "Cosh", "Round", "Sin", "Sinh", "Softplus", "Tan":
      from(element.isFloat, element == .bfloat16 ? 22 : 0)
    case "MaxPool": from(element.isFloat || element == .int8 || element == .uint8, element == .bfloat16 ? 22 : 0)
    case "Gemm", "MatMul", "ReduceMean", "ReduceProd", "ReduceSum": from(element.isFloat || element.isInteger && element.storageBytes >= 4)
    case "ReduceMax", "ReduceMin": from((isNumber || element == .bool) && element != .int16 && element != .uint16)
    case "QuantizeLinear": from(element == .float32)
    case "DequantizeLinear": from([.uint8, .int8, .uint16, .int16, .int32].contains(element))
    case "Cast", "Identity", "Pad", "Reshape", "Transpose": opset(holding: element)
    case "BitCast": 26
    default: preconditionFailure("\(operatorName) is written, but has no row of types")
    }
  }

  private static func from(_ isTaken: Bool, _ opset: Int = 0) -> Int? { isTaken ? max(opset, ModelWriter.lowestOpset) : nil }

  /// The lowest opset whose IR version has an element type.
  static func opset(holding element: DataType) -> Int {
    switch element {
    case .float4e2m1: 23
    case .float8e8m0: 24
    case .float64, .float32, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit,
      .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz:
      ModelWriter.lowestOpset
    }
  }

  /// A type that holds every number of `element` and that an operator takes; nil when there is none.
  static func wider(than element: DataType, for operatorName: String) -> DataType? {
    let exact: [DataType] =
      switch element {
      case .int16, .uint16: [.int32, .float32]
      case .int32, .uint32: [.float64]
      case .float64, .float32, .float16, .bfloat16, .int64, .int8, .uint64, .uint8, .bool, .bit, .float8e4m3fn, .float8e4m3fnuz,
        .float8e5m2,
        .float8e5m2fnuz, .float8e8m0, .float4e2m1:
        []
      }
    return exact.first { opset(of: operatorName, taking: $0) != nil }
  }
}
