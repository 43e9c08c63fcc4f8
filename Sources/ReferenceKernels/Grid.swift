import GraphIR

/// Offsets of a tensor's elements, put together axis by axis.
enum Grid {
  /// Stands for a place that is not in the tensor.
  static let outside = -1

  /// The sums `axes[0][i] + axes[1][j] + …`, in row-major order of `(i, j, …)`; outside where any part is.
  static func offsets(_ axes: [[Int]]) -> [Int] {
    var offsets = [0]
    for axis in axes {
      var next: [Int] = []
      next.reserveCapacity(offsets.count * axis.count)
      for base in offsets {
        for step in axis { next.append(base < 0 || step < 0 ? outside : base + step) }
      }
      offsets = next
    }
    return offsets
  }

  /// For each axis of a row-major tensor, the offset of each index along it.
  static func axes(of shape: Shape) -> [[Int]] {
    zip(shape.dimensions, shape.strides).map { extent, stride in (0..<extent).map { $0 * stride } }
  }
}

extension Tensor {
  /// The tensor made of the elements at `offsets`, with `fill` (a tensor of one element) where an offset is outside.
  func picking(_ offsets: [Int], _ shape: Shape, fill: Tensor? = nil) -> Tensor {
    func pick<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) -> Tensor {
      let blank = fill?.withElements(Stored.self) { $0[0] } ?? 0
      return withElements(Stored.self) { source in
        Tensor(element, shape) { bytes in
          let target = bytes.assumingMemoryBound(to: Stored.self)
          for (place, offset) in offsets.enumerated() { target[place] = offset < 0 ? blank : source[offset] }
        }
      }
    }
    switch element {
    case .float64, .int64, .uint64: return pick(UInt64.self)
    case .float32, .int32, .uint32: return pick(UInt32.self)
    case .float16, .bfloat16, .int16, .uint16: return pick(UInt16.self)
    case .int8, .uint8, .bool, .bit, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      return pick(UInt8.self)
    }
  }
}
