import COnnxSchema
import GraphIR

/// Walks a message's bytes before protobuf-c unpacks them, along protobuf-c's own descriptor tables.
///
/// What it lets through, protobuf-c unpacks without deep recursion, without quadratic merging and within the memory limit:
/// every length fits, nesting is bounded, a singular sub-message comes at most once, strings are UTF-8 without NUL (protobuf-c hands them
/// out as C strings), wire types fit the schema, and the memory that unpacking takes, estimated from above, is within the limit.
/// It is also where the message comes from: protobuf-c itself only says no.
struct WireCheck {
  typealias Descriptor = UnsafePointer<ProtobufCMessageDescriptor>
  typealias Field = UnsafePointer<ProtobufCFieldDescriptor>

  private var reader: WireReader
  private var path: [(field: Field, index: Int)] = []
  /// Occurrences of each field, for all open messages, innermost last.
  private var seen: [Int] = []
  private let memoryLimit: Int
  /// What a file of this size may take, in bytes.
  private let sizeLimit: Int
  /// An upper bound on the memory that unpacking takes, in bytes.
  private(set) var memory = 0

  /// What one allocation costs beyond its size: our header and the allocator's own.
  private static let allocationOverhead = 32
  /// Two scan records of protobuf-c: its slabs double.
  private static let bytesScannedPerField = 64

  private init(_ bytes: UnsafeRawBufferPointer, limits: ImportLimits) {
    reader = WireReader(bytes)
    memoryLimit = limits.memory
    sizeLimit = ImportLimits.smallMemory + ImportLimits.growth * bytes.count
  }

  /// Checks a whole message. Returns the upper bound on the memory that unpacking takes, in bytes.
  static func check(_ bytes: UnsafeRawBufferPointer, as descriptor: Descriptor, limits: ImportLimits) throws -> Int {
    var check = WireCheck(bytes, limits: limits)
    do {
      try check.message(descriptor, end: bytes.count)
    } catch let fault as WireFault {
      throw Diagnostic(.badInput, fault.message, place: check.place(fault.offset), hint: fault.hint)
    }
    return check.memory
  }

  private func place(_ offset: Int) -> String {
    let names = path.map { field, index in
      let name = String(cString: field.pointee.name)
      return field.pointee.label == PROTOBUF_C_LABEL_REPEATED ? "\(name)[\(index)]" : name
    }
    return (["byte \(offset)"] + (names.isEmpty ? [] : [names.joined(separator: ".")])).joined(separator: ", ")
  }

  private mutating func charge(_ bytes: Int) throws {
    memory += bytes
    guard memory <= memoryLimit else {
      throw WireFault(reader.offset, "unpacking takes more than the memory limit of \(memoryLimit) bytes", hint: "raise --max-memory")
    }
    guard memory <= sizeLimit else {
      throw WireFault(reader.offset, "unpacking takes more than \(sizeLimit) bytes, far more than a model of this size needs")
    }
  }

  private mutating func message(_ descriptor: Descriptor, end: Int) throws {
    guard path.count < ImportLimits.depth else { throw WireFault(reader.offset, "messages nest deeper than \(ImportLimits.depth)") }
    try charge(descriptor.pointee.sizeof_message + WireCheck.allocationOverhead)
    let base = seen.count
    seen.append(contentsOf: repeatElement(0, count: Int(descriptor.pointee.n_fields)))
    while reader.offset < end {
      try charge(WireCheck.bytesScannedPerField)
      let (number, wireType) = try reader.tag(end: end)
      guard let place = WireCheck.fieldIndex(descriptor, number) else {
        let start = reader.offset
        try reader.skip(wireType, end: end)
        try charge(reader.offset - start + MemoryLayout<ProtobufCMessageUnknownField>.stride + WireCheck.allocationOverhead)
        continue
      }
      let field = descriptor.pointee.fields + place
      path.append((field, seen[base + place]))
      seen[base + place] += 1
      try value(of: field, wireType: wireType, occurrence: seen[base + place], end: end)
      path.removeLast()
    }
    seen.removeLast(seen.count - base)
  }

  private mutating func value(of field: Field, wireType: WireType, occurrence: Int, end: Int) throws {
    let type = field.pointee.type
    let isRepeated = field.pointee.label == PROTOBUF_C_LABEL_REPEATED
    let expected = WireCheck.wireType(of: type)
    if isRepeated { try charge(WireCheck.elementBytes(of: type)) }
    guard wireType == expected || (isRepeated && wireType == .lengthPrefixed) else {
      throw WireFault(reader.offset, "wire type \(wireType.rawValue) where \(expected.rawValue) is expected")
    }
    guard wireType == .lengthPrefixed else { return try reader.skip(wireType, end: end) }
    let length = try reader.length(end: end)
    switch type {
    case PROTOBUF_C_TYPE_MESSAGE:
      guard isRepeated || occurrence == 1 else { throw WireFault(reader.offset, "the field is given more than once") }
      guard let inner = field.pointee.descriptor else { preconditionFailure("a message field without a descriptor") }
      try message(inner.assumingMemoryBound(to: ProtobufCMessageDescriptor.self), end: reader.offset + length)
    case PROTOBUF_C_TYPE_STRING:
      try charge(length + 1 + WireCheck.allocationOverhead)
      try reader.string(length)
    case PROTOBUF_C_TYPE_BYTES:
      try charge(length + WireCheck.allocationOverhead)
      reader.offset += length
    default:
      let count = try reader.packed(expected, length: length)
      try charge(count * WireCheck.elementBytes(of: type))
    }
  }

  private static func fieldIndex(_ descriptor: Descriptor, _ number: UInt32) -> Int? {
    var low = 0
    var high = Int(descriptor.pointee.n_fields)
    while low < high {
      let middle = (low + high) / 2
      let id = descriptor.pointee.fields[middle].id
      if id == number { return middle }
      if id < number { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  private static func wireType(of type: ProtobufCType) -> WireType {
    switch type {
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: .lengthPrefixed
    case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32: .fixed32
    case PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64: .fixed64
    default: .varint
    }
  }

  /// Bytes that one element of a repeated field takes in its array.
  private static func elementBytes(of type: ProtobufCType) -> Int {
    switch type {
    case PROTOBUF_C_TYPE_BYTES: MemoryLayout<ProtobufCBinaryData>.stride
    case PROTOBUF_C_TYPE_FLOAT, PROTOBUF_C_TYPE_INT32, PROTOBUF_C_TYPE_ENUM, PROTOBUF_C_TYPE_BOOL: 4
    default: 8
    }
  }
}
