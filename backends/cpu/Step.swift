import CCPUKernels
import GraphIR

/// What a step sees when it runs: where values lie, how many samples there are, and room to work in.
struct Frame {
  /// The address of each value, by slot; unspecified for constants and for values that are not there yet.
  let values: UnsafeMutablePointer<UnsafeMutableRawPointer>
  /// Samples in this chunk.
  let samples: Int
  /// As many bytes as the step said, aligned to 64.
  let workspace: UnsafeMutableRawPointer
  /// Threads that share this chunk's work; nil: the calling one alone.
  let team: OpaquePointer?

  func read<Element>(_ id: ValueID, as _: Element.Type) -> UnsafePointer<Element> {
    UnsafePointer(values[Int(id.index)].assumingMemoryBound(to: Element.self))
  }

  func write<Element>(_ id: ValueID, as _: Element.Type) -> UnsafeMutablePointer<Element> {
    values[Int(id.index)].assumingMemoryBound(to: Element.self)
  }
}

/// An extent that may run along the batch: so many for each sample, or so many altogether.
struct Extent: Sendable {
  let count: Int
  let isPerSample: Bool

  func callAsFunction(_ samples: Int) -> Int { isPerSample ? count * samples : count }
}

/// One prepared operation of a compiled graph.
struct Step: Sendable {
  /// What runs, for people: the kernel, or `reference`.
  let kernel: String
  /// Bytes of workspace for so many samples and threads.
  var workspaceBytes: @Sendable (_ samples: Int, _ threads: Int) -> Int = { _, _ in 0 }
  /// Bytes of packed weights and parameters.
  var packedBytes = 0
  let run: @Sendable (borrowing Frame) throws -> Void
}
