import COnnxSchema
import GraphIR

/// Where a tensor message keeps its elements.
enum TensorPayload {
  /// Nowhere: there are none.
  case none
  case raw(UnsafeRawBufferPointer)
  case external([(key: String, value: String)])
  case typed(TypedField)

  /// The fields that hold numbers of one type.
  enum TypedField: String { case float_data, int32_data, int64_data, double_data, uint64_data, string_data }

  /// Finds the one payload; throws when there is none or there are several.
  init(_ proto: Onnx__TensorProto, isEmpty: Bool) throws {
    var found: [(name: String, payload: TensorPayload)] = []
    if proto.has_raw_data != 0 && !(isEmpty && proto.raw_data.len == 0) { found.append(("raw_data", .raw(bytes(proto.raw_data)))) }
    let typed: [(field: TypedField, count: Int)] = [
      (.float_data, proto.n_float_data), (.int32_data, proto.n_int32_data), (.int64_data, proto.n_int64_data),
      (.double_data, proto.n_double_data), (.uint64_data, proto.n_uint64_data), (.string_data, proto.n_string_data),
    ]
    for (field, count) in typed where count > 0 { found.append((field.rawValue, .typed(field))) }
    if proto.data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL {
      found.append(
        (
          "external_data",
          .external(list(proto.external_data, proto.n_external_data).map { (text($0.pointee.key), text($0.pointee.value)) })
        ))
    } else if proto.n_external_data > 0 {
      throw Diagnostic(.badInput, "external_data is given, but data_location is not EXTERNAL")
    }
    guard found.count <= 1 else {
      throw Diagnostic(.badInput, "several payloads: \(found.map(\.name).joined(separator: ", "))", hint: "a tensor has exactly one")
    }
    guard let only = found.first else {
      guard isEmpty else { throw Diagnostic(.badInput, "no elements are given") }
      self = .none
      return
    }
    self = only.payload
  }
}

/// The elements of a tensor message in one of its typed fields.
enum TypedData {
  case floats(UnsafeBufferPointer<Float>)
  case int32s(UnsafeBufferPointer<Int32>)
  case int64s(UnsafeBufferPointer<Int64>)
  case doubles(UnsafeBufferPointer<Double>)
  case uint64s(UnsafeBufferPointer<UInt64>)

  init(_ field: TensorPayload.TypedField, of proto: Onnx__TensorProto) throws {
    switch field {
    case .float_data: self = .floats(list(proto.float_data, proto.n_float_data))
    case .int32_data: self = .int32s(list(proto.int32_data, proto.n_int32_data))
    case .int64_data: self = .int64s(list(proto.int64_data, proto.n_int64_data))
    case .double_data: self = .doubles(list(proto.double_data, proto.n_double_data))
    case .uint64_data: self = .uint64s(list(proto.uint64_data, proto.n_uint64_data))
    case .string_data: throw Diagnostic(.badInput, "string_data in a tensor of numbers")
    }
  }

  /// The tensor, when the field is the one that the format puts this element type in.
  func tensor(_ element: OnnxElement, _ type: DataType, _ shape: Shape, count: Int) throws -> Tensor {
    switch (self, element) {
    case (.floats(let data), .float): try whole(data, type, shape, count)
    case (.doubles(let data), .double): try whole(data, type, shape, count)
    case (.int64s(let data), .int64): try whole(data, type, shape, count)
    case (.uint64s(let data), .uint64): try whole(data, type, shape, count)
    case (.uint64s(let data), .uint32): try narrowed(data, to: UInt32.self, type, shape, count)
    case (.int32s(let data), .int32): try whole(data, type, shape, count)
    case (.int32s(let data), .int16): try narrowed(data, to: Int16.self, type, shape, count)
    case (.int32s(let data), .int8): try narrowed(data, to: Int8.self, type, shape, count)
    case (.int32s(let data), .uint16), (.int32s(let data), .float16), (.int32s(let data), .bfloat16):
      try narrowed(data, to: UInt16.self, type, shape, count)
    case (.int32s(let data), .uint8), (.int32s(let data), .float8e4m3fn), (.int32s(let data), .float8e4m3fnuz),
      (.int32s(let data), .float8e5m2), (.int32s(let data), .float8e5m2fnuz), (.int32s(let data), .float8e8m0):
      try narrowed(data, to: UInt8.self, type, shape, count)
    case (.int32s(let data), .bool): try narrowed(data, to: UInt8.self, limit: 1, type, shape, count)
    case (.int32s(let data), .int4), (.int32s(let data), .uint4), (.int32s(let data), .int2), (.int32s(let data), .uint2),
      (.int32s(let data), .float4e2m1):
      try unpacked(data, element, type, shape, count)
    default: throw Diagnostic(.badInput, "elements of type '\(element)' in the wrong field", hint: "see TensorProto in the ONNX schema")
    }
  }

  private func checkCount(_ given: Int, _ wanted: Int) throws {
    guard given == wanted else { throw Diagnostic(.badInput, "\(given) elements are given, the extents take \(wanted)") }
  }

  private func whole<T: BitwiseCopyable>(_ data: UnsafeBufferPointer<T>, _ type: DataType, _ shape: Shape, _ count: Int) throws -> Tensor {
    try checkCount(data.count, count)
    return Tensor(type, shape) { $0.copyMemory(from: UnsafeRawBufferPointer(data)) }
  }

  private func narrowed<Wide: FixedWidthInteger, Narrow: FixedWidthInteger & BitwiseCopyable>(
    _ data: UnsafeBufferPointer<Wide>, to _: Narrow.Type, limit: Narrow = .max, _ type: DataType, _ shape: Shape, _ count: Int
  ) throws -> Tensor {
    try checkCount(data.count, count)
    return try Tensor(type, shape) { out in
      let out = out.assumingMemoryBound(to: Narrow.self)
      for (index, wide) in data.enumerated() {
        guard let narrow = Narrow(exactly: wide), narrow <= limit else {
          throw Diagnostic(.badInput, "element \(index) is \(wide), which no \(type.rawValue) holds")
        }
        out[index] = narrow
      }
    }
  }

  /// Elements of 2 or 4 bits, packed into the low byte of each entry.
  private func unpacked(
    _ data: UnsafeBufferPointer<Int32>, _ element: OnnxElement, _ type: DataType, _ shape: Shape, _ count: Int
  ) throws -> Tensor {
    let bits = element.bits ?? 8
    let perEntry = 8 / bits
    try checkCount(data.count, (count + perEntry - 1) / perEntry)
    if let bad = data.first(where: { !(-128...255).contains($0) }) {
      throw Diagnostic(.badInput, "an entry of \(bad), which no byte holds")
    }
    return Tensor(type, shape) { out in
      for index in out.indices {
        let byte = UInt8(truncatingIfNeeded: data[index / perEntry])
        out[index] = TensorReader.smallInteger(byte >> UInt8(index % perEntry * bits), element, bits)
      }
    }
  }
}
