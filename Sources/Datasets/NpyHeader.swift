import GraphIR

/// What stands before the elements in a .npy file.
struct NpyHeader: Hashable {
  var element: NpyElement
  /// Elements run along dimension 0 first.
  var isFortranOrder: Bool
  var shape: Shape

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Longer than any header that numpy writes for a type we read.
  private static let longest = 1 << 16

  /// Numpy's own bound on dimensions.
  private static let highestRank = 64

  /// Reads the header, and leaves `reader` at the first element.
  init(_ reader: inout ByteReader) throws {
    guard reader.remaining >= 10, try reader.take(6, "the magic").elementsEqual(NpyHeader.magic) else {
      throw Diagnostic(.badInput, "is not a .npy file: it does not start with \\x93NUMPY")
    }
    let major = try reader.little(UInt8.self, "the version")
    let minor = try reader.little(UInt8.self, "the version")
    guard (1...3).contains(major) else {
      throw Diagnostic(.badInput, "has .npy version \(major).\(minor)", hint: "versions 1, 2 and 3 are read")
    }
    let length = try major == 1 ? Int(reader.little(UInt16.self, "the header")) : Int(reader.little(UInt32.self, "the header"))
    guard length <= NpyHeader.longest else {
      throw Diagnostic(.badInput, "has a header of \(length) bytes", hint: "at most \(NpyHeader.longest) are read")
    }
    try self.init(fields: PythonLiteral(parsing: reader.take(length, "the header")))
  }

  private init(fields literal: PythonLiteral) throws {
    guard case .dictionary(let fields) = literal else { throw Diagnostic(.badInput, "the header is not a dictionary") }
    for key in fields.keys.sorted() where !["descr", "fortran_order", "shape"].contains(key) {
      throw Diagnostic(.badInput, "the header has the unknown key '\(key)'")
    }
    switch fields["descr"] {
    case .string(let spelling): element = try NpyElement(parsing: spelling)
    case .sequence: throw Diagnostic(.badInput, "holds records of several fields", hint: "save each field as an array of its own")
    default: throw Diagnostic(.badInput, "the header lacks the type, 'descr'")
    }
    guard case .bool(let isFortranOrder) = fields["fortran_order"] else {
      throw Diagnostic(.badInput, "the header lacks 'fortran_order': True or False")
    }
    guard case .sequence(let extents) = fields["shape"] else {
      throw Diagnostic(.badInput, "the header lacks 'shape', a tuple of extents")
    }
    guard extents.count <= NpyHeader.highestRank else {
      throw Diagnostic(.badInput, "has \(extents.count) dimensions", hint: "at most \(NpyHeader.highestRank) are read")
    }
    self.isFortranOrder = isFortranOrder
    shape = Shape(
      try extents.map { literal in
        guard case .integer(let extent) = literal, extent >= 0 else {
          throw Diagnostic(.badInput, "the header's shape has an extent that is not a whole number of 0 or more")
        }
        return extent
      })
  }

  /// The bytes that numpy would write before row-major elements of that type in this machine's byte order.
  static func bytes(for type: TensorType) -> [UInt8] {
    let extents = type.shape.dimensions
    let tuple = extents.count == 1 ? "(\(extents[0]),)" : "(\(extents.map(String.init).joined(separator: ", ")))"
    var text = "{'descr': '\(NpyElement.spelling(of: type.element))', 'fortran_order': False, 'shape': \(tuple), }"
    let prefix = magic.count + 4
    let padded = (prefix + text.utf8.count + 1 + 63) / 64 * 64
    text += String(repeating: " ", count: padded - prefix - text.utf8.count - 1) + "\n"
    var bytes = magic + [1, 0]
    bytes.appendLittle(UInt16(text.utf8.count))
    return bytes + Array(text.utf8)
  }
}
