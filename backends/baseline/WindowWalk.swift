import GraphIR

/// The way of a window over one sample: for each place, the element of a plane under each part of the kernel.
struct WindowWalk: Sendable {
  /// By place, then by part of the kernel: the offset in a plane, or -1 in the padding.
  let offsets: [Int32]
  /// Parts of the kernel.
  let kernelCount: Int
  let places: Int
  /// Elements of one plane.
  let plane: Int

  init(_ window: Window, input: Shape, kernel: [Int], output: Shape) {
    let extents = Array(input.dimensions.dropFirst(2))
    let outputs = Array(output.dimensions.dropFirst(2))
    let strides = Shape(extents).strides
    kernelCount = kernel.reduce(1, *)
    places = outputs.reduce(1, *)
    plane = extents.reduce(1, *)
    var offsets: [Int32] = []
    offsets.reserveCapacity(kernelCount * places)
    let outputStrides = Shape(outputs).strides
    let kernelStrides = Shape(kernel).strides
    for place in 0..<places {
      for part in 0..<kernelCount {
        var offset: Int32? = 0
        for axis in kernel.indices {
          let start = place / outputStrides[axis] % outputs[axis] * window.stride(axis) - window.padBefore(axis)
          let index = start + part / kernelStrides[axis] % kernel[axis] * window.dilation(axis)
          offset = (0..<extents[axis]).contains(index) ? offset.map { $0 + Int32(index * strides[axis]) } : nil
        }
        offsets.append(offset ?? -1)
      }
    }
    self.offsets = offsets
  }

  /// A dense layer: one place, `inputs` planes of one element.
  init() { (offsets, kernelCount, places, plane) = ([0], 1, 1, 1) }

  /// Loads what the window sees of `planes` planes at a place; padding is 0.
  @inline(__always)
  func load<From: BinaryInteger, To: FixedWidthInteger>(
    _ source: UnsafePointer<From>, planes: Int, place: Int, into row: UnsafeMutablePointer<To>
  ) {
    load(source, planes: planes, place: place, into: row) { To(truncatingIfNeeded: $0) }
  }

  /// The same, with a conversion.
  @inline(__always)
  func load<From, To: Numeric>(
    _ source: UnsafePointer<From>, planes: Int, place: Int, into row: UnsafeMutablePointer<To>, _ convert: (From) -> To
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      let parts = UnsafeBufferPointer(rebasing: offsets[place * kernelCount..<(place + 1) * kernelCount])
      var next = row
      for index in 0..<planes {
        let own = source + index * plane
        for part in 0..<kernelCount {
          let offset = Int(parts[part])
          next.pointee = offset < 0 ? 0 : convert(own[offset])
          next += 1
        }
      }
    }
  }
}
