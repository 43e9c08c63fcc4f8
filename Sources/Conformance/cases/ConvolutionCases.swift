import GraphIR

/// A convolution in numbers.
private struct ConvShape {
  var channels: Int
  var filters: Int
  var kernel: [Int]
  var plane: [Int]
  var strides: [Int] = []
  var pads: [Int] = []
  var dilations: [Int] = []
  var groups = 1

  var name: String {
    func part(_ word: String, _ numbers: [Int]) -> String {
      numbers.isEmpty ? "" : "-\(word)-\(numbers.map(String.init).joined(separator: "x"))"
    }
    return "\(channels)-to-\(filters)" + part("kernel", kernel) + part("plane", plane) + part("strides", strides) + part("pads", pads)
      + part("dilations", dilations) + (groups == 1 ? "" : "-groups-\(groups)")
  }

  var window: Window { Window(strides: strides, pads: pads, dilations: dilations) }
  var weights: Shape { Shape([filters, channels / groups] + kernel) }
}

extension ConformanceSuite {
  /// Channels and filters around the widths of vector units, and every attribute of a window.
  private static let convShapes: [ConvShape] = [
    ConvShape(channels: 1, filters: 1, kernel: [1, 1], plane: [1, 1]),
    ConvShape(channels: 1, filters: 17, kernel: [5, 5], plane: [8, 9], pads: [2, 2, 2, 2]),
    ConvShape(channels: 3, filters: 16, kernel: [3, 3], plane: [9, 7], pads: [1, 1, 1, 1]),
    ConvShape(channels: 3, filters: 33, kernel: [5, 5], plane: [11, 11], strides: [2, 2]),
    ConvShape(channels: 16, filters: 3, kernel: [3, 3], plane: [6, 6]),
    ConvShape(channels: 16, filters: 16, kernel: [1, 1], plane: [5, 7]),
    ConvShape(channels: 17, filters: 33, kernel: [1, 1], plane: [4, 4], strides: [2, 2]),
    ConvShape(channels: 17, filters: 5, kernel: [3, 3], plane: [7, 5], strides: [2, 1], pads: [1, 0, 0, 1]),
    ConvShape(channels: 33, filters: 17, kernel: [3, 3], plane: [5, 5], pads: [1, 1, 1, 1]),
    ConvShape(channels: 33, filters: 1, kernel: [5, 5], plane: [5, 5]),
    ConvShape(channels: 3, filters: 5, kernel: [3, 3], plane: [9, 9], dilations: [2, 3]),
    ConvShape(channels: 3, filters: 5, kernel: [3, 3], plane: [7, 8], strides: [3, 2], pads: [2, 3, 1, 0], dilations: [2, 1]),
    ConvShape(channels: 4, filters: 6, kernel: [1, 5], plane: [3, 33], pads: [0, 2, 0, 2]),
    ConvShape(channels: 4, filters: 6, kernel: [3, 1], plane: [33, 3], pads: [1, 0, 1, 0]),
    ConvShape(channels: 3, filters: 4, kernel: [3, 3], plane: [2, 2], pads: [3, 3, 3, 3]),
    ConvShape(channels: 6, filters: 4, kernel: [3, 3], plane: [5, 5], pads: [1, 1, 1, 1], groups: 2),
    ConvShape(channels: 33, filters: 66, kernel: [1, 1], plane: [3, 3], groups: 33),
    ConvShape(channels: 16, filters: 16, kernel: [3, 3], plane: [6, 6], pads: [1, 1, 1, 1], groups: 16),
    ConvShape(channels: 17, filters: 17, kernel: [5, 5], plane: [7, 7], strides: [2, 2], pads: [2, 2, 2, 2], groups: 17),
    ConvShape(channels: 3, filters: 5, kernel: [3], plane: [17], strides: [2], pads: [1, 1]),
    ConvShape(channels: 17, filters: 16, kernel: [5], plane: [33], dilations: [2]),
    ConvShape(channels: 2, filters: 3, kernel: [2, 3, 1], plane: [3, 4, 2], pads: [1, 0, 0, 0, 1, 1]),
  ]

  static let convolutions: [Blueprint] =
    convShapes.map { shape in
      Blueprint(shape.name) { b in
        let x = b.input([shape.channels] + shape.plane)
        b.output(try b(.conv(Conv(window: shape.window, groups: shape.groups)), x, b.constant(shape.weights)))
      }
    }
    + [("relu", Activation.relu), ("clip", .clip(-0.5, 1.25))].map { name, activation in
      Blueprint("bias-\(name)") { b in
        let x = b.input([3, 6, 6])
        let conv = Conv(window: Window(pads: [1, 1, 1, 1]), activation: activation)
        b.output(try b(.conv(conv), x, b.constant([17, 3, 3, 3]), b.constant([17])))
      }
    }
    + [DataType.float16, .bfloat16, .float64].map { element in
      Blueprint(element.rawValue) { b in
        let x = b.input([3, 5, 5], element)
        b.output(try b(.conv(Conv()), x, b.constant([4, 3, 3, 3], element), b.constant([4], element)))
      }
    } + [
      Blueprint("chain-of-three", batch: 5) { b in
        let x = b.input([3, 9, 9])
        let conv = Conv(window: Window(pads: [1, 1, 1, 1]), activation: .relu)
        let first = try b(.conv(conv), x, b.constant([16, 3, 3, 3]), b.constant([16]))
        let pooled = try b(.pool(pool(.max, [2, 2], strides: [2, 2])), first)
        b.output(try b(.conv(Conv()), pooled, b.constant([5, 16, 3, 3])))
      },
      Blueprint("weights-as-input") { b in
        let x = b.input([3, 5, 5])
        let weights = b.fixedInput([4, 3, 3, 3])
        b.output(try b(.conv(Conv()), x, weights))
      },
      Blueprint("of-nan-and-infinity") { b in
        let x = b.input([2, 5, 5], .float32, .special([.nan, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, .infinity]))
        b.output(try b(.conv(Conv(window: Window(), activation: .relu)), x, b.constant([3, 2, 3, 3])))
      },
      Blueprint("larger-than-a-block", batch: 2) { b in
        let x = b.input([67, 17, 19])
        let conv = Conv(window: Window(pads: [1, 1, 1, 1]), activation: .relu)
        b.output(try b(.conv(conv), x, b.constant([70, 67, 3, 3]), b.constant([70])))
      },
      Blueprint("batch-of-one", batch: 1) { b in
        let x = b.input([16, 7, 7])
        b.output(try b(.conv(Conv(window: Window(pads: [1, 1, 1, 1]))), x, b.constant([16, 16, 3, 3])))
      },
    ]
}
