import CCPUKernels
import GraphIR

extension StepCompiler {
  /// A window over one or two spatial axes in the kernels' terms; nil for more axes, or extents beyond theirs.
  func shape(
    _ window: Window, input: Shape, kernel: [Int], output: Shape, filters: Int, groups: Int
  ) -> bitline_conv_shape? {
    let axes = kernel.count
    guard (1...2).contains(axes) else { return nil }
    /// One spatial axis is a plane of one row.
    func onPlane(_ values: [Int], _ missing: Int) -> [Int32]? {
      let padded = axes == 1 ? [missing] + values : values
      let fitting = padded.compactMap { Int32(exactly: $0) }
      return fitting.count == 2 ? fitting : nil
    }
    let spatial = 0..<axes
    guard
      let extent = onPlane(Array(input.dimensions.dropFirst(2)), 1), let size = onPlane(kernel, 1),
      let stride = onPlane(spatial.map { window.stride($0) }, 1), let dilation = onPlane(spatial.map { window.dilation($0) }, 1),
      let pad = onPlane(spatial.map { window.padBefore($0) }, 0), let out = onPlane(Array(output.dimensions.dropFirst(2)), 1),
      let channels = Int32(exactly: input[1]), let filters = Int32(exactly: filters), let groups = Int32(exactly: groups)
    else { return nil }
    // Offsets within a padded sample are 32 bits.
    let padded = [
      input[1], Int(out[0]) * Int(stride[0]) + Int(size[0]) * Int(dilation[0]),
      (Int(out[1]) + Int(size[1]) * Int(dilation[1])) * Int(stride[1]) + Int(stride[1]),
    ]
    guard let elements = Shape.product(padded), elements < 1 << 31 else { return nil }
    return bitline_conv_shape(
      channels: channels, height: extent[0], width: extent[1], filters: filters, groups: groups, kernel_height: size[0],
      kernel_width: size[1],
      stride_height: stride[0], stride_width: stride[1], dilation_height: dilation[0], dilation_width: dilation[1], pad_top: pad[0],
      pad_left: pad[1], out_height: out[0], out_width: out[1])
  }

  func pool(_ a: Pool, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let input = type(x).shape
    guard let shape = shape(a.window, input: input, kernel: a.kernel, output: type(y).shape, filters: input[1], groups: 1) else {
      return nil
    }
    let planes = outer(x, 2)
    switch a.kind {
    case .max:
      let element: bitline_element
      switch type(x).element {
      case .float32: element = BITLINE_ELEMENT_F32
      case .uint8: element = BITLINE_ELEMENT_U8
      case .int8: element = BITLINE_ELEMENT_I8
      case .float64, .float16, .bfloat16, .int64, .int32, .int16, .uint64, .uint32, .uint16, .bool, .bit,
        .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
        return nil
      }
      return Step(kernel: "pool_max") { frame in
        withUnsafePointer(to: shape) {
          bitline_pool_max(isa, element, $0, Int64(planes(frame.samples)), frame.values[Int(x.index)], frame.values[Int(y.index)])
        }
      }
    case .average:
      guard type(x).element == .float32 else { return nil }
      let last = a.kernel.count - 1
      guard let right = Int32(exactly: a.window.padAfter(last)), let bottom = Int32(exactly: last == 0 ? 0 : a.window.padAfter(0))
      else { return nil }
      return Step(kernel: "pool_average_f32") { frame in
        withUnsafePointer(to: shape) {
          bitline_pool_average_f32(
            isa, $0, a.countPadding ? 1 : 0, bottom, right, Int64(planes(frame.samples)), frame.read(x, as: Float.self),
            frame.write(y, as: Float.self))
        }
      }
    }
  }

  /// The mean over all axes from one on, which is pooling with a window as long as a row.
  func mean(_ a: Reduce, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    let rank = type(x).shape.rank
    guard a.kind == .mean, isRead(x, .float32), let first = a.axes.min(), first > 0, a.axes.sorted() == Array(first..<rank),
      let length = Int32(exactly: inner(x, first)), length > 0
    else { return nil }
    let planes = outer(x, first)
    let shape = bitline_conv_shape(
      channels: 1, height: 1, width: length, filters: 1, groups: 1, kernel_height: 1, kernel_width: length, stride_height: 1,
      stride_width: 1,
      dilation_height: 1, dilation_width: 1, pad_top: 0, pad_left: 0, out_height: 1, out_width: 1)
    return Step(kernel: "pool_average_f32") { frame in
      withUnsafePointer(to: shape) {
        bitline_pool_average_f32(
          isa, $0, 0, 0, 0, Int64(planes(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self))
      }
    }
  }
}
