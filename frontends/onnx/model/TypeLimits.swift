import GraphIR

/// Bounds on types that a file announces, so that no sum or product of two extents overflows later.
enum TypeLimits {
  static let rank = 64
  static let extent = Int(Int32.max)

  /// Throws when an op makes a shape of more axes than can be handled, before the shape is looked at.
  static func check(_ op: Op) throws {
    switch op {
    case .reshape(let a) where a.shape.rank > rank, .expand(let a) where a.shape.rank > rank:
      throw Diagnostic(.badInput, "a shape of rank \(a.shape.rank); \(rank) is the highest")
    default: break
    }
  }

  /// Throws when a value of this type cannot be handled, or takes more than `memory` bytes, for each sample where the batch is free.
  static func check(_ type: TensorType, memory: Int = 1 << 46) throws {
    guard type.shape.rank <= rank else { throw Diagnostic(.badInput, "a value of rank \(type.shape.rank); \(rank) is the highest") }
    if let bad = type.shape.dimensions.first(where: { $0 > extent }) {
      throw Diagnostic(.badInput, "a value with an extent of \(bad); \(extent) is the largest")
    }
    guard let count = type.shape.elementCountPerSample else {
      throw Diagnostic(.badInput, "a value of type \(type) takes more than any memory holds")
    }
    guard count <= memory / type.element.storageBytes else {
      throw Diagnostic(
        .badInput, "a value of type \(type) takes more than the memory limit of \(memory) bytes", hint: "raise --max-memory")
    }
  }
}
