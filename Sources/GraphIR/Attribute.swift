/// The value of an attribute, as the text form says it.
public enum AttributeValue: Hashable, Sendable {
  case int(Int)
  case float(Float)
  case bool(Bool)
  case word(String)
  case string(String)
  case ints([Int])
  /// A word with numbers, such as `adc(7, 50.0)`.
  case call(String, [AttributeValue])
}

/// A Swift type that an attribute may have.
public protocol AttributeConvertible: Hashable, Sendable {
  var attributeValue: AttributeValue { get }
  init?(attributeValue: AttributeValue)
}

/// The attributes of one op family: a plain struct whose `fields` is the one list that printer, parser and C interface read.
public protocol Attributes: Hashable, Sendable {
  init()
  static var fields: [AttributeField<Self>] { get }
}

/// One attribute of `Root`: its name in the text form, and how to get and set it.
public struct AttributeField<Root: Attributes>: Sendable {
  /// The name on the command line.
  public let name: String
  /// Reads the field.
  public let get: @Sendable (Root) -> AttributeValue
  /// Sets the field; false when the value is not of the field's type.
  public let set: @Sendable (inout Root, AttributeValue) -> Bool

  /// Creates one from its parts.
  public init<Value: AttributeConvertible>(_ name: String, _ path: WritableKeyPath<Root, Value> & Sendable) {
    self.name = name
    get = { $0[keyPath: path].attributeValue }
    set = { root, value in
      guard let converted = Value(attributeValue: value) else { return false }
      root[keyPath: path] = converted
      return true
    }
  }
}

extension Attributes {
  /// The fields that differ from the default, in list order.
  public var nonDefault: [(name: String, value: AttributeValue)] {
    let base = Self()
    return Self.fields.compactMap { field in
      let value = field.get(self)
      // As text, so that -0.0 is not taken for 0.0.
      return Printer.text(value) == Printer.text(field.get(base)) ? nil : (field.name, value)
    }
  }

  /// Attributes from names and values; throws for an unknown name or a value of the wrong type.
  public init(_ values: [(name: String, value: AttributeValue)]) throws {
    self.init()
    for (name, value) in values {
      guard let field = Self.fields.first(where: { $0.name == name }) else {
        let known = Self.fields.map(\.name).joined(separator: ", ")
        throw Diagnostic(.badInput, "unknown attribute '\(name)'", hint: known.isEmpty ? "this op has none" : "known: \(known)")
      }
      guard field.set(&self, value) else { throw Diagnostic(.badInput, "attribute '\(name)' cannot be \(value)") }
    }
  }
}

extension Int: AttributeConvertible {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .int(self) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    guard case .int(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Float: AttributeConvertible {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .float(self) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    switch attributeValue {
    case .float(let value): self = value
    case .int(let value): self = Float(value)
    default: return nil
    }
  }
}

extension Bool: AttributeConvertible {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .bool(self) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    guard case .bool(let value) = attributeValue else { return nil }
    self = value
  }
}

extension String: AttributeConvertible {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .string(self) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    guard case .string(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Array: AttributeConvertible where Element == Int {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .ints(self) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    guard case .ints(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Shape: AttributeConvertible {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .ints(dimensions) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    guard case .ints(let value) = attributeValue else { return nil }
    self.init(value)
  }
}

extension AttributeConvertible where Self: RawRepresentable, RawValue == String {
  /// As the text form says it.
  public var attributeValue: AttributeValue { .word(rawValue) }
  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    guard case .word(let word) = attributeValue, let value = Self(rawValue: word) else { return nil }
    self = value
  }
}

extension DataType: AttributeConvertible {}
