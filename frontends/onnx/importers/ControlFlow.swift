import GraphIR

extension OperatorTable {
  /// Operators with bodies, which `ModelImporter` imports: branches whose condition is known, and loops whose steps are.
  static let controlFlow: [OperatorEntry] = [
    OperatorEntry("If", .since(1), inputs: 1...1, outputs: 1...OperatorEntry.many, ["then_branch": .graph, "else_branch": .graph], inline),
    OperatorEntry(
      "Scan", .since(9), inputs: 1...OperatorEntry.many, outputs: 1...OperatorEntry.many,
      [
        "body": .graph, "num_scan_inputs": .int, "scan_input_axes": .ints, "scan_input_directions": .ints, "scan_output_axes": .ints,
        "scan_output_directions": .ints,
      ], inline),
    OperatorEntry("Loop", .since(1), inputs: 2...OperatorEntry.many, outputs: 1...OperatorEntry.many, ["body": .graph], inline),
  ]

  private static func inline(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    preconditionFailure("'\(node.source.operatorName)' is imported with its body")
  }
}
