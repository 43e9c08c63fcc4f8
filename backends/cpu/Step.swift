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

/// Bytes made once when a graph is compiled and only read afterwards, aligned to 64.
///
/// A class because it owns memory.
final class PackedBytes: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    bytes = .takingLines(byteCount: max(count, 1))
    if let base = bytes.baseAddress { fill(base) }
  }

  convenience init<Element: BitwiseCopyable>(_ elements: [Element]) {
    self.init(count: elements.count * MemoryLayout<Element>.stride) { base in
      elements.withUnsafeBytes { base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count) }
    }
  }

  deinit { bytes.giveBack() }

  var base: UnsafeRawPointer { UnsafeRawPointer(bytes.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 64)!) }

  func elements<Element>(_: Element.Type) -> UnsafePointer<Element> { base.assumingMemoryBound(to: Element.self) }
}

extension UnsafeMutableRawBufferPointer {
  /// Memory for packed weights or values, in huge pages where there are any; `giveBack` ends it.
  static func takingLines(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    guard let base = bitline_memory_take(byteCount) else { preconditionFailure("out of memory for \(byteCount) bytes") }
    return UnsafeMutableRawBufferPointer(start: base, count: byteCount)
  }

  func giveBack() { bitline_memory_give(baseAddress, count) }
}
