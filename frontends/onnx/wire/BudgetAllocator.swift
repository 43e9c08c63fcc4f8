import COnnxSchema
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Hands memory to protobuf-c until a budget is spent, then refuses.
///
/// A class because it owns the C table whose address protobuf-c is given. Each allocation is preceded by its size, since protobuf-c frees without one.
final class BudgetAllocator {
  let table: UnsafeMutablePointer<ProtobufCAllocator>
  private let budget: Int
  private(set) var used = 0
  /// The most that was in use at one time, in bytes.
  private(set) var peak = 0

  /// Keeps the bytes handed out aligned for any element type.
  private static let header = 16

  /// The file that is being unpacked. What large blocks were filled from is given back, so that weights are not in memory twice.
  private var file: MappedFile?
  private var copied = 0
  /// Below this many bytes a block is not worth a call.
  private static let large = 1 << 20

  init(budget: Int, file: MappedFile?) {
    self.budget = budget
    self.file = file
    table = .allocate(capacity: 1)
    table.initialize(to: ProtobufCAllocator())
    table.pointee.alloc = { owner, size in owner.flatMap { BudgetAllocator.at($0).allocate(size) } }
    table.pointee.free = { owner, pointer in
      if let owner, let pointer { BudgetAllocator.at(owner).release(pointer) }
    }
    table.pointee.allocator_data = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit { table.deallocate() }

  private static func at(_ owner: UnsafeMutableRawPointer) -> BudgetAllocator {
    Unmanaged<BudgetAllocator>.fromOpaque(owner).takeUnretainedValue()
  }

  /// Lets go of the file: all is unpacked.
  func forgetFile() { file = nil }

  private func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size >= 0, size <= budget - used - BudgetAllocator.header else { return nil }
    if size >= BudgetAllocator.large {
      // Blocks are filled in the file's order: those before this one came from at least so many bytes.
      file?.giveBack(first: copied)
      copied += size
    }
    let total = size + BudgetAllocator.header
    guard let block = malloc(total) else { return nil }
    block.storeBytes(of: total, as: Int.self)
    used += total
    peak = max(peak, used)
    return block + BudgetAllocator.header
  }

  private func release(_ pointer: UnsafeMutableRawPointer) {
    let block = pointer - BudgetAllocator.header
    used -= block.load(as: Int.self)
    free(block)
  }
}
