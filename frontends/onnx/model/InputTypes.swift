import COnnxSchema
import GraphIR
import PluginAPI

/// Finds the types of a model's inputs: free dimensions are bound by name, and what stands first and is free is the batch.
struct InputTypes {
  private let request: ImportRequest
  private var seen: Set<String> = []
  /// The name of the dimension that is the free batch; nil while none has been met, empty when it has no name.
  private var batchName: String?

  init(_ request: ImportRequest) { self.request = request }

  /// The type of one input, and that of its elements as the file says it. Throws a diagnostic placed at it.
  ///
  /// What the input is `given` binds its free dimensions, but for the batch.
  mutating func type(of input: Onnx__ValueInfoProto, given: Shape? = nil) throws -> (type: TensorType, element: OnnxElement) {
    let place = "input '\(text(input.name))'"
    do {
      guard let type = input.type?.pointee else { throw Diagnostic(.badInput, "the type is missing") }
      guard type.value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE, let tensor = type.tensor_type?.pointee else {
        throw Diagnostic(.unsupported, "only tensors are supported, not sequences, maps or optional values")
      }
      let element = try OnnxElement.named(tensor.elem_type)
      guard let shape = tensor.shape?.pointee else { throw Diagnostic(.unsupported, "the shape is missing, not even its rank is known") }
      let dimensions = list(shape.dim, shape.n_dim).map(\.pointee)
      let extents = try dimensions.enumerated().map { axis, dimension in
        let extent = given.flatMap { $0.rank == dimensions.count ? $0[axis] : nil }
        return try self.extent(dimension, axis: axis, given: extent, isList: dimensions.count == 1)
      }
      return (TensorType(try element.requireDataType(), Shape(extents)), element)
    } catch let fault as Diagnostic {
      throw fault.at(place)
    }
  }

  private mutating func extent(_ dimension: Onnx__TensorShapeProto__Dimension, axis: Int, given: Int?, isList: Bool)
    throws -> Int
  {
    // A list of numbers has no batch.
    let bound = axis > 0 || isList ? given : nil
    switch dimension.value_case {
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE where dimension.dim_value > 0 || (axis > 0 && dimension.dim_value == 0):
      return try fixed(Int(dimension.dim_value), axis: axis)
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE where dimension.dim_value == 0 && given == 0: return 0
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE where axis > 0:
      throw Diagnostic(.badInput, "dimension \(axis) is \(dimension.dim_value)")
    case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM:
      return try symbolic(text(dimension.dim_param), axis: axis, given: bound)
    default:
      // Not said, or 0 or -1 in the place of the batch, which old exporters write for "any".
      return try symbolic("", axis: axis, given: bound)
    }
  }

  private func fixed(_ extent: Int, axis: Int) throws -> Int {
    guard axis == 0, let batch = request.batch, batch != extent else { return extent }
    throw Diagnostic(
      .usage, "the batch is fixed to \(extent) in the model, not \(batch)", hint: "leave --batch out, or export with a free batch")
  }

  private mutating func symbolic(_ name: String, axis: Int, given: Int?) throws -> Int {
    if !name.isEmpty {
      seen.insert(name)
      if let bound = request.dimensions[name] {
        guard bound > 0 else { throw Diagnostic(.usage, "--dim \(name)=\(bound) is not positive") }
        return bound
      }
    }
    if let given { return given }
    guard axis == 0 else {
      let hint = name.isEmpty ? "export the model with a fixed or named dimension" : "bind it with --dim \(name)=…"
      throw Diagnostic(.unsupported, "dimension \(axis) \(name.isEmpty ? "" : "'\(name)' ")is free; only the batch may be", hint: hint)
    }
    if let other = batchName, other != name, !other.isEmpty, !name.isEmpty {
      throw Diagnostic(.unsupported, "'\(name)' is free, and so is '\(other)' of another input", hint: "bind one of them: --dim \(name)=…")
    }
    if batchName ?? "" == "" { batchName = name }
    guard let batch = request.batch else { return Shape.free }
    guard batch > 0 else { throw Diagnostic(.usage, "--batch \(batch) is not positive") }
    return batch
  }

  /// Faults for dimensions that were bound and that no input has.
  var unusedBindings: [Diagnostic] {
    request.dimensions.keys.filter { !seen.contains($0) }.sorted().map { name in
      let known = seen.isEmpty ? "it has no named dimensions" : "it has \(seen.sorted().joined(separator: ", "))"
      return Diagnostic(.usage, "no input of the model has a dimension '\(name)'", hint: known)
    }
  }
}
