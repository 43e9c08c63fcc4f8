import GraphIR

extension OperatorTable {
  private static let gemm: [String: AttributeKind] = ["alpha": .float, "beta": .float, "transA": .int, "transB": .int]

  /// Matrix products.
  static let products: [OperatorEntry] = [
    OperatorEntry("Gemm", 6...6, inputs: 3...3, gemm.merging(["broadcast": .int]) { $1 }, importGemm),
    OperatorEntry("Gemm", 7...10, inputs: 3...3, gemm, importGemm),
    OperatorEntry("Gemm", .since(11), inputs: 2...3, gemm, importGemm),
    OperatorEntry("MatMul", .since(1), inputs: 2...2) { node, builder in [try builder.matmul(node[0], node[1])] },
  ]

  /// `alpha · A' · B' + beta · C`: a dense layer when B is a constant, with C for its bias when it is one number for each output.
  private static func importGemm(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    var (a, b) = (try node[0], try node[1])
    guard builder.rank(a) == 2, builder.rank(b) == 2 else {
      throw Diagnostic(.badInput, "it takes matrices, not \(builder.shape(a)) and \(builder.shape(b))")
    }
    let alpha = Double(node.attributes.float("alpha", default: 1))
    let beta = Double(node.attributes.float("beta", default: 1))
    if try node.attributes.flag("transA", default: false) { a = try builder.transposed(a) }
    let isTransposed = try node.attributes.flag("transB", default: false)
    let isDense = builder.isConstant(b) && builder.element(a).isFloat
    if isTransposed != isDense { b = try builder.transposed(b) }
    let outputs = builder.shape(b)[isDense ? 0 : 1]
    if isDense && alpha == 1 && beta == 1, let c = node.optional(2), let bias = try builder.bias(c, outputs: outputs, like: a) {
      return [try builder.emit(.dense(Dense()), a, b, bias)]
    }
    var result = try builder.emit(isDense ? .dense(Dense()) : .matmul, a, b)
    if alpha != 1 { result = try builder.emit(.binary(.mul), result, builder.scalar(alpha, like: result)) }
    guard let c = node.optional(2), beta != 0 else { return [result] }
    let addend = beta == 1 ? c : try builder.emit(.binary(.mul), c, builder.scalar(beta, like: c))
    let sum = try builder.emit(.binary(.add), result, addend)
    guard builder.shape(sum) == builder.shape(result) else {
      throw Diagnostic(.badInput, "C of shape \(builder.shape(c)) does not broadcast to \(builder.shape(result))")
    }
    return [sum]
  }
}

extension GraphBuilder {
  /// A constant C as the bias of a dense layer; nil when it is not one number for each output, or not constant.
  fileprivate mutating func bias(_ c: ValueID, outputs: Int, like a: ValueID) throws -> ValueID? {
    guard isConstant(c), element(c) == element(a) else { return nil }
    if shape(c) == [outputs] { return c }
    guard shape(c).dimensions.allSatisfy({ $0 == 1 }) || shape(c) == [1, outputs] else { return nil }
    if shape(c).elementCount == outputs { return try reshape(c, [outputs]) }
    return try emit(.expand(Reshape(shape: [outputs])), try reshape(c, [1]))
  }

  /// A matrix, transposed; a constant one at once.
  mutating func transposed(_ id: ValueID) throws -> ValueID {
    guard !shape(id).hasFreeBatch else { throw Diagnostic.freeBatch("a transposed batch") }
    return try emit(.transpose(Transpose(order: [1, 0])), id)
  }

  /// The NumPy product: a vector counts as a row on the left, as a column on the right, and its axis is dropped again.
  mutating func matmul(_ a: ValueID, _ b: ValueID) throws -> ValueID {
    guard rank(a) > 0, rank(b) > 0 else {
      throw Diagnostic(.badInput, "a product takes vectors or matrices, not \(shape(a)) and \(shape(b))")
    }
    let left = rank(a) == 1 ? try reshape(a, [1] + shape(a).dimensions) : a
    let right = rank(b) == 1 ? try reshape(b, shape(b).dimensions + [1]) : b
    let product = try emit(.matmul, left, right)
    var dimensions = shape(product).dimensions
    if rank(b) == 1 { dimensions.removeLast() }
    if rank(a) == 1 { dimensions.remove(at: dimensions.count - (rank(b) == 1 ? 1 : 2)) }
    return try reshape(product, dimensions)
  }
}
