import Dispatch
import GraphIR

/// Cuts a batch into chunks of bounded memory and runs them on threads.
///
/// Only a graph with a free batch is cut: there each sample is computed alone. Any other runs in one piece.
package struct BatchSplit {
  /// Bytes of values that one chunk may hold.
  private static let chunkBytes = 8 << 20
  private static let largestChunk = 64

  private let graph: Graph
  private let inputs: [Tensor]
  private let chunks: [Range<Int>]

  package init(_ graph: Graph, _ inputs: [Tensor]) {
    self.graph = graph
    self.inputs = inputs
    let batch = zip(graph.inputs, inputs).first { graph.type(of: $0.0).shape.hasFreeBatch }?.1.shape[0]
    let bytesPerSample = graph.values.reduce(1) { sum, value in
      guard value.type.shape.hasFreeBatch, let count = value.type.shape.elementCountPerSample else { return sum }
      return sum + count * value.type.element.storageBytes
    }
    let size = max(1, min(BatchSplit.largestChunk, BatchSplit.chunkBytes / bytesPerSample))
    guard let batch, batch > 0 else {
      chunks = [0..<(batch ?? 1)]
      return
    }
    chunks = stride(from: 0, to: batch, by: size).map { $0..<min($0 + size, batch) }
  }

  /// Runs `body` on each chunk; hands back the wanted values, their chunks joined.
  package func run(
    wanted: [ValueID], threads: Int, _ body: @Sendable (_ inputs: [Tensor], _ keep: Liveness) throws -> [Tensor?]
  ) throws -> [Tensor] {
    let keep = Liveness(graph, keeping: wanted)
    let workers = max(1, min(threads, chunks.count))
    var results = [Result<[Tensor], any Error>?](repeating: nil, count: chunks.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each chunk writes its own element.
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: workers) { worker in
        for number in stride(from: worker, to: chunks.count, by: workers) {
          results[number] = Result {
            let values = try body(inputs(of: chunks[number]), keep)
            return try wanted.map { try BatchSplit.value($0, values) }
          }
        }
      }
    }
    let parts = try results.map { result in
      guard let result else { preconditionFailure("a chunk has not run") }
      return try result.get()
    }
    return wanted.indices.map { place in
      graph.type(of: wanted[place]).shape.hasFreeBatch ? Tensor.stacked(batches: parts.map { $0[place] }) : parts[0][place]
    }
  }

  private func inputs(of chunk: Range<Int>) -> [Tensor] {
    if chunks.count == 1 { return inputs }
    return zip(graph.inputs, inputs).map { graph.type(of: $0).shape.hasFreeBatch ? $1.slice(batch: chunk) : $1 }
  }

  /// The values that are there before anything runs: inputs and constants.
  package static func values(of graph: Graph, _ inputs: [Tensor]) -> [Tensor?] {
    graph.values.map { value in
      switch value.definition {
      case .input(let place): inputs[place]
      case .constant(let tensor): tensor
      case .result: nil
      }
    }
  }

  /// The value of an id; a fault of ours when it is not there yet.
  package static func value(_ id: ValueID, _ values: [Tensor?]) throws -> Tensor {
    guard let tensor = values[Int(id.index)] else { throw Diagnostic(.internal, "\(id) is used before it is computed") }
    return tensor
  }
}

/// Which values can be dropped after which node.
package struct Liveness: Sendable {
  /// By node, the values whose last use it is.
  private let dropped: [[Int]]

  package init(_ graph: Graph, keeping wanted: [ValueID]) {
    var last = [Int?](repeating: nil, count: graph.values.count)
    for (number, node) in graph.nodes.enumerated() { for value in node.operands + node.results { last[Int(value.index)] = number } }
    for value in wanted { last[Int(value.index)] = nil }
    var dropped = [[Int]](repeating: [], count: graph.nodes.count)
    for (value, number) in last.enumerated() { if let number { dropped[number].append(value) } }
    self.dropped = dropped
  }

  /// Drops what nobody needs after `node`.
  package func drop(after node: NodeID?, _ values: inout [Tensor?]) {
    guard let node else { return }
    for value in dropped[Int(node.index)] { values[value] = nil }
  }
}
