import CCPUKernels
import GraphIR
import PluginAPI

/// Bytes made once when a graph is compiled and only read afterwards, aligned to 64.
///
/// A class because it owns memory, or shares that of a program file.
final class PackedBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let file: TensorStorage?

  /// Made now.
  fileprivate init(count: Int, fill: (UnsafeMutableRawPointer) -> Void) {
    let made = UnsafeMutableRawBufferPointer.takingLines(byteCount: max(count, 1))
    if let base = made.baseAddress { fill(base) }
    bytes = UnsafeRawBufferPointer(made)
    file = nil
  }

  /// Made when a program was compiled.
  fileprivate init(in file: TensorStorage, _ range: Range<Int>) {
    bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    self.file = file
  }

  deinit { if file == nil { UnsafeMutableRawBufferPointer(mutating: bytes).giveBack() } }

  var base: UnsafeRawPointer { bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)! }

  func elements<Element>(_: Element.Type) -> UnsafePointer<Element> { base.assumingMemoryBound(to: Element.self) }
}

/// Packs what steps read, in the order in which they are compiled; or finds it packed in a program, in that order.
///
/// Packed bytes in a program: how many parts, u64; the size of each, u64; then the parts, each aligned to 64.
///
/// A class because all copies of a compiler add to the same parts; one thread compiles.
final class Packer {
  /// Raised whenever a kernel packs otherwise.
  private static let revision = 5

  private(set) var parts: [PackedBytes] = []
  private let given: TensorStorage?
  /// Where the given parts lie.
  private let places: [Range<Int>]
  /// Whether parts were given that are not those which steps ask for.
  private(set) var isStale = false

  init(_ given: PackedConstants?, for settings: PlanSettings) {
    self.given = given.flatMap { $0.key == Packer.key(settings) ? $0.storage : nil }
    places = self.given.flatMap(Packer.places) ?? []
  }

  /// Bytes that `fill` makes, unless they were given.
  func pack(count: Int, fill: (UnsafeMutableRawPointer) -> Void) -> PackedBytes {
    let next = parts.count
    if let given, !isStale {
      if next < places.count, places[next].count == max(count, 1) {
        parts.append(PackedBytes(in: given, places[next]))
        return parts[next]
      }
      isStale = true
    }
    parts.append(PackedBytes(count: count, fill: fill))
    return parts[next]
  }

  func pack<Element: BitwiseCopyable>(_ elements: [Element]) -> PackedBytes {
    pack(count: elements.count * MemoryLayout<Element>.stride) { base in
      elements.withUnsafeBytes { base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count) }
    }
  }

  /// All that decides how constants are packed, but for the graph.
  static func key(_ settings: PlanSettings) -> String {
    let ordered = settings.ordered.map { "\($0)" } ?? "auto"
    return "cpu \(revision) \(settings.level) exact=\(settings.exact) bf16=\(settings.roundsToBF16) ordered=\(ordered)"
      + " fuses=\(settings.fuses) bits=\(settings.usesBits)"
  }

  /// Parts as a program keeps them.
  static func joined(_ parts: [PackedBytes], for settings: PlanSettings) -> PackedConstants {
    let sizes = parts.map(\.bytes.count)
    let places = places(sizes)
    let storage = TensorStorage(byteCount: places.last?.upperBound ?? headBytes(0))
    for (index, number) in ([sizes.count] + sizes).enumerated() {
      storage.bytes.storeBytes(of: UInt64(number).littleEndian, toByteOffset: index * 8, as: UInt64.self)
    }
    for (part, place) in zip(parts, places) { UnsafeMutableRawBufferPointer(rebasing: storage.bytes[place]).copyMemory(from: part.bytes) }
    return PackedConstants(key: key(settings), storage: storage)
  }

  private static func headBytes(_ parts: Int) -> Int { 8 * (parts + 1) }

  private static func places(_ sizes: [Int]) -> [Range<Int>] {
    var end = headBytes(sizes.count)
    return sizes.map { size in
      let start = (end + 63) & ~63
      end = start + size
      return start..<end
    }
  }

  /// Nil for bytes that are no joined parts.
  private static func places(_ storage: TensorStorage) -> [Range<Int>]? {
    func number(_ index: Int) -> Int? {
      guard index < storage.bytes.count / 8 else { return nil }
      return Int(exactly: UInt64(littleEndian: storage.bytes.load(fromByteOffset: index * 8, as: UInt64.self)))
    }
    guard let count = number(0), count < storage.bytes.count / 8 else { return nil }
    let sizes = (0..<count).compactMap { number($0 + 1) }
    guard sizes.count == count, sizes.allSatisfy({ $0 <= storage.bytes.count }) else { return nil }
    let places = places(sizes)
    return places.allSatisfy { $0.upperBound <= storage.bytes.count } ? places : nil
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Memory for packed weights or values, in huge pages where there are any; `giveBack` ends it.
  static func takingLines(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    guard let base = bitline_memory_take(byteCount) else { preconditionFailure("out of memory for \(byteCount) bytes") }
    return UnsafeMutableRawBufferPointer(start: base, count: byteCount)
  }

  func giveBack() { bitline_memory_give(baseAddress, count) }
}
