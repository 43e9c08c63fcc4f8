import GraphIR

/// Tensors that a model is to be run on, in the order of its inputs or by name.
public struct GivenInputs: Sendable {
  /// One tensor, and where it came from, for messages.
  public struct Item: Sendable {
    /// The tensor.
    public var tensor: Tensor
    /// The file it was read from.
    public var file: String

    /// Creates one from its parts.
    public init(tensor: Tensor, file: String) {
      self.tensor = tensor
      self.file = file
    }
  }

  /// Those given by name.
  public var named: [String: Item] = [:]
  /// Those given in order; each that bears the name of an input counts as named.
  public var inOrder: [(name: String, item: Item)] = []

  /// None.
  public init() {}

  /// Which tensor is for which of the inputs `names`, and those that are for none.
  public func assigned(to names: [String]) -> (inputs: [String: Item], rest: [Item]) {
    var found = named.filter { names.contains($0.key) }
    var unnamed: [Item] = []
    for (name, item) in inOrder {
      if !name.isEmpty, names.contains(name) { found[name] = item } else { unnamed.append(item) }
    }
    var waiting = unnamed[...]
    for name in names where found[name] == nil { if let next = waiting.popFirst() { found[name] = next } }
    return (found, Array(waiting))
  }
}

extension Tensor {
  /// The tensor as an input of `type`, whose batch may be free; nil when it is none. What NumPy lacks comes as bits of the same width,
  /// and a list of one number is taken for that number.
  public func fitting(_ type: TensorType) -> Tensor? {
    if type.shape.rank == 0 && shape == [1] { return reshaped([]).fitting(type) }
    let wanted = type.shape.bound(batch: shape.dimensions.first ?? 0)
    guard shape == wanted, !(type.shape.hasFreeBatch && shape.rank == 0) else { return nil }
    if element == type.element { return self }
    let isBits =
      switch (element, type.element) {
      case (.uint16, .bfloat16): true
      case (.int8, .bit): elements(Int8.self).allSatisfy { $0 == 1 || $0 == -1 }
      case (.uint8, let small): SmallFloat(small) != nil
      default: false
      }
    guard isBits else { return nil }
    return Tensor(type.element, shape) { out in withBytes { out.copyMemory(from: $0) } }
  }
}
