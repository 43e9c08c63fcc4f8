import GraphIR

/// Step 1 of the numeric contract. A division is charged as a multiplication, each bound as an addition.
struct QuantizeKernel: Kernel {
  let attributes: Quantize

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let x = operands[0]
    let scales = operands[1].elements(Float.self)
    let zeros = (operands.count == 3 ? operands[2].integers : nil) ?? [0]
    let run = axisRun(x.shape, attributes.axis)
    let parameters = max(scales.count, zeros.count)
    tally.elements(x.count, loads: 1, bits: 32, resultBits: 8)
    tally.operate(floatMultiplies: x.count, int32Adds: 2 * x.count)
    tally.parameters(uses: x.count, distinct: parameters, settings.reuse)
    return Tensor(attributes.to, x.shape) { bytes in
      x.withElements(Float.self) { x in
        for index in x.indices {
          let place = parameters == 1 ? 0 : index / run % parameters
          let steps = (x[index] / scales[scales.count == 1 ? 0 : place]).rounded(.toNearestOrEven)
          // Codes and zero points are within 8 bits, so a farther quotient is beyond every bound.
          let near = steps.isNaN ? 0 : Int(min(max(steps, -65536), 65536))
          let code = min(max(near + zeros[zeros.count == 1 ? 0 : place], attributes.lo), attributes.hi)
          bytes[index] = UInt8(truncatingIfNeeded: code)
        }
      }
    }
  }
}

/// Codes back to numbers.
struct DequantizeKernel: Kernel {
  let axis: Int

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let q = operands[0]
    let scales = operands[1].elements(Float.self)
    let zeros = (operands.count == 3 ? operands[2].integers : nil) ?? [0]
    let run = axisRun(q.shape, axis)
    let parameters = max(scales.count, zeros.count)
    let isSigned = q.element == .int8
    tally.elements(q.count, loads: 1, bits: 8, resultBits: 32)
    tally.operate(floatMultiplies: q.count, int32Adds: q.count)
    tally.parameters(uses: q.count, distinct: parameters, settings.reuse)
    return .filled(.float32, q.shape, as: Float.self) { y in
      q.withBytes { codes in
        for index in codes.indices {
          let place = parameters == 1 ? 0 : index / run % parameters
          let code = isSigned ? Float(Int8(bitPattern: codes[index])) : Float(codes[index])
          y[index] = (code - Float(zeros[zeros.count == 1 ? 0 : place])) * scales[scales.count == 1 ? 0 : place]
        }
      }
    }
  }
}

/// Steps 5 and 6: sums to numbers. The conversion from i32 is not charged.
struct RescaleKernel: Kernel {
  let activation: Activation

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let sums = operands[0]
    let filters = sums.shape[1]
    let places = sums.shape.dimensions.dropFirst(2).reduce(1, *)
    let bases = operands.count / 2
    tally.elements(sums.count, loads: bases, bits: 32, resultBits: 32)
    tally.operate(floatMultiplies: bases * sums.count, floatAdds: bases * sums.count, int32Adds: activation.bounds * sums.count)
    tally.parameters(uses: (bases + 1) * sums.count, distinct: (bases + 1) * filters, settings.reuse)
    let offsets = operands[operands.count - 1].elements(Float.self)
    return .filled(.float32, sums.shape, as: Float.self) { y in
      for base in 0..<bases {
        let factors = operands[2 * base + 1].elements(Float.self)
        operands[2 * base].withPointer(Int32.self) { sums in
          for plane in 0..<operands[0].shape[0] * filters {
            let factor = factors[plane % filters]
            for index in plane * places..<(plane + 1) * places {
              let product = Float(sums[index]) * factor
              y[index] = base == 0 ? product : y[index] + product
            }
          }
        }
      }
      for plane in 0..<sums.shape[0] * filters {
        let offset = offsets[plane % filters]
        for index in plane * places..<(plane + 1) * places { y[index] = activation(y[index] + offset) }
      }
    }
  }
}

/// How many elements in a row share one index of `axis`.
private func axisRun(_ shape: Shape, _ axis: Int) -> Int { axis < shape.rank ? shape.dimensions[(axis + 1)...].reduce(1, *) : 1 }
