import GraphIR

/// Where a layer's inputs lie in one sample: a base for each position, an offset for each of the K inputs.
struct Geometry: Sendable {
  /// Offset of each position's window.
  let positions: [Int32]
  /// Offset of each input within a window, as the weights lie in memory.
  let inputs: [Int32]
  /// Elements of one sample.
  let sampleCount: Int
  /// Elements of one sample with its padding; the same when there is none.
  let paddedCount: Int
  /// Rows to copy into a padded sample: where from, and where to. Empty when there is no padding.
  let rows: [(from: Int, to: Int)]
  let rowLength: Int

  /// A dense layer of `inputs` inputs.
  init(inputs count: Int) {
    positions = [0]
    inputs = (0..<Int32(count)).map { $0 }
    (sampleCount, paddedCount, rows, rowLength) = (count, count, [], 0)
  }

  /// A convolution over `[N, C, spatial…]`; padding is a code of 0.
  init(_ window: Window, input: Shape, kernel: [Int], output: Shape) {
    let channels = input[1]
    let extents = Array(input.dimensions.dropFirst(2))
    let padded = extents.indices.map { extents[$0] + window.padBefore($0) + window.padAfter($0) }
    let strides = Shape([channels] + padded).strides
    let axes = extents.indices
    positions = Geometry.grid(axes.map { axis in (0..<output[axis + 2]).map { $0 * window.stride(axis) * strides[axis + 1] } })
    inputs = Geometry.grid(
      [(0..<channels).map { $0 * strides[0] }]
        + axes.map { axis in (0..<kernel[axis]).map { $0 * window.dilation(axis) * strides[axis + 1] } })
    sampleCount = channels * extents.reduce(1, *)
    paddedCount = channels * padded.reduce(1, *)
    rowLength = extents[extents.count - 1]
    if window.isUnpadded {
      rows = []
    } else {
      let own = Shape([channels] + extents).strides
      let outer = axes.dropLast()
      let sources = Geometry.grid(
        [(0..<channels).map { $0 * own[0] }] + outer.map { axis in (0..<extents[axis]).map { $0 * own[axis + 1] } })
      let targets = Geometry.grid(
        [(0..<channels).map { $0 * strides[0] }]
          + outer.map { axis in (0..<extents[axis]).map { ($0 + window.padBefore(axis)) * strides[axis + 1] } })
      let before = window.padBefore(extents.count - 1)
      rows = zip(sources, targets).map { (Int($0), Int($1) + before) }
    }
  }

  /// Copies one sample into `target`, whose padding holds zeros already.
  func copy(_ sample: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>) {
    for row in rows { (target + row.to).update(from: sample + row.from, count: rowLength) }
  }

  /// All sums of one number from each list, the last list running fastest.
  private static func grid(_ axes: [[Int]]) -> [Int32] {
    axes.reduce([0]) { sums, axis in sums.flatMap { sum in axis.map { sum + Int32($0) } } }
  }
}
