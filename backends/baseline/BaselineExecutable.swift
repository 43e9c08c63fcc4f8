import GraphIR
import PluginAPI
import ReferenceKernels

/// A graph with a kernel for each node; runs them one after another, chunk by chunk of a batch.
struct BaselineExecutable: Executable {
  let graph: Graph
  let settings: Settings
  let selections: [Selection]

  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    let wanted = graph.outputs.map(\.value) + taps
    let results = try BatchSplit(graph, inputs).run(wanted: wanted, threads: threads) { inputs, keep in
      var tallies = [Tally](repeating: Tally(), count: graph.nodes.count)
      return try run(chunk: inputs, keep: keep, &tallies)
    }
    return RunResult(outputs: Array(results.prefix(graph.outputs.count)), taps: Array(results.dropFirst(graph.outputs.count)))
  }

  /// Runs all nodes for one chunk, and adds what each of them did to its tally.
  private func run(chunk inputs: [Tensor], keep: Liveness, _ tallies: inout [Tally]) throws -> [Tensor?] {
    var values = BatchSplit.values(of: graph, inputs)
    for (number, node) in graph.nodes.enumerated() {
      let operands = try node.operands.map { try BatchSplit.value($0, values) }
      let result = Int(node.results[0].index)
      switch selections[number] {
      case .kernel(let kernel): values[result] = kernel.run(operands, settings, &tallies[number])
      case .alias, .host:
        for (result, tensor) in zip(node.results, try Reference.evaluate(node.op, operands)) { values[Int(result.index)] = tensor }
      }
      keep.drop(after: graph.nodeIDs[number], &values)
    }
    return values
  }

  /// What the machine does for one sample, by node: counted while it runs on zeros. What it does depends on no data.
  func countedOnZeros() throws -> [Tally] {
    let inputs = graph.inputs.map { id -> Tensor in
      let type = graph.type(of: id)
      return Tensor(zeros: type.element, type.shape.bound(batch: 1))
    }
    var tallies = [Tally](repeating: Tally(), count: graph.nodes.count)
    _ = try run(chunk: inputs, keep: Liveness(graph, keeping: []), &tallies)
    return zip(graph.nodes, tallies).map { $1.divided(by: samples(of: $0)) }
  }

  /// Samples that one run of a node makes: 1 where the batch is free, dimension 0 where it is bound.
  func samples(of node: Node) -> Int { graph.type(of: node.results[0]).shape.boundSamples }

  var costs: CostReport? {
    guard settings.machine.clock.number != nil, let tallies = try? countedOnZeros() else { return nil }
    return costs(of: tallies)
  }

  var mapping: Table? {
    var table = Table(
      "Kernels on \(settings.machine.name)", columns: ["node", "op", "runs on", "MAC", "weights", "weight memory"],
      notes: settingNotes)
    for (number, node) in graph.nodes.enumerated() {
      let weights = weightBytes(of: number)
      let place: Table.Cell
      switch selections[number] {
      case .kernel: place = "processor"
      case .alias: place = "nothing moves"
      case .host(let reason): place = .text("host: \(reason)")
      }
      table.rows.append([
        .text(node.origin), .text(node.op.name), place, .int(node.macs(in: graph) / samples(of: node)),
        weights == 0 ? .none : .text("\(weights) B"),
        weights == 0 ? .none : .text(weightMemory.name),
      ])
    }
    return table
  }
}
