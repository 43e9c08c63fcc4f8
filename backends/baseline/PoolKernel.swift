import GraphIR

/// Maximum or average over windows of f32 or 8-bit codes.
struct PoolKernel: Kernel {
  private let walk: WindowWalk
  private let attributes: Pool
  /// Elements that each place's mean is over.
  private let divisors: [Int]
  /// Of the result, with the batch as compiled.
  private let shape: Shape

  init(_ a: Pool, _ input: Shape, _ output: Shape) {
    attributes = a
    shape = output
    let walk = WindowWalk(a.window, input: input, kernel: a.kernel, output: output)
    self.walk = walk
    divisors = (0..<walk.places).map { place in
      if a.countPadding { return PoolKernel.paddedCount(a, input, output, place) }
      return walk.offsets[place * walk.kernelCount..<(place + 1) * walk.kernelCount].count { $0 >= 0 }
    }
  }

  /// Elements of a window inside the input or its padding.
  private static func paddedCount(_ a: Pool, _ input: Shape, _ output: Shape, _ place: Int) -> Int {
    let strides = Shape(Array(output.dimensions.dropFirst(2))).strides
    return a.kernel.indices.reduce(1) { count, axis in
      let start = place / strides[axis] % output[axis + 2] * a.window.stride(axis) - a.window.padBefore(axis)
      let end = input[axis + 2] + a.window.padAfter(axis)
      return count * (0..<a.kernel[axis]).count { start + $0 * a.window.dilation(axis) < end }
    }
  }

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let x = operands[0]
    switch (x.element, attributes.kind) {
    case (.uint8, _): return run(x, UInt8.self, &tally) { window, _ in window.reduce(0, max) }
    case (.int8, _): return run(x, Int8.self, &tally) { window, _ in window.reduce(-128, max) }
    case (_, .max): return run(x, Float.self, &tally) { window, _ in window.reduce(-.infinity, PoolKernel.larger) }
    case (_, .average): return run(x, Float.self, &tally, mean)
    }
  }

  /// The greater number; NaN when either is.
  private static func larger(_ x: Float, _ y: Float) -> Float { x.isNaN ? x : y.isNaN || y > x ? y : x }

  private func mean(_ window: UnsafeBufferPointer<Float>, _ place: Int) -> Float {
    divisors[place] == 0 ? 0 : Float(window.reduce(0.0) { $0 + Double($1) } / Double(divisors[place]))
  }

  /// Computes all places; `combine` sees the elements of the window at a place that lie in the plane.
  @inline(__always)
  private func run<Element: BitwiseCopyable>(
    _ x: Tensor, _: Element.Type, _ tally: inout Tally, _ combine: (_ window: UnsafeBufferPointer<Element>, _ place: Int) -> Element
  ) -> Tensor {
    var shape = shape
    shape[0] = x.shape[0]
    let planes = shape[0] * shape[1]
    var loads = 0
    let result = Tensor.filled(x.element, shape, as: Element.self) { y in
      x.withPointer(Element.self) { x in
        withUnsafeTemporaryAllocation(of: Element.self, capacity: walk.kernelCount) { window in
          for plane in 0..<planes {
            let own = x + plane * walk.plane
            for place in 0..<walk.places {
              var count = 0
              for part in place * walk.kernelCount..<(place + 1) * walk.kernelCount where walk.offsets[part] >= 0 {
                window[count] = own[Int(walk.offsets[part])]
                count += 1
              }
              loads += count
              y[plane * walk.places + place] = combine(UnsafeBufferPointer(rebasing: window[..<count]), place)
            }
          }
        }
      }
    }
    let bits = 8 * x.element.storageBytes
    tally.elements(result.count, loads: 0, bits: bits, resultBits: bits)
    tally.inputs.loads += loads
    switch attributes.kind {
    case .max: tally.operate(int32Adds: loads)
    case .average: tally.operate(floatMultiplies: result.count, floatAdds: loads)
    }
    return result
  }
}
