import GraphIR

/// The value of an attribute of an ONNX node.
enum EmittedAttribute {
  case int(Int)
  case ints([Int])
  case string(String)

  /// An element type.
  static func element(_ type: DataType) -> EmittedAttribute { .int(Int(OnnxElement(type).rawValue)) }
}

/// Puts a model together as bytes. Weights are copied once, into the finished file.
struct ModelWriter {
  /// The operator set that nodes are written in, unless one of them needs a later one.
  static let lowestOpset = 21
  private var opset = ModelWriter.lowestOpset
  /// The largest file, in bytes: protobuf's own bound.
  private static let limit = Int(Int32.max)

  /// Everything of the graph but its initializers.
  private var graph = WireWriter()
  private var initializers: [(head: [UInt8], tensor: Tensor)] = []
  private(set) var nodeCount = 0

  init(name: String) { graph.string(2, name.isEmpty ? "graph" : name) }

  /// Raises the opset to one that has what is written. All that is written means the same in each of them.
  mutating func require(opset needed: Int) { opset = max(opset, needed) }

  /// The file format's version that came with the opset.
  private var irVersion: Int {
    switch opset {
    case ...22: 10
    case 23: 11
    case 24: 12
    default: 13
    }
  }

  mutating func node(
    _ operatorName: String, name: String, inputs: [String], output: String, _ attributes: [(name: String, value: EmittedAttribute)]
  ) {
    nodeCount += 1
    graph.message(1) { node in
      for input in inputs { node.string(1, input) }
      node.string(2, output)
      node.string(3, name)
      node.string(4, operatorName)
      for (name, value) in attributes { node.message(5) { ModelWriter.write(name, value, &$0) } }
    }
  }

  private static func write(_ name: String, _ value: EmittedAttribute, _ writer: inout WireWriter) {
    writer.string(1, name)
    switch value {
    case .int(let value):
      writer.int(3, value)
      writer.int(20, 2)
    case .string(let value):
      writer.string(4, value)
      writer.int(20, 3)
    case .ints(let values):
      for value in values { writer.int(8, value) }
      writer.int(20, 7)
    }
  }

  mutating func initializer(_ name: String, _ tensor: Tensor) {
    require(opset: OperatorTypes.opset(holding: tensor.element))
    let payload = tensor.element == .float4e2m1 ? tensor.packedInPairs : tensor
    var head = WireWriter()
    for extent in tensor.shape.dimensions { head.int(1, extent) }
    head.int(2, Int(OnnxElement(tensor.element).rawValue))
    head.string(8, name)
    head.prefix(9, count: payload.count * payload.element.storageBytes)
    initializers.append((head.bytes, payload))
  }

  /// Where a value stands among those of the graph that are described.
  enum Border: UInt64 { case input = 11, output = 12, inner = 13 }

  mutating func describe(_ name: String, _ type: TensorType, as border: Border) {
    require(opset: OperatorTypes.opset(holding: type.element))
    graph.message(border.rawValue) { value in
      value.string(1, name)
      value.message(2) { outer in
        outer.message(1) { tensor in
          tensor.int(1, Int(OnnxElement(type.element).rawValue))
          tensor.message(2) { shape in
            for extent in type.shape.dimensions {
              shape.message(1) { extent == Shape.free ? $0.string(2, "N") : $0.int(1, extent) }
            }
          }
        }
      }
    }
  }

  /// The file's bytes; throws when the format cannot hold that many.
  func finished() throws -> [UInt8] {
    var heads: [[UInt8]] = []
    for (head, tensor) in initializers {
      var outer = WireWriter()
      outer.prefix(5, count: head.count + tensor.count * tensor.element.storageBytes)
      heads.append(outer.bytes + head)
    }
    let weights = zip(heads, initializers).reduce(0) { $0 + $1.0.count + $1.1.tensor.count * $1.1.tensor.element.storageBytes }
    let total = weights + graph.bytes.count
    guard total < ModelWriter.limit - 1024 else {
      throw Diagnostic(.unsupported, "the model would take \(total) bytes; a file of this format holds \(ModelWriter.limit)")
    }
    var file = WireWriter(reserving: total + 1024)
    file.int(1, irVersion)
    file.string(2, "bitline")
    file.message(8) {
      $0.string(1, "")
      $0.int(2, opset)
    }
    file.prefix(7, count: total)
    file.raw(graph.bytes)
    for (head, (_, tensor)) in zip(heads, initializers) {
      file.raw(head)
      tensor.withBytes { file.raw($0) }
    }
    return file.bytes
  }
}
