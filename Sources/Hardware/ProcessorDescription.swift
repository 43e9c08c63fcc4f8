/// A memory + processor machine: one arithmetic unit, registers, and memories of growing size.
public struct ProcessorDescription: Hashable, Sendable {
  /// One memory.
  public struct Memory: Hashable, Sendable {
    /// The name that reports use.
    public let name: String
    /// nil: as large as anything asked of it.
    public let capacityBytes: Int?
    /// Bits that one access moves.
    public let wordBits: Int
    /// Energy of reading one word.
    public let read: Fact
    /// Energy of writing one word.
    public let write: Fact
    /// Time of one access.
    public let access: Fact
  }

  /// Energy of one arithmetic operation.
  public struct Operations: Hashable, Sendable {
    /// A product of two 8-bit integers.
    public let int8Multiply: Fact
    /// A sum of two 16-bit integers.
    public let int16Add: Fact
    /// A sum of two 32-bit integers.
    public let int32Add: Fact
    /// A product of two f32 numbers.
    public let float32Multiply: Fact
    /// A sum of two f32 numbers.
    public let float32Add: Fact
  }

  /// The name that it is loaded by.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  /// Frequency of the clock.
  public let clock: Fact
  /// Operations of one kind that start in one clock cycle; also the operands that one access may move, as far as a word holds them.
  public let lanes: Int
  /// Energy of the arithmetic.
  public let operations: Operations
  /// Energy of reading or writing one bit of a register.
  public let registerBit: Fact
  /// Memories, smallest first; the last one takes what fits nowhere else.
  public let memories: [Memory]
  /// Every statement of the file, in the order in which it is documented.
  public let facts: [Fact]

  /// The smallest memory that holds so many bytes.
  public func memory(holding bytes: Int) -> Memory {
    memories.first { $0.capacityBytes.map { $0 >= bytes } ?? true } ?? memories[memories.count - 1]
  }
}

extension ProcessorDescription {
  /// Reads a file of kind `processor`.
  init(reading root: SheetReader.Section, by reader: inout SheetReader) throws {
    name = reader.text(root, "name")
    summary = reader.text(root, "summary")
    let technology = reader.section(root, "technology", fields: ["node", "supply"])
    _ = reader.quantity(technology, "node", .length, in: 1...1000)
    _ = reader.quantity(technology, "supply", .voltage, in: 0.1...10)

    let timing = reader.section(root, "timing", fields: ["clock", "lanes"])
    clock = reader.quantity(timing, "clock", .frequency, in: 1e-3...1e5)
    lanes = reader.count(timing, "lanes", in: 1...1024)

    let names = ["int8_multiply", "int16_add", "int32_add", "float32_multiply", "float32_add"]
    let body = reader.section(root, "operations", fields: names)
    operations = Operations(
      int8Multiply: reader.quantity(body, "int8_multiply", .energy), int16Add: reader.quantity(body, "int16_add", .energy),
      int32Add: reader.quantity(body, "int32_add", .energy), float32Multiply: reader.quantity(body, "float32_multiply", .energy),
      float32Add: reader.quantity(body, "float32_add", .energy))
    let registers = reader.section(root, "registers", fields: ["access"])
    registerBit = reader.quantity(registers, "access", .energyPerBit)

    var memories: [Memory] = []
    for section in reader.sections(root, "memories", fields: ["name", "capacity", "word", "read", "write", "access"]) {
      let capacity = reader.count(section, "capacity", .capacity, in: 1...(1 << 40))
      if let last = memories.last?.capacityBytes, last >= capacity {
        reader.report("'\(section.path)' is not larger than the memory before it", line: section.line, hint: "list memories smallest first")
      }
      memories.append(ProcessorDescription.memory(section, capacityBytes: capacity, &reader))
    }
    let outer = reader.section(root, "outer_memory", fields: ["name", "word", "read", "write", "access"])
    memories.append(ProcessorDescription.memory(outer, capacityBytes: nil, &reader))
    self.memories = memories
    facts = reader.facts
  }

  private static func memory(_ section: SheetReader.Section, capacityBytes: Int?, _ reader: inout SheetReader) -> Memory {
    Memory(
      name: reader.text(section, "name"), capacityBytes: capacityBytes, wordBits: reader.count(section, "word", .bits, in: 8...4096),
      read: reader.quantity(section, "read", .energy), write: reader.quantity(section, "write", .energy),
      access: reader.quantity(section, "access", .time, in: 1e-3...1e9))
  }

  static let fields = ["kind", "name", "summary", "technology", "timing", "operations", "registers", "memories", "outer_memory"]
}
