import GraphIR

/// The graph being built: what importers append to.
struct GraphBuilder {
  private(set) var graph: Graph
  /// What nodes appended now stand for.
  var origin = ""
  private var folder = ConstantFolder()
  /// Codes narrower than what carries them (int4 in i8, say).
  private var narrowCodes: [ValueID: OnnxElement] = [:]

  /// What one value may take, in bytes: a bound on sizes that are only announced.
  private static let valueBytes = 1 << 46

  init(name: String) { graph = Graph(name: name) }

  func type(_ id: ValueID) -> TensorType { graph.type(of: id) }
  func shape(_ id: ValueID) -> Shape { graph.type(of: id).shape }
  func element(_ id: ValueID) -> DataType { graph.type(of: id).element }
  func rank(_ id: ValueID) -> Int { shape(id).rank }

  // MARK: Appending

  /// Appends a node of one result.
  mutating func emit(_ op: Op, _ operands: ValueID...) throws -> ValueID { try emit(op, operands) }

  /// Appends a node of one result.
  mutating func emit(_ op: Op, _ operands: [ValueID]) throws -> ValueID {
    try GraphBuilder.requireSize(try op.resultTypes(for: operands.map(type))[0])
    return try graph.append1(op, operands, origin: origin)
  }

  mutating func constant(_ tensor: Tensor, name: String = "") -> ValueID { graph.addConstant(tensor, name: name) }

  /// One number of the element type of `other`.
  mutating func scalar(_ value: Double, like other: ValueID) -> ValueID { constant(.scalar(value, element(other))) }

  mutating func addInput(_ name: String, _ type: TensorType) throws -> ValueID {
    try GraphBuilder.requireSize(type)
    return graph.addInput(name, type)
  }

  mutating func addOutput(_ name: String, _ id: ValueID) { graph.addOutput(name, id) }

  /// Names a value that has no name yet.
  mutating func suggestName(_ name: String, for id: ValueID) {
    if graph[id].name.isEmpty { graph.setName(name, of: id) }
  }

  private static func requireSize(_ type: TensorType) throws {
    guard let count = type.shape.elementCountPerSample, count <= valueBytes / type.element.storageBytes else {
      throw Diagnostic(.badInput, "a value of type \(type) is larger than any memory")
    }
  }

  /// Remembers that a value holds codes of a narrower type than its own.
  mutating func setCodeType(_ element: OnnxElement, of id: ValueID) {
    if element != OnnxElement(self.element(id)) { narrowCodes[id] = element }
  }

  // MARK: Asking

  /// The type of the codes that a value holds, as the file said it.
  func codeType(of id: ValueID) -> OnnxElement { narrowCodes[id] ?? OnnxElement(element(id)) }

  /// Whether a value is known now, whatever the inputs are.
  func isConstant(_ id: ValueID) -> Bool { folder.isConstant(id, in: graph) }

  /// The tensor that a value is, whatever the inputs are; throws when it depends on one. `what` says what it is needed for.
  mutating func tensor(_ id: ValueID, _ what: String) throws -> Tensor { try folder.tensor(id, what, in: graph) }

  /// The one number that a value is.
  mutating func number(_ id: ValueID, _ what: String) throws -> Double {
    let tensor = try tensor(id, what)
    guard tensor.count == 1 else { throw Diagnostic(.badInput, "\(what) has \(tensor.count) elements, not one") }
    return tensor.double(at: 0)
  }

  /// The integers that a value is; throws when one of them is the free batch.
  mutating func integers(_ id: ValueID, _ what: String) throws -> [Int] {
    try extents(id, what).map { extent in
      guard case .known(let value) = extent else {
        throw Diagnostic(.unsupported, "\(what) depends on the free batch", hint: "bind it with --batch")
      }
      return value
    }
  }

  /// The integers that a value is, one of which may be the free batch.
  mutating func extents(_ id: ValueID, _ what: String) throws -> [Extent] { try folder.extents(id, what, in: graph) }

  /// A constant of a value's extents, `range` of them; the free batch among them is remembered.
  mutating func shapeConstant(of id: ValueID, _ range: Range<Int>) -> ValueID {
    let dimensions = shape(id).dimensions[range].map { $0 == Shape.free ? Extent.batch : .known($0) }
    return batchConstant([range.count]) { batch in dimensions.map { $0.bound(batch: batch) } }
  }

  /// An i64 constant whose elements may depend on the free batch.
  mutating func batchConstant(_ shape: Shape, _ elements: (_ batch: Int) -> [Int]) -> ValueID {
    let tensors = ConstantFolder.probes.map { Tensor.integers(.int64, shape, elements($0)) }
    let id = constant(tensors[0])
    if tensors[0] != tensors[1] { folder.assumptions[id] = tensors[1] }
    return id
  }

  /// Faults for values of the finished graph that depend on the free batch in a way that no op of the IR can say.
  func batchFaults() -> [Diagnostic] { folder.batchFaults(in: graph) }
}

extension Tensor {
  /// One number of a numeric type, rounded to nearest where it does not fit.
  static func scalar(_ value: Double, _ element: DataType) -> Tensor {
    switch element {
    case .float64: Tensor(.float64, [], [value])
    case .float32: Tensor(.float32, [], [Float(value)])
    case .float16: Tensor(.float16, [], [Float16(value).bitPattern])
    case .bfloat16: Tensor(.bfloat16, [], [UInt16(truncatingIfNeeded: bfloat16Bits(Float(value)))])
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit: .integers(element, [], [Int(value)])
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
