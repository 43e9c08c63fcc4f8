import GraphIR
import OnnxFrontend
import PluginAPI

/// One extent of an input as a model file may say it.
enum Extent {
  case fixed(Int)
  case named(String)
  case unsaid
}

/// An attribute of a sketched node.
enum SketchedAttribute {
  case int(Int)
  case float(Float)
  case string(String)
  case ints([Int])
  case tensor(Tensor)
  /// The call's attribute of that name, in a function's body.
  case reference(String, type: Int)
}

/// A node of a sketched model.
struct SketchedNode {
  var op: String
  var inputs: [String]
  var outputs: [String]
  var name = ""
  var domain = ""
  var attributes: [(String, SketchedAttribute)] = []

  init(
    _ op: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    _ attributes: [(String, SketchedAttribute)] = []
  ) {
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    self.name = name
    self.domain = domain
    self.attributes = attributes
  }

  func write(_ writer: inout WireWriter) {
    for input in inputs { writer.string(Field.Node.input, input) }
    for output in outputs { writer.string(Field.Node.output, output) }
    if !name.isEmpty { writer.string(Field.Node.name, name) }
    writer.string(Field.Node.opType, op)
    if !domain.isEmpty { writer.string(Field.Node.domain, domain) }
    for (name, value) in attributes {
      writer.message(Field.Node.attribute) { attribute in
        attribute.string(Field.Attribute.name, name)
        value.write(&attribute)
      }
    }
  }
}

extension SketchedAttribute {
  fileprivate func write(_ writer: inout WireWriter) {
    switch self {
    case .float(let value):
      writer.float(Field.Attribute.f, value)
      writer.int(Field.Attribute.type, 1)
    case .int(let value):
      writer.int(Field.Attribute.i, value)
      writer.int(Field.Attribute.type, 2)
    case .string(let value):
      writer.string(Field.Attribute.s, value)
      writer.int(Field.Attribute.type, 3)
    case .tensor(let value):
      writer.data(Field.Attribute.t, tensorBytes(value, name: ""))
      writer.int(Field.Attribute.type, 4)
    case .ints(let values):
      for value in values { writer.int(Field.Attribute.ints, value) }
      writer.int(Field.Attribute.type, 7)
    case .reference(let name, let type):
      writer.string(Field.Attribute.refAttrName, name)
      writer.int(Field.Attribute.type, type)
    }
  }
}

/// A model to be written as bytes.
struct ModelSketch {
  var opsets: [(domain: String, version: Int)] = [("", 17)]
  var irVersion = 8
  var inputs: [(name: String, extents: [Extent])] = []
  var initializers: [(name: String, tensor: Tensor)] = []
  var nodes: [SketchedNode] = []
  var outputs: [String] = ["y"]
  /// Nodes and initializers that a sketch cannot say, as finished messages.
  var rawNodes: [[UInt8]] = []
  var rawInitializers: [[UInt8]] = []
  /// Model-local functions, as finished messages.
  var functions: [[UInt8]] = []

  init(_ nodes: [SketchedNode], inputs: [(String, [Extent])], initializers: [(String, Tensor)] = [], opset: Int = 17) {
    self.nodes = nodes
    self.inputs = inputs.map { ($0.0, $0.1) }
    self.initializers = initializers.map { ($0.0, $0.1) }
    opsets = [("", opset)]
  }

  var bytes: [UInt8] {
    proto { model in
      model.int(Field.Model.irVersion, irVersion)
      for opset in opsets {
        model.message(Field.Model.opsetImport) {
          if !opset.domain.isEmpty { $0.string(1, opset.domain) }
          $0.int(2, opset.version)
        }
      }
      model.message(Field.Model.graph) { graph in
        graph.string(Field.Graph.name, "sketch")
        for node in nodes { graph.message(Field.Graph.node, node.write) }
        for node in rawNodes { graph.data(Field.Graph.node, node) }
        for tensor in rawInitializers { graph.data(Field.Graph.initializer, tensor) }
        for (name, tensor) in initializers { graph.data(Field.Graph.initializer, tensorBytes(tensor, name: name)) }
        for (name, extents) in inputs { graph.message(Field.Graph.input) { writeInput(&$0, name, extents) } }
        for output in outputs { graph.message(Field.Graph.output) { $0.string(1, output) } }
      }
      for function in functions { model.data(Field.Model.functions, function) }
    }
  }

  /// A function's message.
  static func function(
    _ name: String, domain: String, inputs: [String], outputs: [String], attributes: [String] = [], _ nodes: [SketchedNode]
  ) -> [UInt8] {
    proto { function in
      function.string(1, name)
      for input in inputs { function.string(4, input) }
      for output in outputs { function.string(5, output) }
      for attribute in attributes { function.string(6, attribute) }
      for node in nodes { function.message(7, node.write) }
      for imported in ["", domain] {
        function.message(9) {
          $0.string(1, imported)
          $0.int(2, imported.isEmpty ? 17 : 1)
        }
      }
      function.string(10, domain)
    }
  }

  /// The imported model.
  func imported(batch: Int? = nil, dimensions: [String: Int] = [:]) throws -> ImportedModel {
    try OnnxFrontend().importModel(bytes: bytes, ImportRequest(path: "sketch", dimensions: dimensions, batch: batch))
  }

  func graph() throws -> Graph { try imported().graph }
}

/// An f32 input.
private func writeInput(_ writer: inout WireWriter, _ name: String, _ extents: [Extent]) {
  writer.string(1, name)
  writer.message(2) { type in
    type.message(1) { tensor in
      tensor.int(1, 1)
      tensor.message(2) { shape in
        for extent in extents {
          shape.message(1) { dimension in
            switch extent {
            case .fixed(let value): dimension.int(1, value)
            case .named(let name): dimension.string(2, name)
            case .unsaid: break
            }
          }
        }
      }
    }
  }
}

private func tensorBytes(_ tensor: Tensor, name: String) -> [UInt8] {
  // The format writes every tensor there is.
  (try? OnnxTensorFormat().bytes(of: tensor, name: name)) ?? []
}
