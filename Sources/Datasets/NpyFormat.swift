import GraphIR
import PluginAPI

/// Numpy's .npy: one tensor, header and elements.
///
/// Reads versions 1 to 3, both byte orders, C and Fortran order, and every numpy type that `DataType` has; strings, objects, records and
/// complex numbers are refused. Writes version 1, row-major, in this machine's byte order. Of what numpy lacks, bf16 goes out as its bits
/// in u16, a smaller float as its bits in u8, bit as i8. Memory: the file and the tensor, both whole.
public struct NpyFormat: TensorFormat {
  /// The format's name in lists.
  public let name = "npy"
  /// What its files end in.
  public let fileExtensions = ["npy"]

  /// The format; it has no settings.
  public init() {}

  /// The tensor of a file, under an empty name.
  public func read(path: String) throws -> [(name: String, tensor: Tensor)] {
    let bytes = try Files.read(path)
    return [("", try blaming(path) { try NpyFormat.tensor(from: bytes[...]) })]
  }

  /// The bytes of a file that holds one tensor; .npy keeps no name.
  public func bytes(of tensor: Tensor, name: String) throws -> [UInt8] { NpyFormat.bytes(of: tensor) }

  /// The tensor that the bytes of a .npy file say.
  package static func tensor(from bytes: ArraySlice<UInt8>) throws -> Tensor {
    var reader = ByteReader(bytes)
    let header = try NpyHeader(&reader)
    let width = header.element.type.storageBytes
    guard let count = header.shape.elementCount, case (let size, false) = count.multipliedReportingOverflow(by: width) else {
      throw Diagnostic(.badInput, "has the shape \(header.shape), which is larger than any memory")
    }
    let place = reader.offset
    guard reader.remaining == size else {
      let needed = "shape \(header.shape) of \(header.element.type.rawValue) needs \(size) bytes and \(reader.remaining) follow the header"
      throw Diagnostic(.badInput, reader.remaining < size ? "is cut off: \(needed)" : "is too long: \(needed)", place: "byte \(place)")
    }
    let elements = try reader.take(size, "the array")
    let tensor = Tensor(header.element.type, header.shape) { out in
      elements.withUnsafeBytes { copy($0, to: out, header) }
    }
    try checkBooleans(tensor)
    return tensor
  }

  /// The bytes of a .npy file that holds the tensor.
  package static func bytes(of tensor: Tensor) -> [UInt8] {
    let element = NpyElement.writable(tensor.element)
    var bytes = NpyHeader.bytes(for: TensorType(element, tensor.shape))
    bytes.reserveCapacity(bytes.count + tensor.count * element.storageBytes)
    tensor.withBytes { bytes.append(contentsOf: $0) }
    return bytes
  }

  private static func checkBooleans(_ tensor: Tensor) throws {
    guard tensor.element == .bool, let bad = tensor.withBytes({ $0.firstIndex { $0 > 1 } }) else { return }
    throw Diagnostic(.badInput, "has a bool that is neither 0 nor 1", place: "element \(bad)")
  }

  private static func copy(_ source: UnsafeRawBufferPointer, to out: UnsafeMutableRawBufferPointer, _ header: NpyHeader) {
    let mustTranspose = header.isFortranOrder && header.shape.rank > 1
    let width = header.element.type.storageBytes
    guard mustTranspose || (width > 1 && header.element.isBigEndian != NpyElement.hostIsBigEndian) else {
      return out.copyMemory(from: source)
    }
    switch width {
    case 1: rearrange(UInt8.self, source, out, header)
    case 2: rearrange(UInt16.self, source, out, header)
    case 4: rearrange(UInt32.self, source, out, header)
    default: rearrange(UInt64.self, source, out, header)
    }
  }

  /// Copies element by element into row-major order and this machine's byte order.
  private static func rearrange<Word: FixedWidthInteger & BitwiseCopyable>(
    _: Word.Type, _ source: UnsafeRawBufferPointer, _ out: UnsafeMutableRawBufferPointer, _ header: NpyHeader
  ) {
    let words = out.bindMemory(to: Word.self)
    let dimensions = header.shape.dimensions
    let strides = header.isFortranOrder ? Array(Shape(dimensions.reversed()).strides.reversed()) : header.shape.strides
    var position = [Int](repeating: 0, count: dimensions.count)
    var from = 0
    for index in words.indices {
      let word = source.loadUnaligned(fromByteOffset: from * MemoryLayout<Word>.size, as: Word.self)
      words[index] = header.element.isBigEndian ? Word(bigEndian: word) : Word(littleEndian: word)
      var axis = dimensions.count - 1
      while axis >= 0 {
        position[axis] += 1
        from += strides[axis]
        if position[axis] < dimensions[axis] { break }
        from -= strides[axis] * dimensions[axis]
        position[axis] = 0
        axis -= 1
      }
    }
  }
}
