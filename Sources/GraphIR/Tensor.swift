/// Bytes that several tensors may share. Written only while being made, so it may cross threads.
///
/// A class because it owns memory: its own, or memory that somebody else keeps alive (a mapped file).
public final class TensorStorage: @unchecked Sendable {
  package let bytes: UnsafeMutableRawBufferPointer
  private let release: (() -> Void)?
  /// Memory of somebody else's is only read.
  fileprivate var isBorrowed: Bool { release != nil }

  /// Own memory, zeroed, aligned for any vector unit.
  package init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    release = nil
  }

  /// Own memory that holds a copy.
  package convenience init(copying other: UnsafeRawBufferPointer) {
    self.init(byteCount: other.count)
    bytes.copyMemory(from: other)
  }

  package convenience init(copying other: [UInt8]) {
    self.init(byteCount: other.count)
    bytes.copyBytes(from: other)
  }

  /// Memory of somebody else's, who is told by `release` when it is needed no more.
  package init(borrowing bytes: UnsafeRawBufferPointer, release: @escaping () -> Void) {
    self.bytes = UnsafeMutableRawBufferPointer(mutating: bytes)
    self.release = release
  }

  /// Some of the bytes, which keep the whole alive.
  package func part(_ range: Range<Int>) -> TensorStorage {
    TensorStorage(borrowing: UnsafeRawBufferPointer(rebasing: bytes[range])) { withExtendedLifetime(self) {} }
  }

  deinit {
    if let release { release() } else { bytes.deallocate() }
  }
}

/// A dense, row-major tensor. A value: copies share bytes until one is written.
public struct Tensor: Sendable {
  /// Element type and shape.
  public let type: TensorType
  private var storage: TensorStorage

  /// The type of each element.
  public var element: DataType { type.element }
  /// Extents, outermost first.
  public var shape: Shape { type.shape }

  /// The number of elements.
  public let count: Int

  /// A tensor of zeros. The shape must be fully bound.
  public init(zeros element: DataType, _ shape: Shape) {
    guard let count = shape.elementCount else { preconditionFailure("tensor of unbound or impossible shape \(shape)") }
    self.type = TensorType(element, shape)
    self.count = count
    self.storage = TensorStorage(byteCount: count * element.storageBytes)
  }

  /// A tensor over bytes that `storage` owns; `storage` must hold exactly the elements, in this machine's byte order and aligned.
  package init(_ element: DataType, _ shape: Shape, storage: TensorStorage) {
    guard let count = shape.elementCount, storage.bytes.count == count * element.storageBytes else {
      preconditionFailure("storage of \(storage.bytes.count) bytes does not fit \(element.rawValue)[\(shape)]")
    }
    self.type = TensorType(element, shape)
    self.count = count
    self.storage = storage
  }

  /// A tensor filled by `body`, which is handed zeroed bytes.
  public init(_ element: DataType, _ shape: Shape, filledBy body: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    self.init(zeros: element, shape)
    try body(storage.bytes)
  }

  /// A tensor of elements whose Swift type fits `element` (see `withElements`).
  public init<Element: BitwiseCopyable>(_ element: DataType, _ shape: Shape, _ elements: [Element]) {
    self.init(zeros: element, shape)
    precondition(elements.count == count, "\(elements.count) elements given for \(element.rawValue)[\(shape)]")
    precondition(MemoryLayout<Element>.stride == element.storageBytes, "\(Element.self) does not hold a \(element.rawValue)")
    elements.withUnsafeBytes { storage.bytes.copyMemory(from: $0) }
  }

  /// Row-major bytes.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(storage.bytes)) }
  }

  /// Elements as a Swift type of the same width: `Float` for f32, `UInt16` for f16 and bf16 bits, `Int8` for bit, `UInt8` for bool.
  public func withElements<Element: BitwiseCopyable, R>(
    _: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> R
  ) rethrows -> R {
    precondition(MemoryLayout<Element>.stride == element.storageBytes, "\(Element.self) does not hold a \(element.rawValue)")
    return try withBytes { try body($0.assumingMemoryBound(to: Element.self)) }
  }

  /// Elements to be changed in place; copies the bytes first when they are shared or somebody else's.
  public mutating func withMutableElements<Element: BitwiseCopyable, R>(
    _: Element.Type, _ body: (UnsafeMutableBufferPointer<Element>) throws -> R
  ) rethrows -> R {
    precondition(MemoryLayout<Element>.stride == element.storageBytes, "\(Element.self) does not hold a \(element.rawValue)")
    if storage.isBorrowed || !isKnownUniquelyReferenced(&storage) {
      let copy = TensorStorage(byteCount: storage.bytes.count)
      copy.bytes.copyMemory(from: UnsafeRawBufferPointer(storage.bytes))
      storage = copy
    }
    return try body(storage.bytes.assumingMemoryBound(to: Element.self))
  }

  /// The elements as an array of a Swift type of the same width.
  public func elements<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] { withElements(type) { Array($0) } }

  /// The same elements under another shape of the same count.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.elementCount == count, "cannot view \(self.shape) as \(shape)")
    return Tensor(element, shape, storage: storage)
  }

  /// Rows `range` along dimension 0, copied.
  public func slice(batch range: Range<Int>) -> Tensor {
    let rowBytes = count == 0 ? 0 : count / shape[0] * element.storageBytes
    var dimensions = shape.dimensions
    dimensions[0] = range.count
    return Tensor(element, Shape(dimensions)) { out in
      withBytes { out.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range.lowerBound * rowBytes..<range.upperBound * rowBytes])) }
    }
  }

  /// Tensors joined along dimension 0. They must agree in type and in all other extents.
  public static func stacked(batches: [Tensor]) -> Tensor {
    if batches.count == 1 { return batches[0] }
    var dimensions = batches[0].shape.dimensions
    dimensions[0] = batches.reduce(0) { $0 + $1.shape[0] }
    return Tensor(batches[0].element, Shape(dimensions)) { out in
      var offset = 0
      for batch in batches {
        batch.withBytes {
          UnsafeMutableRawBufferPointer(rebasing: out[offset...]).copyMemory(from: $0)
          offset += $0.count
        }
      }
    }
  }
}

extension Tensor: Hashable {
  /// Whether type and bytes are the same.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.type == b.type else { return false }
    if a.storage === b.storage { return true }
    return a.withBytes { x in b.withBytes { y in x.elementsEqual(y) } }
  }

  /// Hashes type and first bytes.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    withBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(256))) }
  }
}
