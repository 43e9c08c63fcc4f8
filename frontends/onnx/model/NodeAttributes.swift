import COnnxSchema
import GraphIR

/// The kinds of attribute that operators of ours have.
enum AttributeKind: Int, Sendable {
  case float = 1
  case int = 2
  case string = 3
  case tensor = 4
  case graph = 5
  case floats = 6
  case ints = 7
  case strings = 8
}

/// The attributes of one node, by name.
struct NodeAttributes {
  enum Value {
    case float(Float)
    case int(Int)
    case string(String)
    case tensor(Tensor)
    /// A body, which is read along with its node.
    case graph(UnsafePointer<Onnx__GraphProto>)
    case floats([Float])
    case ints([Int])
    case strings([String])
    /// Of a kind that no operator of ours has; its code.
    case other(Int)

    var kindCode: Int {
      switch self {
      case .float: AttributeKind.float.rawValue
      case .int: AttributeKind.int.rawValue
      case .string: AttributeKind.string.rawValue
      case .tensor: AttributeKind.tensor.rawValue
      case .graph: AttributeKind.graph.rawValue
      case .floats: AttributeKind.floats.rawValue
      case .ints: AttributeKind.ints.rawValue
      case .strings: AttributeKind.strings.rawValue
      case .other(let code): code
      }
    }
  }

  private(set) var values: [String: Value] = [:]

  /// Bounds what extents, strides and pads may be, so that sums and products of two of them fit.
  private static let extentLimit = 1 << 31

  /// Reads a node's attributes. `bindings` are the attributes of the call, when the node stands in a function's body.
  init(_ protos: [UnsafePointer<Onnx__AttributeProto>], tensors: TensorReader, bindings: NodeAttributes?) throws {
    for proto in protos.map(\.pointee) {
      let name = text(proto.name)
      let value: Value?
      if let reference = proto.ref_attr_name {
        guard let bindings else { throw Diagnostic(.badInput, "attribute '\(name)' refers to another outside of a function") }
        value = bindings.values[text(reference)]
      } else {
        value = try NodeAttributes.value(proto, name, tensors)
      }
      if let value, values.updateValue(value, forKey: name) != nil { throw Diagnostic(.badInput, "attribute '\(name)' is given twice") }
    }
  }

  /// The value of an attribute whose declared kind must be that of the one field that is set.
  private static func value(_ proto: Onnx__AttributeProto, _ name: String, _ tensors: TensorReader) throws -> Value {
    let set: [(kind: Int, isSet: Bool)] = [
      (1, proto.has_f != 0), (2, proto.has_i != 0), (3, proto.has_s != 0), (4, proto.t != nil), (5, proto.g != nil),
      (6, proto.n_floats > 0),
      (7, proto.n_ints > 0), (8, proto.n_strings > 0), (9, proto.n_tensors > 0), (10, proto.n_graphs > 0), (11, proto.sparse_tensor != nil),
      (12, proto.n_sparse_tensors > 0), (13, proto.tp != nil), (14, proto.n_type_protos > 0),
    ]
    let kind = Int(proto.type.rawValue)
    guard proto.has_type != 0, (1...14).contains(kind) else { throw Diagnostic(.badInput, "attribute '\(name)' has no type") }
    if let wrong = set.first(where: { $0.isSet && $0.kind != kind }) {
      throw Diagnostic(.badInput, "attribute '\(name)' says type \(kind) but holds a value of type \(wrong.kind)")
    }
    switch AttributeKind(rawValue: kind) {
    case .float: return .float(proto.f)
    case .int: return .int(Int(proto.i))
    case .string:
      guard let value = text(proto.s) else { throw Diagnostic(.badInput, "attribute '\(name)' is not UTF-8") }
      return .string(value)
    case .tensor:
      let (tensor, element) = try tensors.read(UnsafePointer(proto.t))
      guard element.isWhole else { throw Diagnostic(.unsupported, "attribute '\(name)' of type '\(element)' is not supported") }
      return .tensor(tensor)
    case .graph:
      guard let graph = proto.g else { throw Diagnostic(.badInput, "attribute '\(name)' holds no graph") }
      return .graph(UnsafePointer(graph))
    case .floats: return .floats(Array(list(proto.floats, proto.n_floats)))
    case .ints: return .ints(list(proto.ints, proto.n_ints).map { Int($0) })
    case .strings:
      let values = UnsafeBufferPointer(start: proto.strings, count: proto.n_strings).map { text($0) }
      let known = values.compactMap { $0 }
      guard known.count == values.count else { throw Diagnostic(.badInput, "attribute '\(name)' is not UTF-8") }
      return .strings(known)
    case nil: return .other(kind)
    }
  }

  /// Adds a value where none is given.
  mutating func fill(from defaults: NodeAttributes) { values.merge(defaults.values) { given, _ in given } }

  func int(_ name: String, default fallback: Int) -> Int {
    if case .int(let value) = values[name] { value } else { fallback }
  }

  func flag(_ name: String, default fallback: Bool) throws -> Bool {
    let value = int(name, default: fallback ? 1 : 0)
    guard value == 0 || value == 1 else { throw Diagnostic(.badInput, "attribute '\(name)' is \(value), not 0 or 1") }
    return value == 1
  }

  func float(_ name: String, default fallback: Float) -> Float {
    if case .float(let value) = values[name] { value } else { fallback }
  }

  func string(_ name: String, default fallback: String) -> String {
    if case .string(let value) = values[name] { value } else { fallback }
  }

  func ints(_ name: String) -> [Int]? {
    if case .ints(let value) = values[name] { value } else { nil }
  }

  func floats(_ name: String) -> [Float]? {
    if case .floats(let value) = values[name] { value } else { nil }
  }

  func strings(_ name: String) -> [String]? {
    if case .strings(let value) = values[name] { value } else { nil }
  }

  func tensor(_ name: String) -> Tensor? {
    if case .tensor(let value) = values[name] { value } else { nil }
  }

  /// Numbers that are extents, strides, dilations or pads.
  func extents(_ name: String) throws -> [Int]? {
    guard let values = ints(name) else { return nil }
    if let bad = values.first(where: { $0.magnitude >= NodeAttributes.extentLimit }) {
      throw Diagnostic(.badInput, "attribute '\(name)' holds \(bad), which no window has")
    }
    return values
  }

  /// A value that must be there.
  func required<Value>(_ name: String, _ value: Value?) throws -> Value {
    guard let value else { throw Diagnostic(.badInput, "attribute '\(name)' is missing") }
    return value
  }
}
