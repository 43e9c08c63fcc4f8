import GraphIR

/// The element type of a .npy file: what numpy spells `<f4`, `>i8`, `|b1`.
struct NpyElement: Hashable {
  var type: DataType
  var isBigEndian: Bool

  /// Numpy's letter and width for each type that numpy has.
  private static let codes: [(code: String, type: DataType)] = [
    ("f8", .float64), ("f4", .float32), ("f2", .float16),
    ("i8", .int64), ("i4", .int32), ("i2", .int16), ("i1", .int8),
    ("u8", .uint64), ("u4", .uint32), ("u2", .uint16), ("u1", .uint8),
    ("b1", .bool),
  ]

  /// Reads a `descr` entry.
  init(parsing spelling: String) throws {
    var code = spelling
    var order: Character = "="
    if let first = code.first, "<>|=".contains(first) { order = code.removeFirst() }
    if let known = NpyElement.codes.first(where: { $0.code == code }) {
      isBigEndian = order == ">"
      type = known.type
      return
    }
    if code == "?" {
      isBigEndian = false
      type = .bool
      return
    }
    throw Diagnostic(.badInput, "holds \(NpyElement.kind(of: code)), dtype '\(spelling)'", hint: NpyElement.accepted)
  }

  private static let accepted = "save it as one of float16/32/64, int8 to int64, uint8 to uint64 or bool"

  private static func kind(of code: String) -> String {
    switch code.first {
    case "U", "S", "a": "strings"
    case "O": "Python objects"
    case "c": "complex numbers"
    case "M", "m": "dates or times"
    case "V": "bytes of a type that numpy does not know, such as bfloat16"
    default: "elements of an unknown type"
    }
  }

  /// The type that a tensor's elements are written as. What numpy lacks goes in one of the same width:
  /// as bit patterns bf16 in u16 and
  /// smaller floats in u8, bit as i8.
  static func writable(_ type: DataType) -> DataType {
    switch type {
    case .bfloat16: .uint16
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: .uint8
    case .bit: .int8
    case .float64, .float32, .float16, .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool: type
    }
  }

  /// The `descr` of a type as this machine holds it.
  static func spelling(of type: DataType) -> String {
    let order = type.storageBytes == 1 ? "|" : hostIsBigEndian ? ">" : "<"
    guard let known = codes.first(where: { $0.type == type }) else { preconditionFailure("numpy has no \(type.rawValue)") }
    return order + known.code
  }

  /// Whether this machine keeps the high byte first.
  static let hostIsBigEndian = 1.bigEndian == 1
}
