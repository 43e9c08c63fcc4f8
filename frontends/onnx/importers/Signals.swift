import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension OperatorTable {
  /// Transforms of signals: products with matrices, and windows, that are known at import. They are computed in f64 and rounded once.
  static let signals: [OperatorEntry] = [
    window("HannWindow", [0.5, 0.5]), window("HammingWindow", [25.0 / 46, 21.0 / 46]), window("BlackmanWindow", [0.42, 0.5, 0.08]),
    OperatorEntry("DFT", 17...19, inputs: 1...2, ["axis": .int, "inverse": .int, "onesided": .int]) { node, builder in
      [try importTransform(node, axis: node.attributes.int("axis", default: 1), &builder)]
    },
    OperatorEntry("DFT", .since(20), inputs: 1...3, ["inverse": .int, "onesided": .int]) { node, builder in
      let axis = try node.optional(2).map { try builder.number($0, "the axis") } ?? -2
      return [try importTransform(node, axis: Int(exactly: axis) ?? Int(Int32.max), &builder)]
    },
    OperatorEntry("STFT", .since(17), inputs: 2...4, ["onesided": .int], importShortTime),
    OperatorEntry("MelWeightMatrix", .since(17), inputs: 5...5, ["output_datatype": .int], importMelWeights),
  ]

  /// The longest signal that is transformed by a matrix.
  private static let lengthLimit = 1 << 10

  /// A sum of cosines with alternating signs.
  private static func window(_ name: String, _ factors: [Double]) -> OperatorEntry {
    OperatorEntry(name, .since(17), inputs: 1...1, ["output_datatype": .int, "periodic": .int]) { node, builder in
      let size = try builder.number(node[0], "the size")
      guard let count = Int(exactly: size), (0...placeTableLimit).contains(count) else { throw Diagnostic(.badInput, "a size of \(size)") }
      let isPeriodic = try node.attributes.flag("periodic", default: true)
      let period = Double(max(isPeriodic ? count : count - 1, 1))
      let values = (0..<count).map { place in
        factors.enumerated().reduce(0.0) { sum, term in
          sum + (term.offset % 2 == 0 ? 1 : -1) * term.element * cos(2 * Double.pi * Double(term.offset) * Double(place) / period)
        }
      }
      return [builder.constant(.vector(values, try outputType(node)))]
    }
  }

  private static func outputType(_ node: ImportedNode) throws -> DataType {
    let type = try OnnxElement.named(Int32(clamping: node.attributes.int("output_datatype", default: 1))).requireDataType()
    guard type.isFloat else { throw Diagnostic(.unsupported, "an output of \(type.rawValue) is not supported") }
    return type
  }

  private static func importTransform(_ node: ImportedNode, axis given: Int, _ builder: inout GraphBuilder) throws -> ValueID {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    let axis = try normalizedAxis(given, rank: shape.count)
    let inverse = try node.attributes.flag("inverse", default: false)
    let onesided = try node.attributes.flag("onesided", default: false)
    guard let parts = shape.last, axis < shape.count - 1, (1...2).contains(parts), builder.element(x).isFloat else {
      throw Diagnostic(.badInput, "it takes [batch, …, 1 or 2] floats, not \(builder.type(x))")
    }
    let usual = inverse && onesided ? 2 * (shape[axis] - 1) : shape[axis]
    let said = try node.optional(1).map { try builder.number($0, "the length") } ?? Double(usual)
    guard let length = Int(exactly: said), (1...lengthLimit).contains(length), shape[axis] != Shape.free else {
      throw Diagnostic(.unsupported, "a transform of length \(said); 1 to \(lengthLimit) are supported")
    }
    let wanted = inverse && onesided ? length / 2 + 1 : length
    let used = min(shape[axis], wanted)
    let cropped = try builder.slice(builder.cast(x, to: .float64), axis: axis, from: 0, count: used)
    let rule = FourierRule(length: length, inverse: inverse, onesided: onesided, inputs: used, parts: parts)
    let result = try builder.transformed(cropped, axis: axis, rule)
    return try builder.cast(result, to: builder.element(x))
  }

  /// Frames of the signal, weighted by a window, each transformed.
  private static func importShortTime(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let x = try node[0]
    let shape = builder.shape(x).dimensions
    guard shape.count == 3, (1...2).contains(shape[2]), builder.element(x).isFloat else {
      throw Diagnostic(.badInput, "it takes [batch, length, 1 or 2] floats, not \(builder.type(x))")
    }
    let step = try builder.number(node[1], "the step")
    let window = node.optional(2)
    let usual = window.map { builder.shape($0)[0] } ?? shape[1]
    let said = try node.optional(3).map { try builder.number($0, "the frame's length") } ?? Double(usual)
    guard let hop = Int(exactly: step), let length = Int(exactly: said), hop > 0, (1...lengthLimit).contains(length), length <= shape[1]
    else {
      throw Diagnostic(.badInput, "frames of \(said) by steps of \(step) in \(builder.shape(x))")
    }
    let frames = (shape[1] - length) / hop + 1
    guard frames * length <= placeTableLimit else { throw Diagnostic(.unsupported, "\(frames) frames of \(length)") }
    let places = builder.list([frames, length], (0..<frames * length).map { $0 / length * hop + $0 % length })
    var framed = try builder.gather(builder.cast(x, to: .float64), places, axis: 1)
    if let window {
      guard builder.shape(window) == [length] else {
        throw Diagnostic(.badInput, "a window of \(builder.shape(window)) for frames of \(length)")
      }
      framed = try builder.binary(.mul, framed, builder.reshape(builder.cast(window, to: .float64), [length, 1]))
    }
    let onesided = try node.attributes.flag("onesided", default: true)
    let rule = FourierRule(length: length, inverse: false, onesided: onesided, inputs: length, parts: shape[2])
    return [try builder.cast(try builder.transformed(framed, axis: 2, rule), to: builder.element(x))]
  }

  private static func importMelWeights(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let names = ["the number of bins", "the length", "the sample rate", "the lower edge", "the upper edge"]
    let numbers = try names.enumerated().map { try builder.number(node[$0.offset], $0.element) }
    guard let bins = Int(exactly: numbers[0]), let length = Int(exactly: numbers[1]), bins > 0, length > 0, numbers[2] > 0,
      bins < 1 << 20, length < 1 << 20, bins * (length / 2 + 1) <= placeTableLimit
    else { throw Diagnostic(.badInput, "mel bins of \(numbers)") }
    let rows = length / 2 + 1
    func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
    let (low, high) = (mel(numbers[3]), mel(numbers[4]))
    let edges = try (0..<bins + 2).map { place -> Int in
      let hertz = 700 * (pow(10, (Double(place) * (high - low) / Double(bins + 2) + low) / 2595) - 1)
      let bin = (Double(length + 1) * hertz / numbers[2]).rounded(.down)
      guard bin >= 0, bin < Double(rows) else { throw Diagnostic(.badInput, "a mel bin at \(bin), beyond \(rows)") }
      return Int(bin)
    }
    var weights = [Double](repeating: 0, count: rows * bins)
    for bin in 0..<bins {
      let (lower, center, upper) = (edges[bin], edges[bin + 1], edges[bin + 2])
      if center == lower { weights[center * bins + bin] = 1 }
      for row in lower..<max(center + 1, lower) where center > lower {
        weights[row * bins + bin] = Double(row - lower) / Double(center - lower)
      }
      for row in center..<max(upper, center) { weights[row * bins + bin] = Double(upper - row) / Double(upper - center) }
    }
    return [builder.constant(Tensor.vector(weights, try outputType(node)).reshaped([rows, bins]))]
  }
}

/// A discrete Fourier transform as a matrix: rows are the numbers that go in, columns those that come out.
private struct FourierRule {
  let length: Int
  let inverse: Bool
  let onesided: Bool
  /// How many numbers go in, and of how many parts each is.
  let inputs: Int
  let parts: Int

  var outputs: Int { onesided && !inverse ? length / 2 + 1 : length }
  var outputParts: Int { onesided && inverse ? 1 : 2 }

  /// `[inputs · parts, outputs · outputParts]`
  var matrix: [Double] {
    var matrix: [Double] = []
    for input in 0..<inputs {
      for part in 0..<parts {
        for output in 0..<outputs {
          let turn = 2 * Double.pi * Double(input * output % length) / Double(length) * (inverse ? 1 : -1)
          // Of a one-sided spectrum, all but the ends stand for their mirror image too.
          let isDoubled = inverse && onesided && input > 0 && 2 * input != length
          let factor = (inverse ? 1 / Double(length) : 1) * (isDoubled ? 2 : 1)
          let (real, imaginary) = part == 0 ? (cos(turn), sin(turn)) : (-sin(turn), cos(turn))
          matrix.append(real * factor)
          if outputParts == 2 { matrix.append(imaginary * factor) }
        }
      }
    }
    return matrix
  }
}

extension GraphBuilder {
  /// `[…, inputs, …, parts]` to `[…, outputs, …, output parts]`.
  fileprivate mutating func transformed(_ x: ValueID, axis: Int, _ rule: FourierRule) throws -> ValueID {
    let shape = shape(x).dimensions
    let rank = shape.count
    let order = (0..<rank).filter { $0 != axis && $0 != rank - 1 } + [axis, rank - 1]
    let others = order.dropLast(2).map { shape[$0] }
    let rows = try reshape(try transpose(x, order), others + [rule.inputs * rule.parts])
    let matrix = constant(Tensor(.float64, [rule.inputs * rule.parts, rule.outputs * rule.outputParts], rule.matrix))
    let wide = others.isEmpty ? try reshape(rows, [1, rule.inputs * rule.parts]) : rows
    let product = try emit(.matmul, others.count == 1 || others.isEmpty ? wide : rows, matrix)
    let apart = try reshape(product, others + [rule.outputs, rule.outputParts])
    return try transpose(apart, order.indices.map { place in order.firstIndex(of: place) ?? place })
  }
}
