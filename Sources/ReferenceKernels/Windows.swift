import GraphIR

/// The places that a window takes over a plane of elements, as convolutions and pooling see them.
struct Windows {
  /// The plane's extents.
  let input: [Int]
  let kernel: [Int]
  let window: Window
  /// The number of places on each axis.
  let output: [Int]

  /// Windows over the spatial axes of `[N, C, spatial…]` shapes.
  init(_ window: Window, input: Shape, kernel: [Int], output: Shape) {
    self.input = Array(input.dimensions.dropFirst(2))
    self.kernel = kernel
    self.window = window
    self.output = Array(output.dimensions.dropFirst(2))
  }

  /// Calls `body` with the number of each place, and the index of it on each axis.
  func forEach(_ body: (_ place: Int, _ indices: [Int]) -> Void) {
    let count = output.reduce(1, *)
    let strides = Shape(output).strides
    for place in 0..<count { body(place, output.indices.map { place / strides[$0] % output[$0] }) }
  }

  /// For each element of the window at a place: its offset in the plane, or outside when it lies in the padding.
  func offsets(at indices: [Int]) -> [Int] {
    let strides = Shape(input).strides
    return Grid.offsets(
      kernel.indices.map { axis in
        (0..<kernel[axis]).map { element in
          let index = position(of: element, axis, at: indices)
          return (0..<input[axis]).contains(index) ? index * strides[axis] : Grid.outside
        }
      })
  }

  /// How many elements of the window at a place lie in the plane or its padding, rather than beyond both.
  func paddedCount(at indices: [Int]) -> Int {
    kernel.indices.reduce(1) { count, axis in
      let end = input[axis] + window.padAfter(axis)
      return count * (0..<kernel[axis]).count { position(of: $0, axis, at: indices) < end }
    }
  }

  /// The plane's index on one axis under one element of the window; negative in the padding before it.
  private func position(of element: Int, _ axis: Int, at indices: [Int]) -> Int {
    indices[axis] * window.stride(axis) + element * window.dilation(axis) - window.padBefore(axis)
  }
}
