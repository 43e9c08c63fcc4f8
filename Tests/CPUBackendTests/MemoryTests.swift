import CCPUKernels
import Testing

@Suite struct MemoryTests {
  /// Small ones, some of a slab, and some that are more than a slab.
  @Test func blocksStartOnLinesAndAreApart() throws {
    let sizes = [1, 64, 65_535, 65_536, 100_001, 3 << 20, 31 << 20, 32 << 20, 40 << 20, 70_000, 5 << 20]
    for _ in 0..<3 {
      var blocks: [UnsafeMutableRawBufferPointer] = []
      for size in sizes {
        let base = try #require(bitline_memory_take(size))
        #expect(UInt(bitPattern: base) % 64 == 0, "\(size) bytes")
        blocks.append(UnsafeMutableRawBufferPointer(start: base, count: size))
      }
      for (index, block) in blocks.enumerated() { block.initializeMemory(as: UInt8.self, repeating: UInt8(index + 1)) }
      // Not in the order in which they were taken.
      for (index, block) in blocks.enumerated().sorted(by: { $0.offset * 7 % 11 < $1.offset * 7 % 11 }) {
        let foreign = block.indices.filter { ($0 % 4096 == 0 || $0 >= block.count - 64) && block[$0] != UInt8(index + 1) }
        #expect(foreign.isEmpty, "\(block.count) bytes")
        bitline_memory_give(block.baseAddress, block.count)
      }
    }
  }
}
