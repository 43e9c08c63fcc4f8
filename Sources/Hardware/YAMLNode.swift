import CYAML
import GraphIR

/// A node of a YAML file, and the line it stands on.
struct YAMLNode {
  enum Content {
    case scalar(String)
    case list([YAMLNode])
    case mapping([(key: YAMLNode, value: YAMLNode)])
  }

  let content: Content
  let line: Int

  /// The text of a scalar, as it is written.
  var scalar: String? { if case .scalar(let text) = content { text } else { nil } }
  /// The nodes of a list.
  var list: [YAMLNode]? { if case .list(let nodes) = content { nodes } else { nil } }
  /// The fields of a mapping, in the file's order.
  var mapping: [(key: YAMLNode, value: YAMLNode)]? { if case .mapping(let fields) = content { fields } else { nil } }

  /// Reads a text that holds one document, or none; `file` names it in faults.
  static func read(_ text: String, file: String) throws -> YAMLNode? {
    var text = text
    return try text.withUTF8 { try YAMLReader($0, file: file).document() }
  }
}

/// Reads nodes from libyaml's events.
///
/// A class because it owns libyaml's parser, which refers to the text.
private final class YAMLReader {
  /// Levels that a file may have; our sheets have five. libyaml's time grows with the square of them.
  private static let deepest = 100

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let file: String
  private var anchors: [String: YAMLNode] = [:]

  init(_ text: UnsafeBufferPointer<UInt8>, file: String) {
    self.file = file
    parser = .allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else { preconditionFailure("out of memory for a YAML parser") }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  /// The only document; nil where there is none.
  func document() throws -> YAMLNode? {
    var root: YAMLNode?
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      switch event.type {
      case YAML_STREAM_END_EVENT: return root
      case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
      case YAML_DOCUMENT_START_EVENT where root != nil: throw fault("is not YAML of one document: another begins here", line: line(event))
      case YAML_DOCUMENT_START_EVENT: root = try node(depth: 0)
      default: preconditionFailure("libyaml gives a node outside of a document")
      }
    }
  }

  private func next() throws -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
      // Of a character that YAML does not take, only the offset is known.
      let line = parser.pointee.error == YAML_READER_ERROR ? nil : Int(parser.pointee.problem_mark.line) + 1
      throw fault("is not YAML: \(problem)", line: line)
    }
    return event
  }

  /// The node that begins with the next event; nil where that ends a list or a mapping.
  private func node(depth: Int) throws -> YAMLNode? {
    var event = try next()
    defer { yaml_event_delete(&event) }
    let line = line(event)
    guard depth <= YAMLReader.deepest else { throw fault("is nested more than \(YAMLReader.deepest) levels deep", line: line) }
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      return named(scalar.anchor, YAMLNode(content: .scalar(text), line: line))
    case YAML_SEQUENCE_START_EVENT:
      var nodes: [YAMLNode] = []
      while let node = try node(depth: depth + 1) { nodes.append(node) }
      return named(event.data.sequence_start.anchor, YAMLNode(content: .list(nodes), line: line))
    case YAML_MAPPING_START_EVENT:
      return named(event.data.mapping_start.anchor, YAMLNode(content: .mapping(try fields(depth: depth + 1)), line: line))
    case YAML_ALIAS_EVENT:
      let name = String(cString: event.data.alias.anchor)
      guard let node = anchors[name] else { throw fault("is not YAML: nothing before is named '&\(name)'", line: line) }
      return node
    default: return nil
    }
  }

  private func fields(depth: Int) throws -> [(key: YAMLNode, value: YAMLNode)] {
    var fields: [(key: YAMLNode, value: YAMLNode)] = []
    var names = Set<String>()
    while let key = try node(depth: depth), let value = try node(depth: depth) {
      if let name = key.scalar, !names.insert(name).inserted {
        throw fault("says '\(name)' twice", line: key.line, hint: "each field stands once")
      }
      fields.append((key, value))
    }
    return fields
  }

  /// Keeps a node for aliases. One cannot hold itself: it is kept when it is whole.
  private func named(_ anchor: UnsafeMutablePointer<yaml_char_t>?, _ node: YAMLNode) -> YAMLNode {
    if let anchor { anchors[String(cString: anchor)] = node }
    return node
  }

  private func line(_ event: yaml_event_t) -> Int { Int(event.start_mark.line) + 1 }

  private func fault(_ message: String, line: Int?, hint: String? = nil) -> Diagnostic {
    Diagnostic(.badInput, message, file: file, place: line.map { "line \($0)" }, hint: hint)
  }
}
