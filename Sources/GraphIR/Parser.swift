/// Reads the text form of graphs (see `Printer`). Errors name the line.
public struct Parser {
  private var scanner: Scanner
  private let constants: (String) -> Tensor?
  /// Bytes that constants may still take.
  private var memoryLeft: Int
  private var graph = Graph(name: "")
  private var ids: [String: ValueID] = [:]

  /// The graph that `text` says. Constants named by digest are asked of `constants`.
  public static func parse(_ text: String, constants: @escaping (String) -> Tensor? = { _ in nil }) throws -> Graph {
    try parse(Array(text.utf8), constants: constants)
  }

  /// The graph that UTF-8 bytes say. Constants that the text spells out may take `memoryLimit` bytes: a short one may fill any memory.
  public static func parse(
    _ bytes: [UInt8], memoryLimit: Int = 4 << 30, constants: @escaping (String) -> Tensor? = { _ in nil }
  ) throws -> Graph {
    var parser = Parser(scanner: try Scanner(bytes), memoryLimit: memoryLimit, constants: constants)
    return try parser.parseGraph()
  }

  private init(scanner: Scanner, memoryLimit: Int, constants: @escaping (String) -> Tensor?) {
    self.scanner = scanner
    memoryLeft = memoryLimit
    self.constants = constants
  }

  /// For reading one type.
  init(typeText: String) throws { self.init(scanner: try Scanner(Array(typeText.utf8)), memoryLimit: 0, constants: { _ in nil }) }

  private func fault(_ message: String, hint: String? = nil) -> Diagnostic {
    Diagnostic(.badInput, message, place: "line \(scanner.line)", hint: hint)
  }

  // MARK: Statements

  private mutating func parseGraph() throws -> Graph {
    try expect(word: "graph")
    graph.name = try string()
    try expect("{")
    while scanner.peek != .punctuation("}") {
      switch scanner.peek {
      case .word("output"): try parseOutput()
      case .value: try parseDefinition()
      default:
        _ = try scanner.next()
        throw fault("a statement begins with '%' or 'output'")
      }
    }
    try expect("}")
    guard scanner.peek == .end else { throw fault("there is text behind the graph") }
    return graph
  }

  private mutating func parseOutput() throws {
    _ = try scanner.next()
    let name = try string()
    try expect("=")
    graph.addOutput(name, try operand())
  }

  private mutating func parseDefinition() throws {
    var results = [try resultName()]
    while try accept(",") { results.append(try resultName()) }
    try expect("=")
    switch try word() {
    case "input":
      let name = try string()
      try expect(":")
      try define(results, [graph.addInput(name, try type())])
    case "constant": try parseConstant(results)
    case let opName: try parseNode(opName, results)
    }
  }

  private mutating func define(_ names: [String], _ values: [ValueID]) throws {
    guard names.count == values.count else { throw fault("\(names.count) results are named, there are \(values.count)") }
    for (name, value) in zip(names, values) {
      guard ids.updateValue(value, forKey: name) == nil else { throw fault("%\(name) is defined twice") }
    }
  }

  private mutating func parseNode(_ opName: String, _ results: [String]) throws {
    guard let schema = OpSchema.named(opName) else {
      throw fault("there is no op '\(opName)'", hint: "'bitline list ops' names them all")
    }
    try expect("(")
    var operands: [ValueID] = []
    while scanner.peek != .punctuation(")") {
      operands.append(try operand())
      if try !accept(",") { break }
    }
    try expect(")")
    let attributes = try parseAttributes()
    try expect(":")
    var types = [try type()]
    while try accept(",") { types.append(try type()) }
    var names: [String] = []
    if case .string = scanner.peek {
      names.append(try string())
      while try accept(",") { names.append(try string()) }
    }
    let origin = try accept("@") ? try string() : ""
    do {
      let values = try graph.append(try schema.make(attributes), operands, origin: origin, names: names)
      let inferred = values.map { graph.type(of: $0) }
      guard inferred == types else { throw Diagnostic(.badInput, "'\(opName)' makes \(inferred), not \(types)") }
      try define(results, values)
    } catch let diagnostic as Diagnostic {
      throw fault(diagnostic.message, hint: diagnostic.hint)
    }
  }

  private mutating func parseAttributes() throws -> [(name: String, value: AttributeValue)] {
    var attributes: [(name: String, value: AttributeValue)] = []
    guard try accept("{") else { return [] }
    while scanner.peek != .punctuation("}") {
      let name = try word()
      guard !attributes.contains(where: { $0.name == name }) else { throw fault("attribute '\(name)' is given twice") }
      try expect("=")
      attributes.append((name, try attributeValue(depth: 0)))
      if try !accept(",") { break }
    }
    try expect("}")
    return attributes
  }

  private mutating func attributeValue(depth: Int) throws -> AttributeValue {
    guard depth < 8 else { throw fault("an attribute nests too deep") }
    switch try scanner.next() {
    case .string(let text): return .string(text)
    case .number(let text):
      if let value = Int(text) { return .int(value) }
      guard let value = Float(text) else { throw fault("'\(text)' is not a number") }
      return .float(value)
    case .word("true"): return .bool(true)
    case .word("false"): return .bool(false)
    case .word("inf"): return .float(.infinity)
    case .word("nan"): return .float(.nan)
    case .word(let name):
      guard try accept("(") else { return .word(name) }
      var values: [AttributeValue] = []
      while scanner.peek != .punctuation(")") {
        values.append(try attributeValue(depth: depth + 1))
        if try !accept(",") { break }
      }
      try expect(")")
      return .call(name, values)
    case .punctuation("["):
      var values: [Int] = []
      while scanner.peek != .punctuation("]") {
        guard case .number(let text) = try scanner.next(), let value = Int(text) else { throw fault("a list holds whole numbers") }
        values.append(value)
        if try !accept(",") { break }
      }
      try expect("]")
      return .ints(values)
    default: throw fault("an attribute's value is missing")
    }
  }

  // MARK: Constants

  private mutating func parseConstant(_ results: [String]) throws {
    enum Literal {
      case list([String])
      case splat(String)
      case digest(String)
    }
    let literal: Literal
    switch try scanner.next() {
    case .digest(let digest): literal = .digest(digest)
    case .word("splat"):
      try expect("(")
      literal = .splat(try numberText())
      try expect(")")
    case .punctuation("["):
      var list: [String] = []
      while scanner.peek != .punctuation("]") {
        list.append(try numberText())
        if try !accept(",") { break }
      }
      try expect("]")
      literal = .list(list)
    default: throw fault("a constant is a list, splat(x) or #digest")
    }
    try expect(":")
    let type = try type()
    guard let count = type.shape.elementCount, count <= 1 << 28 else { throw fault("a constant of type \(type) is not possible") }
    if case .digest = literal {} else { memoryLeft -= count * type.element.storageBytes }
    guard memoryLeft >= 0 else { throw fault("constants take more than the memory limit", hint: "raise --max-memory") }
    let tensor: Tensor
    switch literal {
    case .list(let list):
      guard list.count == count else { throw fault("\(list.count) elements are given for \(type)") }
      tensor = try number(type, list)
    case .splat(let text):
      let one = try number(TensorType(type.element, [1]), [text])
      tensor = Tensor(type.element, type.shape) { out in
        one.withBytes { bytes in
          // Filled by doubling what is there.
          var filled = min(bytes.count, out.count)
          UnsafeMutableRawBufferPointer(rebasing: out[..<filled]).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<filled]))
          while filled < out.count && filled > 0 {
            let more = min(filled, out.count - filled)
            let start = UnsafeRawBufferPointer(rebasing: out[..<more])
            UnsafeMutableRawBufferPointer(rebasing: out[filled..<filled + more]).copyMemory(from: start)
            filled += more
          }
        }
      }
    case .digest(let digest):
      guard let found = constants(digest) else {
        throw fault(
          "constant #\(digest) is not at hand", hint: "large constants travel in a file beside the text, FILE.weights: name the file")
      }
      guard found.type == type else { throw fault("constant #\(digest) is a \(found.type), not a \(type)") }
      tensor = found
    }
    var name = ""
    if case .string = scanner.peek { name = try string() }
    try define(results, [graph.addConstant(tensor, name: name)])
  }

  /// A tensor of numbers as written; throws when one does not fit the element type.
  private func number(_ type: TensorType, _ list: [String]) throws -> Tensor {
    func all<T>(_ convert: (String) -> T?) throws -> [T] {
      try list.map { text in
        guard let value = convert(text) else { throw fault("'\(text)' is not a \(type.element.rawValue)") }
        return value
      }
    }
    switch type.element {
    case .float64: return Tensor(.float64, type.shape, try all { Double($0) })
    case .float32: return Tensor(.float32, type.shape, try all { Float($0) })
    case .float16: return Tensor(.float16, type.shape, try all { Float($0).map { Float16($0).bitPattern } })
    case .bfloat16: return Tensor(.bfloat16, type.shape, try all { Float($0).map { UInt16($0.bitPattern >> 16) } })
    case .int64: return Tensor(.int64, type.shape, try all { Int64($0) })
    case .int32: return Tensor(.int32, type.shape, try all { Int32($0) })
    case .int16: return Tensor(.int16, type.shape, try all { Int16($0) })
    case .int8: return Tensor(.int8, type.shape, try all { Int8($0) })
    case .uint64: return Tensor(.uint64, type.shape, try all { UInt64($0) })
    case .uint32: return Tensor(.uint32, type.shape, try all { UInt32($0) })
    case .uint16: return Tensor(.uint16, type.shape, try all { UInt16($0) })
    case .uint8: return Tensor(.uint8, type.shape, try all { UInt8($0) })
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      // Their codes.
      return Tensor(type.element, type.shape, try all { UInt8($0) })
    case .bool: return Tensor(.bool, type.shape, try all { UInt8($0).flatMap { $0 <= 1 ? $0 : nil } })
    case .bit: return Tensor(.bit, type.shape, try all { Int8($0).flatMap { $0 == 1 || $0 == -1 ? $0 : nil } })
    }
  }

  // MARK: Tokens

  private mutating func accept(_ character: Character) throws -> Bool {
    guard scanner.peek == .punctuation(character) else { return false }
    _ = try scanner.next()
    return true
  }

  private mutating func expect(_ character: Character) throws {
    guard try scanner.next() == .punctuation(character) else { throw fault("'\(character)' is missing") }
  }

  private mutating func expect(word: String) throws {
    guard try scanner.next() == .word(word) else { throw fault("'\(word)' is missing") }
  }

  private mutating func word() throws -> String {
    guard case .word(let word) = try scanner.next() else { throw fault("a word is missing") }
    return word
  }

  private mutating func string() throws -> String {
    guard case .string(let text) = try scanner.next() else { throw fault("a string in quotes is missing") }
    return text
  }

  private mutating func numberText() throws -> String {
    switch try scanner.next() {
    case .number(let text): return text
    case .word("inf"): return "inf"
    default: throw fault("a number is missing")
    }
  }

  private mutating func resultName() throws -> String {
    guard case .value(let name) = try scanner.next(), !name.isEmpty else { throw fault("a value such as %3 is missing") }
    return name
  }

  private mutating func operand() throws -> ValueID {
    let name = try resultName()
    guard let id = ids[name] else { throw fault("%\(name) is used before it is defined") }
    return id
  }

  mutating func type() throws -> TensorType {
    let name = try word()
    guard let element = DataType(rawValue: name) else { throw fault("there is no element type '\(name)'") }
    try expect("[")
    var text = ""
    while scanner.peek != .punctuation("]") {
      switch try scanner.next() {
      case .punctuation("?"): text += "?"
      case .number(let part): text += part
      case .word(let part): text += part
      default: throw fault("a shape is written like ?x3x32x32")
      }
    }
    try expect("]")
    if text.isEmpty { return TensorType(element, []) }
    let extents = try text.split(separator: "x", omittingEmptySubsequences: false).enumerated().map { axis, part in
      if part == "?" && axis == 0 { return Shape.free }
      guard let extent = Int(part), extent >= 0 else { throw fault("a shape is written like ?x3x32x32") }
      return extent
    }
    return TensorType(element, Shape(extents))
  }
}
