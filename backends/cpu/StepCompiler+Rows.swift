import CCPUKernels
import GraphIR

extension StepCompiler {
  /// The parameters of (de)quantization: as many scales and zero points as channels.
  private struct AxisParameters {
    let outer: Extent
    let channels: Int
    let inner: Extent
    /// Scales as f32, then zero points as i32.
    let packed: PackedBytes
    let hasZero: Bool

    func scales() -> UnsafePointer<Float> { packed.elements(Float.self) }
    func zeros() -> UnsafePointer<Int32>? { hasZero ? packed.elements(Int32.self) + channels : nil }
  }

  /// Nil where a parameter is not constant, or runs along the batch.
  private func axisParameters(_ node: Node, axis: Int) -> AxisParameters? {
    let x = node.operands[0]
    guard isVariable[Int(x.index)], let scale = constant(node.operands[1]), scale.element == .float32 else { return nil }
    let zero = node.operands.count == 3 ? constant(node.operands[2])?.integers : []
    guard let zero else { return nil }
    let isScalar = scale.count == 1 && zero.count <= 1
    if !isScalar && axis == 0 { return nil }
    let channels = isScalar ? 1 : type(x).shape[axis]
    let scales = scale.floats.count == channels ? scale.floats : [Float](repeating: scale.floats.first ?? 1, count: channels)
    let zeros = zero.count == channels ? zero : [Int](repeating: zero.first ?? 0, count: zero.isEmpty ? 0 : channels)
    let packed = packer.pack(scales.map(\.bitPattern) + zeros.map { UInt32(bitPattern: Int32(truncatingIfNeeded: $0)) })
    return AxisParameters(
      outer: isScalar ? Extent(count: 1, isPerSample: false) : outer(x, axis), channels: channels,
      inner: isScalar ? count(x) : Extent(count: inner(x, axis + 1), isPerSample: false), packed: packed, hasZero: !zero.isEmpty)
  }

  func quantize(_ a: Quantize, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard a.to == .uint8 || a.to == .int8, let p = axisParameters(node, axis: a.axis) else { return nil }
    return Step(kernel: "quantize_f32", packedBytes: p.packed.bytes.count) { frame in
      bitline_quantize_f32(
        isa, Int64(p.outer(frame.samples)), Int64(p.channels), Int64(p.inner(frame.samples)), frame.read(x, as: Float.self), p.scales(),
        p.zeros(), Int32(a.lo), Int32(a.hi), frame.write(y, as: UInt8.self))
    }
  }

  func dequantize(_ a: AxisAttribute, _ node: Node) -> Step? {
    let (q, y, isa) = (node.operands[0], node.results[0], level.isa)
    let element = type(q).element
    guard element == .uint8 || element == .int8 || element == .bit, let p = axisParameters(node, axis: a.axis) else { return nil }
    return Step(kernel: "dequantize", packedBytes: p.packed.bytes.count) { frame in
      let (outer, channels, inner) = (Int64(p.outer(frame.samples)), Int64(p.channels), Int64(p.inner(frame.samples)))
      let result = frame.write(y, as: Float.self)
      if element == .uint8 {
        bitline_dequantize_u8(isa, outer, channels, inner, frame.read(q, as: UInt8.self), p.scales(), p.zeros(), result)
      } else {
        bitline_dequantize_i8(isa, outer, channels, inner, frame.read(q, as: Int8.self), p.scales(), p.zeros(), result)
      }
    }
  }

  func activation(_ activation: Activation, _ node: Node) -> Step? {
    let (x, y, isa) = (node.operands[0], node.results[0], level.isa)
    guard isRead(x, .float32) else { return nil }
    let (count, activation) = (count(x), activation.kernelActivation)
    return Step(kernel: "activation_f32") { frame in
      bitline_activation_f32(isa, activation, Int64(count(frame.samples)), frame.read(x, as: Float.self), frame.write(y, as: Float.self))
    }
  }

  func binary(_ kind: BinaryKind, _ node: Node) -> Step? {
    let kernel: bitline_binary_kind
    switch kind {
    case .add: kernel = BITLINE_BINARY_ADD
    case .sub: kernel = BITLINE_BINARY_SUB
    case .mul: kernel = BITLINE_BINARY_MUL
    case .div: kernel = BITLINE_BINARY_DIV
    case .pow, .min, .max, .remainder, .and, .or, .xor, .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: return nil
    }
    let commutes = kind == .add || kind == .mul
    return binary(kernel, node, node.operands[0], node.operands[1])
      ?? (commutes ? binary(kernel, node, node.operands[1], node.operands[0]) : nil) ?? broadcastBinary(kernel, node)
  }

  /// `a` has the result's shape; `b` too, or it repeats along outer and inner axes.
  private func binary(_ kernel: bitline_binary_kind, _ node: Node, _ a: ValueID, _ b: ValueID) -> Step? {
    let (y, isa) = (node.results[0], level.isa)
    let (shape, other) = (type(y).shape, type(b).shape)
    guard isRead(a, .float32), type(a).shape == shape else { return nil }
    if isRead(b, .float32), other == shape {
      let count = count(y)
      return Step(kernel: "binary_f32") { frame in
        bitline_binary_f32(
          isa, kernel, Int64(count(frame.samples)), 1, 1, 0, frame.read(a, as: Float.self), frame.read(b, as: Float.self),
          frame.write(y, as: Float.self))
      }
    }
    guard let constant = constant(b), shape.rank > 0 else { return nil }
    // Lined up at the last axis, the axes along which `b` does not repeat must be neighbours, behind the batch.
    let aligned = [Int](repeating: 1, count: shape.rank - other.rank) + other.dimensions
    let own = aligned.indices.filter { aligned[$0] != 1 }
    let first = own.first ?? 1
    let end = own.last.map { $0 + 1 } ?? 1
    guard first > 0 || !isPerSample(y), aligned[min(first, end)..<end] == shape.dimensions[min(first, end)..<end] else { return nil }
    let packed = packer.pack(constant.floats)
    let (outer, inner) = (outer(y, min(first, shape.rank)), inner(y, min(end, shape.rank)))
    return Step(kernel: "binary_f32", packedBytes: packed.bytes.count) { frame in
      bitline_binary_f32(
        isa, kernel, Int64(outer(frame.samples)), Int64(constant.count), Int64(inner), 1, frame.read(a, as: Float.self),
        packed.elements(Float.self), frame.write(y, as: Float.self))
    }
  }

  func concat(_ a: AxisAttribute, _ node: Node) -> Step? {
    let y = node.results[0]
    guard a.axis > 0, node.operands.allSatisfy({ isVariable[Int($0.index)] }) else { return nil }
    let elementBytes = type(y).element.storageBytes
    let parts = node.operands.map { (index: Int($0.index), bytes: inner($0, a.axis) * elementBytes) }
    let (rows, rowBytes) = (outer(y, a.axis), inner(y, a.axis) * elementBytes)
    return Step(kernel: "concat") { frame in
      var start = 0
      for part in parts {
        for row in 0..<rows(frame.samples) {
          (frame.values[Int(y.index)] + row * rowBytes + start).copyMemory(
            from: frame.values[part.index] + row * part.bytes, byteCount: part.bytes)
        }
        start += part.bytes
      }
    }
  }
}
