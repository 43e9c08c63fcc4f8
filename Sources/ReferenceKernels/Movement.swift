import GraphIR

/// Ops that move elements and compute nothing.
extension Reference {
  /// ONNX Transpose: result axis `i` is operand axis `order[i]`.
  static func transpose(_ x: Tensor, _ order: [Int], _ shape: Shape) -> Tensor {
    let axes = Grid.axes(of: x.shape)
    return x.picking(Grid.offsets(order.map { axes[$0] }), shape)
  }

  /// ONNX Expand: axes are lined up at the last one; an axis of extent 1, or one that is missing, is repeated.
  static func expand(_ x: Tensor, to shape: Shape) -> Tensor {
    if x.shape == shape { return x }
    let missing = shape.rank - x.shape.rank
    let own = Grid.axes(of: x.shape)
    let axes = (0..<shape.rank).map { axis -> [Int] in
      if axis < missing || x.shape[axis - missing] == 1 { return [Int](repeating: 0, count: shape[axis]) }
      return own[axis - missing]
    }
    return x.picking(Grid.offsets(axes), shape)
  }

  /// ONNX Concat.
  static func concat(_ parts: [Tensor], axis: Int, _ type: TensorType) -> Tensor {
    let inner = type.shape.dimensions[(axis + 1)...].reduce(type.element.storageBytes, *)
    let outer = type.shape.dimensions[..<axis].reduce(1, *)
    return Tensor(type.element, type.shape) { bytes in
      var start = 0
      for index in 0..<outer {
        for part in parts {
          let length = part.shape[axis] * inner
          part.withBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + length])
              .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[index * length..<(index + 1) * length]))
          }
          start += length
        }
      }
    }
  }

  /// ONNX Slice, with everything resolved: elements `start, start + step, …` on each axis.
  static func slice(_ a: Slice, _ x: Tensor, _ shape: Shape) -> Tensor {
    let axes = zip(shape.dimensions, x.shape.strides).enumerated().map { axis, extent in
      (0..<extent.0).map { (a.starts[axis] + $0 * a.steps[axis]) * extent.1 }
    }
    return x.picking(Grid.offsets(axes), shape)
  }

  /// ONNX Pad. Negative pads crop first, and what is left is repeated, as onnxruntime does; where nothing is left the constant stands.
  /// The constant is converted to the element type as `cast` would.
  static func pad(_ a: Pad, _ x: Tensor, _ shape: Shape) -> Tensor {
    let strides = x.shape.strides
    let axes = (0..<shape.rank).map { axis in
      let first = max(-a.pads[axis], 0)
      let left = x.shape[axis] - first - max(-a.pads[axis + shape.rank], 0)
      return (0..<shape[axis]).map { index -> Int in
        let source = left > 0 ? padded(index - max(a.pads[axis], 0), extent: left, a.mode) : Grid.outside
        return source < 0 ? Grid.outside : (first + source) * strides[axis]
      }
    }
    return x.picking(Grid.offsets(axes), shape, fill: cast(.scalar(a.value), to: x.element))
  }

  /// The index that a padded axis shows at `index`, counted from its own begin.
  private static func padded(_ index: Int, extent: Int, _ mode: Pad.Mode) -> Int {
    switch mode {
    case .constant: return (0..<extent).contains(index) ? index : Grid.outside
    case .edge: return min(max(index, 0), extent - 1)
    case .reflect:
      let period = max(2 * (extent - 1), 1)
      let place = ((index % period) + period) % period
      return place < extent ? place : period - place
    case .wrap: return ((index % extent) + extent) % extent
    }
  }

  /// ONNX Gather: along `axis`, the rows that the indices name; a negative index counts from the end.
  static func gather(_ data: Tensor, _ indices: Tensor, axis: Int, _ shape: Shape) throws -> Tensor {
    let extent = data.shape[axis]
    var axes = Grid.axes(of: data.shape)
    axes[axis] = try indices.integers(as: Int.self).map { index in
      guard (-extent..<extent).contains(index) else {
        let hint = "indices run from \(-extent) to \(extent - 1)"
        throw Diagnostic(.badInput, "index \(index) is outside axis \(axis) of \(data.shape)", hint: hint)
      }
      return axes[axis][index < 0 ? index + extent : index]
    }
    return data.picking(Grid.offsets(axes), shape)
  }
}
