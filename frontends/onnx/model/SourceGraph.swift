import COnnxSchema
import GraphIR

/// A model's graph as the file says it: nodes in running order, function calls replaced by their bodies.
struct SourceGraph {
  let name: String
  let nodes: [SourceNode]
  let inputs: [UnsafePointer<Onnx__ValueInfoProto>]
  let outputs: [String]
  let initializers: [String: (tensor: Tensor, element: OnnxElement)]
  let notes: [String]

  /// Reads the graph; throws all structural faults together.
  init(_ model: Onnx__ModelProto, tensors: TensorReader) throws {
    guard let graph = model.graph?.pointee else { throw Diagnostic(.badInput, "the model has no graph", hint: "is this an ONNX model?") }
    guard model.ir_version >= 3 else {
      throw Diagnostic(.unsupported, "IR version \(model.ir_version) is not supported", hint: "3 is the oldest")
    }
    guard graph.n_sparse_initializer == 0 else { throw Diagnostic(.unsupported, "sparse initializers are not supported") }
    name = text(graph.name)
    var faults: [Diagnostic] = []

    var tensorsByName: [String: (tensor: Tensor, element: OnnxElement)] = [:]
    for proto in list(graph.initializer, graph.n_initializer) {
      if faults.count >= NodeReader.faultLimit { break }
      let name = text(proto.pointee.name)
      do {
        let isFresh = tensorsByName.updateValue(try tensors.read(proto), forKey: name) == nil
        if !isFresh || name.isEmpty { faults.append(Diagnostic(.badInput, "initializer '\(name)' is there twice or has no name")) }
      } catch let fault as Diagnostic {
        faults.append(fault)
      }
    }
    initializers = tensorsByName

    // Until IR version 3 every initializer is among the inputs too; later such an input may be overridden, which nobody does here.
    let allInputs = list(graph.input, graph.n_input)
    inputs = allInputs.filter { tensorsByName[text($0.pointee.name)] == nil }
    let overridable = model.ir_version >= 4 ? allInputs.count - inputs.count : 0
    outputs = list(graph.output, graph.n_output).map { text($0.pointee.name) }

    var reader = try NodeReader(model, tensors: tensors)
    let unsorted = reader.nodes(of: graph)
    // What a node that cannot be read would define is not missed as well.
    try Diagnostics.throwIfAny(faults + reader.faults)
    let order = NodeOrder(unsorted, given: inputs.map { text($0.pointee.name) } + tensorsByName.keys, wanted: outputs)
    try Diagnostics.throwIfAny(order.faults)
    nodes = order.live.map { unsorted[$0] }
    notes =
      (order.live.count < unsorted.count ? ["\(unsorted.count - order.live.count) nodes compute nothing that the model hands out"] : [])
      + (overridable > 0 ? ["\(overridable) inputs that have an initializer are taken as constants"] : [])
  }
}
