import Driver
import GraphIR
import PluginAPI

/// Finds a tensor for every input of a graph among files given in order or by name.
struct InputReader {
  private let registry: Registry
  private let graph: Graph

  init(_ registry: Registry, _ graph: Graph) {
    self.registry = registry
    self.graph = graph
  }

  /// One tensor for each graph input, of its type; throws one diagnostic for each that is missing or does not fit.
  func read(_ given: [String]) throws -> [Tensor] {
    let names = graph.inputs.map { graph[$0].name }
    var found: [String: (tensor: Tensor, file: String)] = [:]
    var unnamed: [(tensor: Tensor, file: String)] = []
    for text in given {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2, names.contains(parts[0]) {
        guard let tensor = try registry.readTensors(parts[1]).first?.tensor else {
          throw Diagnostic(.badInput, "holds no tensor", file: parts[1])
        }
        found[parts[0]] = (tensor, parts[1])
        continue
      }
      if parts.count == 2, !Files.exists(text) {
        throw Diagnostic(.usage, "the model has no input '\(parts[0])'", hint: "it has \(names.joined(separator: ", "))")
      }
      for (name, tensor) in try registry.readTensors(text) {
        if names.contains(name) && Files.fileExtension(text) == "npz" {
          found[name] = (tensor, text)
        } else {
          unnamed.append((tensor, text))
        }
      }
    }
    var waiting = unnamed[...]
    for name in names where found[name] == nil { if let next = waiting.popFirst() { found[name] = next } }
    if let extra = waiting.first {
      throw Diagnostic(
        .usage, "is one input too many", file: extra.file, hint: "the model has \(names.count): \(names.joined(separator: ", "))")
    }
    var faults: [Diagnostic] = []
    var tensors: [Tensor] = []
    for id in graph.inputs {
      let (name, type) = (graph[id].name, graph.type(of: id))
      guard let (tensor, file) = found[name] else {
        faults.append(Diagnostic(.usage, "input '\(name)' : \(type) is missing", hint: "give --input FILE or --input \(name)=FILE"))
        continue
      }
      guard let fitting = Self.fit(tensor, to: type) else {
        faults.append(Diagnostic(.badInput, "is \(tensor.type), input '\(name)' takes \(type)", file: file))
        continue
      }
      tensors.append(fitting)
    }
    try Diagnostics.throwIfAny(faults)
    let batches = Set(zip(graph.inputs, tensors).filter { graph.type(of: $0.0).shape.hasFreeBatch }.map { $0.1.shape[0] })
    if batches.count > 1 { throw Diagnostic(.badInput, "inputs have batches of \(batches.sorted())", hint: "they must agree") }
    return tensors
  }

  /// The tensor as an input of `type`, or nil. Types that NumPy lacks come as bit patterns of the same width.
  private static func fit(_ tensor: Tensor, to type: TensorType) -> Tensor? {
    let wanted = type.shape.bound(batch: tensor.shape.dimensions.first ?? 0)
    guard tensor.shape == wanted, !(type.shape.hasFreeBatch && tensor.shape.rank == 0) else { return nil }
    if tensor.element == type.element { return tensor }
    switch (tensor.element, type.element) {
    case (.uint16, .bfloat16):
      return Tensor(type.element, tensor.shape) { out in tensor.withBytes { out.copyMemory(from: $0) } }
    case (.int8, .bit):
      let isBit = tensor.withElements(Int8.self) { $0.allSatisfy { $0 == 1 || $0 == -1 } }
      return isBit ? Tensor(.bit, tensor.shape, tensor.elements(Int8.self)) : nil
    default: return nil
    }
  }
}
