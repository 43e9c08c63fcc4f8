import GraphIR

/// How the inputs of a binary layer are cut and read.
private struct Tiling {
  var name: String
  /// The tile for so many inputs.
  var tile: @Sendable (Int) -> Int
  var readout: Readout
  var isReordered = false

  static let all = [
    Tiling(name: "untiled", tile: { _ in 0 }, readout: .exact),
    Tiling(name: "one-tile-7-bits", tile: { $0 }, readout: .adc(bits: 7, lsb: 13)),
    Tiling(name: "tiles-of-64-7-bits", tile: { min($0, 64) }, readout: .adc(bits: 7, lsb: 18)),
    Tiling(name: "even-halves-5-bits", tile: { ($0 + 1) / 2 }, readout: .adc(bits: 5, lsb: 2), isReordered: true),
    Tiling(name: "tiles-of-9", tile: { min($0, 9) }, readout: .exact, isReordered: true),
    Tiling(name: "tiles-of-one-4-bits", tile: { _ in 1 }, readout: .adc(bits: 4, lsb: 8)),
    Tiling(name: "tiles-of-16-fine-lsb", tile: { min($0, 16) }, readout: .adc(bits: 12, lsb: 0.3)),
    Tiling(name: "tiles-of-20-eleven-levels", tile: { min($0, 20) }, readout: .adc(bits: 4, lsb: 9, top: 5)),
    Tiling(name: "tiles-of-6-by-comparator", tile: { min($0, 6) }, readout: .adc(bits: 1, lsb: 4), isReordered: true),
    Tiling(name: "tiles-of-64-by-comparator", tile: { min($0, 64) }, readout: .adc(bits: 1, lsb: 0.7)),
  ]
}

/// What codes a binary layer is given.
private enum Codes: String, CaseIterable {
  case sixBits = "u6"
  case sixBitsSigned = "s6"
  case fullUnsigned = "u8"
  case fullSigned = "i8"

  var element: DataType { self == .sixBits || self == .fullUnsigned ? .uint8 : .int8 }

  var range: ClosedRange<Int> {
    switch self {
    case .sixBits: 0...63
    case .sixBitsSigned: -63...63
    case .fullUnsigned: 0...255
    case .fullSigned: -128...127
    }
  }
}

private struct BinaryConvShape {
  var channels: Int
  var filters: Int
  var kernel: [Int]
  var plane: [Int]
  var window = Window()

  var name: String { "\(channels)-to-\(filters)-kernel-\(kernel.map(String.init).joined(separator: "x"))" }
}

extension ConformanceSuite {
  private static let convShapes = [
    BinaryConvShape(channels: 1, filters: 17, kernel: [5, 5], plane: [7, 7], window: Window(pads: [2, 2, 2, 2])),
    BinaryConvShape(channels: 3, filters: 16, kernel: [3, 3], plane: [6, 5], window: Window(pads: [1, 1, 1, 1])),
    BinaryConvShape(channels: 16, filters: 3, kernel: [3, 3], plane: [7, 7], window: Window(strides: [2, 2], pads: [1, 0, 0, 1])),
    BinaryConvShape(channels: 17, filters: 33, kernel: [1, 1], plane: [3, 5]),
    BinaryConvShape(channels: 33, filters: 5, kernel: [3, 3], plane: [5, 5], window: Window(pads: [1, 1, 1, 1])),
    BinaryConvShape(channels: 33, filters: 1, kernel: [5, 5], plane: [5, 6]),
    BinaryConvShape(channels: 64, filters: 16, kernel: [1, 1], plane: [2, 2], window: Window(strides: [2, 1])),
    BinaryConvShape(channels: 5, filters: 4, kernel: [3, 3], plane: [7, 7], window: Window(dilations: [2, 3])),
    BinaryConvShape(channels: 3, filters: 6, kernel: [5], plane: [17], window: Window(strides: [2], pads: [2, 1])),
  ]

  static let binaryConvolutions: [Blueprint] =
    convShapes.enumerated().flatMap { number, shape in
      Tiling.all.enumerated().map { place, tiling in
        // Each shape meets each tiling; codes take turns.
        let codes = Codes.allCases[(number + place) % Codes.allCases.count]
        return Blueprint("\(shape.name)-\(codes.rawValue)-\(tiling.name)") { b in
          let x = b.input([shape.channels] + shape.plane, codes.element, .whole(codes.range))
          let inputs = shape.channels * shape.kernel.reduce(1, *)
          var operands = [x, b.constant(Shape([shape.filters, shape.channels] + shape.kernel), .bit)]
          if tiling.isReordered { operands.append(b.order(of: inputs)) }
          b.output(try b(binaryConv(shape.window, tile: tiling.tile(inputs), tiling.readout), operands))
        }
      }
    } + [
      Blueprint("one-of-everything", batch: 1) { b in
        let x = b.input([1, 1, 1], .uint8, .whole(63...63))
        b.output(try b(binaryConv(Window(), tile: 1, .adc(bits: 2, lsb: 100)), x, b.constant([1, 1, 1, 1], .bit)))
      },
      Blueprint("larger-than-a-block", batch: 2) { b in
        let x = b.input([67, 17, 9], .uint8, .whole(0...63))
        let conv = binaryConv(Window(pads: [1, 1, 1, 1]), tile: 61, .adc(bits: 7, lsb: 61))
        b.output(try b(conv, x, b.constant([70, 67, 3, 3], .bit)))
      },
      Blueprint("largest-sums") { b in
        let x = b.input([130, 3, 3], .uint8, .whole(255...255))
        b.output(try b(binaryConv(Window()), x, b.constant([17, 130, 3, 3], .bit, .whole(1...1))))
      },
      Blueprint("of-quantized-numbers", batch: 5) { b in
        let x = b.input([3, 6, 6])
        let codes = try b(.quantize(Quantize(to: .int8, lo: -63, hi: 63)), x, b.constant(.scalar(0.05)))
        let sums = try b(binaryConv(Window(pads: [1, 1, 1, 1]), tile: 14, .adc(bits: 7, lsb: 7)), codes, b.constant([16, 3, 3, 3], .bit))
        let y = try b(.rescale(Rescale(activation: .relu)), sums, b.constant([16]), b.constant([16]))
        b.output(try b(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), y, b.constant(.scalar(0.25))))
      },
    ]

  static let binaryDenseLayers: [Blueprint] =
    [(1, 1), (3, 17), (17, 16), (33, 3), (64, 33), (65, 10), (200, 17)].enumerated().flatMap { number, shape in
      Tiling.all.enumerated().map { place, tiling in
        let codes = Codes.allCases[(number + place) % Codes.allCases.count]
        return Blueprint("\(shape.0)-to-\(shape.1)-\(codes.rawValue)-\(tiling.name)") { b in
          let x = b.input([shape.0], codes.element, .whole(codes.range))
          var operands = [x, b.constant([shape.1, shape.0], .bit)]
          if tiling.isReordered { operands.append(b.order(of: shape.0)) }
          b.output(try b(binaryDense(tile: tiling.tile(shape.0), tiling.readout), operands))
        }
      }
    } + [
      Blueprint("batch-of-seventeen", batch: 17) { b in
        let x = b.input([65], .uint8, .whole(0...63))
        b.output(try b(binaryDense(tile: 33, .adc(bits: 7, lsb: 11)), x, b.constant([17, 65], .bit)))
      },
      Blueprint("larger-than-a-block", batch: 9) { b in
        let x = b.input([1030], .int8, .whole(-63...63))
        b.output(try b(binaryDense(tile: 64, .adc(bits: 7, lsb: 20)), x, b.constant([131, 1030], .bit), b.order(of: 1030)))
      },
      Blueprint("largest-sums") { b in
        let (x, y) = (b.input([1030], .uint8, .whole(255...255)), b.input([1030], .int8, .whole(-128 ... -128)))
        let weights = b.constant([17, 1030], .bit, .whole(1...1))
        b.output(try b(binaryDense(), x, weights))
        b.output(try b(binaryDense(tile: 515, .adc(bits: 24, lsb: 1)), y, weights))
        b.output(try b(binaryDense(), x, b.constant([17, 1030], .bit, .whole(-1 ... -1))))
      },
      Blueprint("order-as-input") { b in
        let x = b.input([3], .uint8, .whole(0...63))
        let order = b.fixedInput([3], .int32, .special([2, 0, 1]))
        b.output(try b(binaryDense(tile: 2, .adc(bits: 4, lsb: 5)), x, b.constant([4, 3], .bit), order))
      },
    ]

  static let rescales: [Blueprint] =
    [Activation.none, .relu, .clip(-1, 6)].enumerated().flatMap { number, activation in
      [1, 2, 3].map { bases in
        Blueprint("bases-\(bases)-activation-\(number)") { b in
          var operands: [ValueID] = []
          for _ in 0..<bases {
            operands.append(b.input([17, 3, 3], .int32, .whole(-40_000_000...40_000_000)))
            operands.append(b.constant([17], .float32, .spread(1e-6)))
          }
          operands.append(b.constant([17]))
          b.output(try b(.rescale(Rescale(activation: activation)), operands))
        }
      }
    } + [
      Blueprint("of-a-dense-layer-of-two-bases") { b in
        let x = b.input([65], .uint8, .whole(0...63))
        let first = try b(binaryDense(tile: 33, .adc(bits: 7, lsb: 33)), x, b.constant([10, 65], .bit))
        let second = try b(binaryDense(tile: 33, .adc(bits: 7, lsb: 33)), x, b.constant([10, 65], .bit))
        b.output(try b(.rescale(Rescale()), [first, b.constant([10]), second, b.constant([10]), b.constant([10])]))
      },
      Blueprint("sums-used-twice") { b in
        let x = b.input([9], .int8, .whole(-63...63))
        let sums = try b(binaryDense(), x, b.constant([5, 9], .bit))
        b.output(sums)
        b.output(try b(.rescale(Rescale()), sums, b.constant([5]), b.constant([5])))
      },
    ]
}
