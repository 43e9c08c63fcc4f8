import CCPUKernels
import CPUBackend
import Testing

/// Pooling against a plain loop over windows.
struct PoolKernelTests {
  /// The elements of each window that lie inside the plane, in order.
  private func windows(_ s: bitline_conv_shape, planes: Int) -> [[Int]] {
    var windows: [[Int]] = []
    for plane in 0..<planes {
      for y in 0..<Int(s.out_height) {
        for x in 0..<Int(s.out_width) {
          var inside: [Int] = []
          for ky in 0..<Int(s.kernel_height) {
            for kx in 0..<Int(s.kernel_width) {
              let row = y * Int(s.stride_height) + ky * Int(s.dilation_height) - Int(s.pad_top)
              let column = x * Int(s.stride_width) + kx * Int(s.dilation_width) - Int(s.pad_left)
              if (0..<Int(s.height)).contains(row) && (0..<Int(s.width)).contains(column) {
                inside.append((plane * Int(s.height) + row) * Int(s.width) + column)
              }
            }
          }
          windows.append(inside)
        }
      }
    }
    return windows
  }

  /// Every fourth case is the commonest window, 2x2 by 2.
  private func window(_ seed: Int, _ generator: inout Generator) -> (bitline_conv_shape, planes: Int) {
    var test = WindowCase(&generator, seed: seed * 3 + 1, grouped: false)
    if seed % 4 == 0 {
      let (height, width) = (Int32(generator.int(2...9)), Int32(generator.int(2...50)))
      test.shape = bitline_conv_shape(
        channels: 1, height: height, width: width, filters: 1, groups: 1, kernel_height: 2, kernel_width: 2, stride_height: 2,
        stride_width: 2,
        dilation_height: 1, dilation_width: 1, pad_top: 0, pad_left: 0, out_height: height / 2, out_width: width / 2)
    }
    return (test.shape, generator.int(1...5))
  }

  @Test(arguments: InstructionLevel.all)
  func maximum(_ level: InstructionLevel) {
    for seed in 0..<120 {
      var generator = Generator(seed)
      var (shape, planes) = window(seed, &generator)
      let windows = windows(shape, planes: planes)
      let bytes = Guarded(generator.bytes(planes * Int(shape.height * shape.width)))
      let unsigned = Guarded<UInt8>(windows.count)
      bitline_pool_max(level.isa, BITLINE_ELEMENT_U8, &shape, Int64(planes), bytes.base, unsigned.base)
      #expect(unsigned.isIntact && unsigned.elements == windows.map { $0.reduce(0) { max($0, bytes.base[$1]) } }, "\(level), seed \(seed)")
      let signed = Guarded<Int8>(windows.count)
      bitline_pool_max(level.isa, BITLINE_ELEMENT_I8, &shape, Int64(planes), bytes.base, signed.base)
      let lowest = windows.map { $0.reduce(Int8.min) { max($0, Int8(bitPattern: bytes.base[$1])) } }
      #expect(signed.isIntact && signed.elements == lowest, "\(level), seed \(seed)")

      let x = Guarded(generator.floats(bytes.count).map { generator.int(0...30) == 0 ? .nan : generator.int(0...9) == 0 ? -0.0 : $0 })
      let y = Guarded<Float>(windows.count)
      bitline_pool_max(level.isa, BITLINE_ELEMENT_F32, &shape, Int64(planes), x.base, y.base)
      let wanted = windows.map { window in
        window.reduce(-Float.infinity) { a, index in
          let b = x.base[index]
          return a.isNaN ? a : b.isNaN || b > a ? b : a
        }
      }
      #expect(y.isIntact && sameBits(y.elements, wanted), "\(level), seed \(seed), \(shape)")
    }
  }

  @Test(arguments: InstructionLevel.all)
  func average(_ level: InstructionLevel) {
    for seed in 0..<80 {
      var generator = Generator(seed)
      var (shape, planes) = window(seed, &generator)
      let x = Guarded(generator.floats(planes * Int(shape.height * shape.width)))
      let y = Guarded<Float>(planes * Int(shape.out_height * shape.out_width))
      bitline_pool_average_f32(level.isa, &shape, 0, 0, 0, Int64(planes), x.base, y.base)
      let wanted = windows(shape, planes: planes).map { window in
        window.isEmpty ? 0 : window.reduce(0) { $0 + x.base[$1] } / Float(window.count)
      }
      #expect(y.isIntact && sameBits(y.elements, wanted), "\(level), seed \(seed), \(shape)")
    }
  }
}
