/// The text form of a graph. `Parser` reads it back: `print(parse(x)) == x`.
///
///     graph "net" {
///       %0 = input "image" : f32[?x4]
///       %1 = constant [1.0, -1.0, 1.0, 1.0] : f32[1x4] "w"
///       %2 = dense(%0, %1) {activation=relu} : f32[?x1] "y" @"Gemm_0"
///       output "y" = %2
///     }
///
/// A constant is printed whole when it is small, as `splat(x)` when all its elements are the same, and as `#digest` otherwise;
/// such constants travel beside the text, as `Printer.constants(of:)` hands them out.
public enum Printer {
  /// Constants of at most so many elements are printed whole.
  public static let inlineLimit = 16

  /// The text of a graph.
  public static func print(_ graph: Graph) -> String {
    var text = "graph \(quoted(graph.name)) {\n"
    for (index, value) in graph.values.enumerated() {
      switch value.definition {
      case .input: text += "  \(ValueID(index)) = input \(quoted(value.name)) : \(value.type)\n"
      case .constant(let tensor): text += "  \(ValueID(index)) = constant \(literal(tensor)) : \(value.type)\(suffix(value.name))\n"
      case .result(let node, 0): text += "  \(line(graph[node], in: graph))\n"
      case .result: break
      }
    }
    for output in graph.outputs { text += "  output \(quoted(output.name)) = \(output.value)\n" }
    return text + "}\n"
  }

  /// One node as a line, without indentation.
  public static func line(_ node: Node, in graph: Graph) -> String {
    let results = node.results.map(\.description).joined(separator: ", ")
    let operands = node.operands.map(\.description).joined(separator: ", ")
    let attributes = node.op.attributes.map { "\($0.name)=\(text($0.value))" }.joined(separator: ", ")
    let types = node.results.map { graph.type(of: $0).description }.joined(separator: ", ")
    let names = node.results.map { graph[$0].name }
    let nameText = names.allSatisfy(\.isEmpty) ? "" : " " + names.map(quoted).joined(separator: ", ")
    return "\(results) = \(node.op.name)(\(operands))\(attributes.isEmpty ? "" : " {\(attributes)}") : \(types)\(nameText)"
      + (node.origin.isEmpty ? "" : " @\(quoted(node.origin))")
  }

  /// The constants that the text names by digest.
  public static func constants(of graph: Graph) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for value in graph.values {
      if case .constant(let tensor) = value.definition, !isInline(tensor), splat(tensor) == nil { result[tensor.digest] = tensor }
    }
    return result
  }

  private static func suffix(_ name: String) -> String { name.isEmpty ? "" : " \(quoted(name))" }

  // MARK: Constants

  private static func literal(_ tensor: Tensor) -> String {
    if isInline(tensor) { return "[\((0..<tensor.count).map { number(tensor, at: $0) }.joined(separator: ", "))]" }
    if let element = splat(tensor) { return "splat(\(element))" }
    return "#\(tensor.digest)"
  }

  private static func isInline(_ tensor: Tensor) -> Bool { tensor.count <= inlineLimit && !holdsNaN(tensor) }

  /// The one element that fills the tensor, as text; nil when elements differ.
  private static func splat(_ tensor: Tensor) -> String? {
    guard tensor.count > 0 else { return nil }
    let isUniform = tensor.withBytes { bytes in
      bytes.count == tensor.element.storageBytes
        || UnsafeRawBufferPointer(rebasing: bytes.dropLast(tensor.element.storageBytes)).elementsEqual(
          bytes.dropFirst(tensor.element.storageBytes))
    }
    return isUniform && !tensor.double(at: 0).isNaN ? number(tensor, at: 0) : nil
  }

  /// NaNs have payloads that text would lose.
  private static func holdsNaN(_ tensor: Tensor) -> Bool {
    tensor.element.isFloat && (0..<tensor.count).contains { tensor.double(at: $0).isNaN }
  }

  private static func number(_ tensor: Tensor, at index: Int) -> String {
    switch tensor.element {
    case .float64: tensor.double(at: index).description
    case .float32, .float16, .bfloat16: Float(tensor.double(at: index)).description
    case .int64: tensor.withElements(Int64.self) { $0[index].description }
    case .uint64: tensor.withElements(UInt64.self) { $0[index].description }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      tensor.withElements(UInt8.self) { $0[index].description }
    case .int32, .int16, .int8, .uint32, .uint16, .uint8, .bool, .bit: Int(tensor.double(at: index)).description
    }
  }

  // MARK: Attributes and strings

  static func text(_ value: AttributeValue) -> String {
    switch value {
    case .int(let value): value.description
    case .float(let value): value.description
    case .bool(let value): value.description
    case .word(let value): value
    case .string(let value): quoted(value)
    case .ints(let values): "[\(values.map(\.description).joined(separator: ", "))]"
    case .call(let name, let values): "\(name)(\(values.map(text).joined(separator: ", ")))"
    }
  }

  /// A string in quotes; quotes, backslashes and control characters are escaped.
  static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case _ where scalar.value < 32 || scalar.value == 127: text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
