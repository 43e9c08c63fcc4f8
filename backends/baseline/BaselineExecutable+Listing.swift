import GraphIR

extension BaselineExecutable {
  /// The machine's program: for each node, its loop and what one turn of it loads, does and stores.
  var listing: String? {
    var lines = ["program for \(settings.machine.name), reuse=\(settings.reuse.rawValue), weights=\(settings.weights.rawValue)"]
    for (number, node) in graph.nodes.enumerated() {
      let result = graph.type(of: node.results[0])
      lines += ["", "\(node.op.name) \(node.origin) -> \(result)"]
      switch selections[number] {
      case .alias: lines.append("  nothing moves")
      case .host(let reason): lines.append("  host: \(reason)")
      case .kernel: lines += body(node, result)
      }
    }
    return lines.joined(separator: "\n")
  }

  private func body(_ node: Node, _ result: TensorType) -> [String] {
    let outputs = result.shape.elementCountPerSample ?? 0
    switch node.op {
    case .conv, .dense, .binaryConv, .binaryDense:
      let inputs = graph.type(of: node.operands[1]).shape.dimensions.dropFirst().reduce(1, *)
      let turn: String
      switch settings.reuse {
      case .none: turn = "load input; load weight; load sum; multiply-accumulate; store sum"
      case .register: turn = "load input; load weight; multiply-accumulate into register"
      case .full: turn = "multiply-accumulate from registers into register"
      }
      let before = settings.reuse == .full ? ["  load every input and weight into registers"] : []
      return before + ["  for each of \(outputs) outputs:", "    \(inputs) times: \(turn)", "    \(readout(node.op))store result"]
    case .pool(let a):
      return ["  for each of \(outputs) outputs: \(a.kernel.reduce(1, *)) times: load input; \(a.kind.rawValue); then store result"]
    default: return ["  for each of \(outputs) outputs: load operands; \(node.op.name); store result"]
    }
  }

  private func readout(_ op: Op) -> String {
    let readout: Readout
    switch op {
    case .binaryConv(let a): readout = a.readout
    case .binaryDense(let a): readout = a.readout
    default: return ""
    }
    guard case .adc = readout else { return "" }
    return "after each tile: read by \(readout), add; "
  }
}
