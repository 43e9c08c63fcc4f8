import GraphIR

extension OperatorTable {
  /// Operators that opset 6 only took the attribute `consumed_inputs` from: a hint to an allocator, which changes no result.
  private static let hinted: Set<String> = [
    "Abs", "Neg", "Ceil", "Floor", "Reciprocal", "Sqrt", "Exp", "Log", "Tanh", "Sigmoid", "Relu", "Add", "Sub", "Mul", "Div", "Max", "Min",
    "Sum", "Mean", "Clip", "LeakyRelu", "Elu", "PRelu", "HardSigmoid", "Dropout", "BatchNormalization", "InstanceNormalization", "Gemm",
  ]

  /// Versions that only very old models have.
  static let olderVersions: [OperatorEntry] =
    (elementwise + activations + constants + normalization + products)
    .filter { hinted.contains($0.name) && $0.versions.lowerBound == 6 }
    .map { row in
      OperatorEntry(
        row.name, 1...5, inputs: row.inputs, outputs: row.outputs, row.attributes.merging(["consumed_inputs": .ints]) { $1 }, row.importer)
    }
    + [
      aligned("And", .and), aligned("Or", .or), aligned("Xor", .xor), aligned("Equal", .equal), aligned("Less", .less),
      aligned("Greater", .greater), aligned("Pow", .pow),
      OperatorEntry("Concat", 1...3, inputs: 1...OperatorEntry.many, ["axis": .int]) { node, builder in
        let parts = try node.all
        let axis = try normalizedAxis(node.attributes.int("axis", default: 1), rank: builder.rank(parts[0]))
        return [try builder.concat(parts, axis: axis)]
      },
      OperatorEntry("Reshape", 1...4, inputs: 1...1, ["consumed_inputs": .ints, "shape": .ints]) { node, builder in
        let shape = try node.attributes.required("shape", node.attributes.ints("shape"))
        let given = ImportedNode(source: node.source, operands: [try node[0], builder.list([shape.count], shape)])
        return try importReshape(given, &builder)
      },
    ]

  /// A binary operator whose right operand is lined up by `axis`, before opset 7.
  private static func aligned(_ name: String, _ kind: BinaryKind) -> OperatorEntry {
    OperatorEntry(name, 1...6, inputs: 2...2, ["axis": .int, "broadcast": .int]) { node, builder in
      [try builder.binary(kind, node[0], try alignedByAxis(node, &builder))]
    }
  }
}
