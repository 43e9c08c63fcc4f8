import GraphIR

extension ConformanceSuite {
  /// Multiples of a half: every other one is a tie for a scale of 1.
  private static let halves = Draw.special((-45..<45).map { Float($0) / 2 })

  static let quantizations: [Blueprint] =
    [
      ("u8", Quantize(to: .uint8, lo: 0, hi: 255)), ("six-bits", Quantize(to: .uint8, lo: 0, hi: 63)),
      ("i8", Quantize(to: .int8, lo: -128, hi: 127)), ("six-bits-signed", Quantize(to: .int8, lo: -63, hi: 63)),
      ("i16", Quantize(to: .int16, lo: -32768, hi: 32767)), ("i32", Quantize(to: .int32, lo: Int(Int32.min), hi: Int(Int32.max))),
    ].flatMap { name, quantize in
      [("ties", 1 as Float, halves), ("edges", 0.1, .edges), ("spread", 0.037, .spread(6))].map { draws, scale, draw in
        Blueprint("\(name)-\(draws)") { b in
          let x = b.input([33], .float32, draw)
          let codes = try b(.quantize(quantize), x, b.constant(.scalar(scale)))
          b.output(try b(.dequantize(AxisAttribute(axis: 1)), codes, b.constant(.scalar(scale))))
        }
      }
    }
    + [DataType.uint8, .int8].map { element in
      Blueprint("zero-point-\(element.rawValue)") { b in
        let x = b.input([33], .float32, .spread(9))
        let (scale, zero) = (b.constant(.scalar(0.05)), b.constant([], element, .whole(3...100)))
        let range = element.integerRange ?? 0...255
        let codes = try b(.quantize(Quantize(to: element, lo: range.lowerBound, hi: range.upperBound)), x, scale, zero)
        b.output(try b(.dequantize(AxisAttribute(axis: 1)), codes, scale, zero))
      }
    } + [
      Blueprint("by-channel") { b in
        let x = b.input([5, 3, 3])
        let scales = b.constant(.vector([0.1, 0.25, 0.01, 3, 0.5]))
        let zeros = b.constant([5], .int8, .whole(-9...9))
        let codes = try b(.quantize(Quantize(to: .int8, lo: -128, hi: 127, axis: 1)), x, scales, zeros)
        b.output(try b(.dequantize(AxisAttribute(axis: 1)), codes, scales, zeros))
      },
      Blueprint("by-last-axis") { b in
        let x = b.input([2, 3])
        let scales = b.constant(.vector([0.1, 0.25, 0.01]))
        b.output(try b(.quantize(Quantize(to: .uint8, lo: 0, hi: 255, axis: 2)), x, scales))
      },
      Blueprint("dequantize-bits") { b in
        let x = b.input([2, 3], .bit, .spread(1))
        b.output(try b(.dequantize(AxisAttribute(axis: 1)), x, b.constant(.vector([0.75, 0.1]))))
      },
      Blueprint("dequantize-int32") { b in
        let x = b.input([7], .int32, .whole(Int(Int32.min)...Int(Int32.max)))
        b.output(try b(.dequantize(AxisAttribute(axis: 1)), x, b.constant(.scalar(0.001))))
      },
      Blueprint("behind-a-convolution") { b in
        let x = b.input([3, 6, 6])
        let y = try b(.conv(Conv(window: Window(), activation: .relu)), x, b.constant([17, 3, 3, 3]), b.constant([17]))
        b.output(try b(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), y, b.constant(.scalar(0.0625))))
      },
      Blueprint("pooled-codes") { b in
        let x = b.input([3, 6, 6])
        let codes = try b(.quantize(Quantize(to: .int8, lo: -63, hi: 63)), x, b.constant(.scalar(0.05)))
        let pooled = try b(.pool(pool(.max, [2, 2], strides: [2, 2])), codes)
        let flat = try b(.reshape(Reshape(shape: [Shape.free, 27])), pooled)
        b.output(try b(.dequantize(AxisAttribute(axis: 1)), flat, b.constant(.scalar(0.05))))
      },
    ]
}
