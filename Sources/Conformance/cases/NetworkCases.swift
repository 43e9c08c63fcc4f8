import GraphIR

/// The forms that one network comes in.
private enum Form: String, CaseIterable {
  /// Any weights, no codes.
  case float
  /// Codes in front of every layer, weights of ±alpha in each filter: what lowering passes turn into binary layers.
  case codes = "qdq"

  var weights: Draw { self == .float ? .spread(0.3) : .twoValued }
}

extension CaseBuilder {
  /// A number's way through six-bit codes and back, in the form that has them.
  fileprivate mutating func coded(_ x: ValueID, _ form: Form, scale: Float = 0.125) throws -> ValueID {
    if form == .float { return x }
    let step = constant(.scalar(scale))
    let codes = try self(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), x, step)
    return try self(.dequantize(AxisAttribute(axis: 1)), codes, step)
  }

  fileprivate mutating func conv(
    _ x: ValueID, filters: Int, kernel: Int, pad: Int, _ form: Form, _ activation: Activation = .none
  ) throws -> ValueID {
    let channels = type(of: x).shape[1]
    let window = Window(pads: [pad, pad, pad, pad])
    let (weights, bias) = (constant([filters, channels, kernel, kernel], .float32, form.weights), constant([filters]))
    return try self(.conv(Conv(window: window, activation: activation)), x, weights, bias)
  }

  fileprivate mutating func dense(_ x: ValueID, filters: Int, _ form: Form, _ activation: Activation = .none) throws -> ValueID {
    let (weights, bias) = (constant([filters, type(of: x).shape[1]], .float32, form.weights), constant([filters]))
    return try self(.dense(Dense(activation: activation)), x, weights, bias)
  }

  /// Scale and shift by channel, as batch normalisation is exported.
  fileprivate mutating func normalised(_ x: ValueID) throws -> ValueID {
    let channels = type(of: x).shape[1]
    let (scale, shift) = (constant([channels, 1, 1]), constant([channels, 1, 1]))
    return try self(.binary(.add), self(.binary(.mul), x, scale), shift)
  }
}

extension ConformanceSuite {
  static let networks: [Blueprint] =
    Form.allCases.map { form in
      Blueprint("mlp-\(form.rawValue)", batch: 5) { b in
        let x = try b.coded(b.input([20], .float32, .spread(4)), form)
        let hidden = try b.coded(b.unfused(b.dense(x, filters: 33, form)), form)
        let scores = try b.dense(hidden, filters: 10, form)
        b.output(try b(.softmax(AxisAttribute(axis: 1)), scores))
      }
    }
    + Form.allCases.map { form in
      Blueprint("lenet-\(form.rawValue)") { b in
        let x = try b.coded(b.input([1, 14, 14], .float32, .spread(4)), form)
        let first = try b.coded(b.unfused(b.conv(x, filters: 6, kernel: 5, pad: 2, form)), form)
        let pooled = try b(.pool(pool(.max, [2, 2], strides: [2, 2])), first)
        let second = try b.coded(b.conv(pooled, filters: 16, kernel: 3, pad: 0, form, .relu), form, scale: 0.5)
        let small = try b(.pool(pool(.max, [2, 2], strides: [2, 2])), second)
        let flat = try b(.reshape(Reshape(shape: [Shape.free, 64])), small)
        b.output(try b.dense(flat, filters: 10, form))
      }
    }
    + Form.allCases.map { form in
      Blueprint("residual-\(form.rawValue)") { b in
        let x = try b.coded(b.input([5, 6, 6], .float32, .spread(4)), form)
        let first = try b.coded(b.unfused(b.normalised(b.conv(x, filters: 17, kernel: 3, pad: 1, form))), form)
        let second = try b.normalised(b.conv(first, filters: 17, kernel: 3, pad: 1, form))
        let sum = try b.coded(b.unfused(b(.binary(.add), first, second)), form, scale: 0.5)
        let means = try b(reduce(.mean, [2, 3], keepAxes: false), sum)
        b.output(try b.dense(b.coded(means, form), filters: 10, form))
      }
    } + [
      Blueprint("cnn-of-no-samples", batch: 0) { b in
        let x = b.input([3, 8, 8])
        let y = try b.conv(x, filters: 4, kernel: 3, pad: 1, .float, .relu)
        let pooled = try b(.pool(pool(.max, [2, 2], strides: [2, 2])), y)
        let flat = try b(.reshape(Reshape(shape: [Shape.free, 64])), pooled)
        b.output(try b.dense(flat, filters: 3, .float))
      },
      Blueprint("binary-cnn") { b in
        let x = b.input([3, 8, 8], .uint8, .whole(0...63))
        let sums = try b(binaryConv(Window(pads: [1, 1, 1, 1]), tile: 14, .adc(bits: 7, lsb: 14)), x, b.constant([16, 3, 3, 3], .bit))
        let y = try b(.rescale(Rescale(activation: .relu)), sums, b.constant([16]), b.constant([16]))
        let codes = try b(.quantize(Quantize(to: .uint8, lo: 0, hi: 63)), y, b.constant(.scalar(0.5)))
        let pooled = try b(.pool(pool(.max, [2, 2], strides: [2, 2])), codes)
        let flat = try b(.reshape(Reshape(shape: [Shape.free, 256])), pooled)
        let scores = try b(binaryDense(tile: 64, .adc(bits: 7, lsb: 64)), flat, b.constant([10, 256], .bit))
        b.output(try b(.rescale(Rescale()), scores, b.constant([10]), b.constant([10])))
      },
    ]
}

extension CaseBuilder {
  /// A relu as a node of its own.
  fileprivate mutating func unfused(_ x: ValueID) throws -> ValueID { try self(.unary(.relu), x) }
}
