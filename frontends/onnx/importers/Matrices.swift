import GraphIR

extension OperatorTable {
  /// What is left: norms, determinants, identity matrices, crops.
  static let matrices: [OperatorEntry] = [
    OperatorEntry("LpNormalization", .since(1), inputs: 1...1, ["axis": .int, "p": .int]) { node, builder in
      let x = try node[0]
      let axis = try normalizedAxis(node.attributes.int("axis", default: -1), rank: builder.rank(x))
      let norm: ValueID
      switch node.attributes.int("p", default: 2) {
      case 1: norm = try builder.reduce(builder.unary(.abs, x), .sum, [axis], keepAxes: true)
      case 2: norm = try builder.unary(.sqrt, builder.reduce(builder.binary(.mul, x, x), .sum, [axis], keepAxes: true))
      case let p: throw Diagnostic(.badInput, "attribute 'p' is \(p), not 1 or 2")
      }
      // Of zeros, zeros are left.
      let isZero = try builder.binary(.equal, norm, 0)
      return [try builder.select(isZero, builder.scalar(0, like: x), builder.binary(.div, x, norm))]
    },
    OperatorEntry("LpPool", 1...1, inputs: 1...1, lpPool.merging(["p": .float]) { $1 }) { node, builder in
      try lpPooled(node, Double(node.attributes.float("p", default: 2)), &builder)
    },
    OperatorEntry("LpPool", 2...17, inputs: 1...1, lpPool.merging(["p": .int]) { $1 }) { node, builder in
      try lpPooled(node, Double(node.attributes.int("p", default: 2)), &builder)
    },
    OperatorEntry("LpPool", .since(18), inputs: 1...1, lpPool.merging(["p": .int, "ceil_mode": .int, "dilations": .ints]) { $1 }) {
      node, builder in try lpPooled(node, Double(node.attributes.int("p", default: 2)), &builder)
    },
    OperatorEntry("GlobalLpPool", .since(2), inputs: 1...1, ["p": .int]) { node, builder in
      let x = try node[0]
      let p = Double(node.attributes.int("p", default: 2))
      guard builder.rank(x) >= 3, p > 0 else { throw Diagnostic(.badInput, "a norm of \(p) over \(builder.shape(x))") }
      let powers = try builder.binary(.pow, builder.unary(.abs, x), p)
      return [try builder.binary(.pow, builder.reduce(powers, .sum, Array(2..<builder.rank(x)), keepAxes: true), 1 / p)]
    },
    OperatorEntry("Det", .since(11), inputs: 1...1, importDeterminant),
    OperatorEntry("EyeLike", .since(9), inputs: 1...1, ["dtype": .int, "k": .int]) { node, builder in
      let x = try node[0]
      let shape = builder.shape(x)
      let said = node.attributes.int("dtype", default: 0)
      let type = said == 0 ? builder.element(x) : try OnnxElement.named(Int32(clamping: said)).requireDataType()
      guard shape.rank == 2, let count = shape.elementCount, count <= placeTableLimit else {
        throw Diagnostic(.unsupported, "an identity matrix of \(shape)")
      }
      let diagonal = min(max(node.attributes.int("k", default: 0), -count - 1), count + 1)
      let ones = (0..<count).map { $0 % shape[1] - $0 / shape[1] == diagonal ? 1 : 0 }
      return [try builder.cast(builder.constant(.integers(.bool, shape, ones)), to: type)]
    },
    OperatorEntry("CenterCropPad", .since(18), inputs: 2...2, ["axes": .ints]) { node, builder in
      var x = try node[0]
      let wanted = try builder.integers(node[1], "the shape")
      let axes = try normalizedAxes(node.attributes.ints("axes") ?? Array(0..<builder.rank(x)), rank: builder.rank(x))
      guard wanted.count == axes.count, wanted.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
        throw Diagnostic(.badInput, "a shape of \(wanted) for \(axes.count) axes")
      }
      for (axis, extent) in zip(axes, wanted) where builder.shape(x)[axis] != extent {
        let old = builder.shape(x)[axis]
        guard old != Shape.free else { throw Diagnostic.freeBatch("it crops the free batch") }
        let before = (max(extent, old) - min(extent, old)) / 2
        if extent < old {
          x = try builder.slice(x, axis: axis, from: before, count: extent)
        } else {
          x = try builder.padded(x, axis: axis, before: before, after: extent - old - before)
        }
      }
      return [x]
    },
  ]

  private static let lpPool: [String: AttributeKind] = ["auto_pad": .string, "kernel_shape": .ints, "pads": .ints, "strides": .ints]

  /// `(Σ |x|^p)^(1/p)` over windows: the sum is a convolution of each plane with ones.
  private static func lpPooled(_ node: ImportedNode, _ p: Double, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    let kernel = try node.attributes.required("kernel_shape", try node.attributes.extents("kernel_shape"))
    guard p > 0, builder.element(x).isFloat, shape.count == kernel.count + 2, let size = Shape.product(kernel), size <= 1 << 16 else {
      throw Diagnostic(.badInput, "a norm of \(p) over windows \(kernel) of \(builder.type(x))")
    }
    var window = try node.window(over: Shape(shape), kernel: kernel)
    let outputs = try kernel.indices.map { axis in
      try window.outputExtent(
        axis, input: shape[axis + 2], kernel: kernel[axis], roundUp: try node.attributes.flag("ceil_mode", default: false))
    }
    // Windows that reach beyond the padding see more of it.
    window.pads =
      kernel.indices.map { window.padBefore($0) }
      + kernel.indices.map { axis in
        let reach = (outputs[axis] - 1) * window.stride(axis) + (kernel[axis] - 1) * window.dilation(axis) + 1
        return max(window.padAfter(axis), reach - shape[axis + 2] - window.padBefore(axis))
      }
    let powers = try builder.binary(.pow, builder.unary(.abs, builder.cast(x, to: .float64)), p)
    let ones = builder.constant(Tensor(.float64, Shape([shape[1], 1] + kernel), [Double](repeating: 1, count: shape[1] * size)))
    let sums = try builder.emit(.conv(Conv(window: window, groups: shape[1])), powers, ones)
    return [try builder.cast(builder.binary(.pow, sums, 1 / p), to: builder.element(x))]
  }

  /// Laplace's expansion, row by row, over sets of columns.
  private static func importDeterminant(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    guard shape.count >= 2, let size = shape.last, size == shape[shape.count - 2], builder.element(x).isFloat else {
      throw Diagnostic(.badInput, "it takes square matrices, not \(builder.type(x))")
    }
    guard (1...6).contains(size) else { throw Diagnostic(.unsupported, "a matrix of \(size) rows; up to 6 are supported") }
    let wide = try builder.cast(x, to: .float64)
    let rank = shape.count
    // The minors of the rows so far, by the set of their columns.
    var minors: [Int: ValueID] = [:]
    for row in 0..<size {
      let line = try builder.pick(wide, axis: rank - 2, row)
      var next: [Int: ValueID] = [:]
      for columns in 1..<1 << size where columns.nonzeroBitCount == row + 1 {
        var sum: ValueID?
        for column in 0..<size where columns >> column & 1 == 1 {
          let entry = try builder.pick(line, axis: rank - 2, column)
          let term = try minors[columns & ~(1 << column)].map { try builder.binary(.mul, $0, entry) } ?? entry
          let isNegative = (columns >> (column + 1)).nonzeroBitCount % 2 == 1
          let signed = try isNegative ? builder.unary(.neg, term) : term
          sum = try sum.map { try builder.binary(.add, $0, signed) } ?? signed
        }
        next[columns] = sum
      }
      minors = next
    }
    guard let result = minors[(1 << size) - 1] else { preconditionFailure("a matrix has rows") }
    return [try builder.cast(result, to: builder.element(x))]
  }
}
