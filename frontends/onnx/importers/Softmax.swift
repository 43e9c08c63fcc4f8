import GraphIR

extension OperatorTable {
  /// Softmax and its kin. Before opset 13 they work on all axes from `axis` on together, and `axis` is 1 when it is not given.
  static let softmax: [OperatorEntry] =
    both("Softmax") { x, axis, builder in try builder.emit(.softmax(AxisAttribute(axis: axis)), x) }
    + both("LogSoftmax") { x, axis, builder in try builder.logSoftmax(x, axis: axis) }
    + both("Hardmax") { x, axis, builder in
      let extent = builder.shape(x)[axis]
      let places = try builder.extremePlaces(x, .max, axis: axis, outside: extent)
      let first = try builder.reduce(places, .min, [axis], keepAxes: true)
      let ones = Array(repeating: 1, count: builder.rank(x) - axis - 1)
      let all = builder.constant(Tensor.integers(.int64, Shape([extent] + ones), Array(0..<extent)))
      return try builder.cast(try builder.emit(.binary(.equal), all, first), to: builder.element(x))
    }

  private static func both(
    _ name: String, _ build: @escaping @Sendable (ValueID, Int, inout GraphBuilder) throws -> ValueID
  ) -> [OperatorEntry] {
    [
      OperatorEntry(name, 1...12, inputs: 1...1, ["axis": .int]) { node, builder in
        let x = try node[0]
        let shape = builder.shape(x).dimensions
        let axis = try normalizedAxis(node.attributes.int("axis", default: 1), rank: shape.count)
        guard let joined = Shape.product(shape[axis...]) else {
          throw Diagnostic.freeBatch("it runs along the free batch")
        }
        let flat = try builder.reshape(x, Array(shape[..<axis]) + [joined])
        return [try builder.reshape(try build(flat, axis, &builder), shape)]
      },
      OperatorEntry(name, .since(13), inputs: 1...1, ["axis": .int]) { node, builder in
        let x = try node[0]
        let axis = try normalizedAxis(node.attributes.int("axis", default: -1), rank: builder.rank(x))
        guard builder.shape(x)[axis] != Shape.free else {
          throw Diagnostic.freeBatch("it runs along the free batch")
        }
        return [try build(x, axis, &builder)]
      },
    ]
  }
}
