import GraphIR

extension OperatorTable {
  private static let windowAttributes: [String: AttributeKind] = [
    "auto_pad": .string, "dilations": .ints, "group": .int, "kernel_shape": .ints, "pads": .ints, "strides": .ints,
  ]

  /// Convolutions of floating-point numbers.
  static let convolutions: [OperatorEntry] = [
    OperatorEntry("Conv", .since(1), inputs: 2...3, windowAttributes, importConv),
    OperatorEntry(
      "ConvTranspose", .since(1), inputs: 2...3, windowAttributes.merging(["output_padding": .ints, "output_shape": .ints]) { $1 },
      importConvTranspose),
  ]

  private static func importConv(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, weights) = (try node[0], try node[1])
    let conv = try node.conv(x: builder.shape(x), weights: builder.shape(weights))
    return [try builder.emit(.conv(conv), [x, weights] + [node.optional(2)].compactMap { $0 })]
  }

  /// A transposed convolution is a convolution of the input, with zeros put between its elements, with the kernel turned around:
  ///
  ///     x [N, C, H] -> reshape [N, C, H, 1] -> pad [N, C, H, stride] -> reshape [N, C, H·stride] -> pad or crop -> conv with flipped weights
  private static func importConvTranspose(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let (x, weights) = (try node[0], try node[1])
    let (input, kernelShape) = (builder.shape(x), builder.shape(weights))
    let spatial = input.rank - 2
    guard spatial >= 1, kernelShape.rank == input.rank else {
      throw Diagnostic(.badInput, "weights \(kernelShape) do not fit an input \(input)")
    }
    let groups = node.attributes.int("group", default: 1)
    guard groups > 0, kernelShape[0] == input[1], input[1] % groups == 0 else {
      throw Diagnostic(.badInput, "weights \(kernelShape) and \(groups) groups do not fit an input \(input)")
    }
    let window = try TransposedWindow(node, input: input, kernel: Array(kernelShape.dimensions.dropFirst(2)))
    let spread = try spreadOut(x, strides: window.strides, &builder)
    var pad = Pad()
    pad.pads = [0, 0] + window.before + [0, 0] + window.after
    let padded = try builder.emit(.pad(pad), spread)
    let turned = try turnedWeights(weights, groups: groups, &builder)
    let conv = Conv(window: Window(dilations: window.dilations), groups: groups)
    return [try builder.emit(.conv(conv), [padded, turned] + [node.optional(2)].compactMap { $0 })]
  }

  /// Zeros behind every element of the spatial axes, so that `stride` of them stand where one stood.
  private static func spreadOut(_ x: ValueID, strides: [Int], _ builder: inout GraphBuilder) throws -> ValueID {
    if strides.allSatisfy({ $0 == 1 }) { return x }
    let shape = builder.shape(x).dimensions
    let pairs = zip(shape.dropFirst(2), strides)
    let apart = try builder.reshape(x, Array(shape[..<2]) + pairs.flatMap { [$0.0, 1] })
    var pad = Pad()
    pad.pads = Array(repeating: 0, count: 4 + 4 * strides.count)
    for (axis, stride) in strides.enumerated() { pad.pads[2 + 2 * strides.count + 3 + 2 * axis] = stride - 1 }
    return try builder.reshape(try builder.emit(.pad(pad), apart), Array(shape[..<2]) + pairs.map { $0.0 * $0.1 })
  }

  /// `[C, F/groups, kernel…]` as `[F, C/groups, kernel…]`, with the kernel's axes reversed.
  private static func turnedWeights(_ weights: ValueID, groups: Int, _ builder: inout GraphBuilder) throws -> ValueID {
    let shape = builder.shape(weights).dimensions
    let kernel = Array(shape.dropFirst(2))
    var slice = Slice()
    slice.starts = [0, 0] + kernel.map { $0 - 1 }
    slice.steps = [1, 1] + kernel.map { _ in -1 }
    slice.extents = shape
    let flipped = try builder.emit(.slice(slice), weights)
    let grouped = try builder.reshape(flipped, [groups, shape[0] / groups, shape[1]] + kernel)
    let swapped = try builder.emit(.transpose(Transpose(order: [0, 2, 1] + kernel.indices.map { $0 + 3 })), grouped)
    return try builder.reshape(swapped, [groups * shape[1], shape[0] / groups] + kernel)
  }
}

/// How the spread-out input of a transposed convolution is padded (or cropped, where negative), axis by axis.
private struct TransposedWindow {
  var strides: [Int]
  var dilations: [Int]
  var before: [Int] = []
  var after: [Int] = []

  init(_ node: ImportedNode, input: Shape, kernel: [Int]) throws {
    let axes = kernel.count
    try node.requireKernel(kernel)
    strides = try node.windowList("strides", count: axes, default: 1)
    dilations = try node.windowList("dilations", count: axes, default: 1)
    let pads = try node.windowList("pads", count: 2 * axes, default: 0)
    let extra = try node.windowList("output_padding", count: axes, default: 0)
    let autoPad = try AutoPad(node)
    let outputs = try node.attributes.extents("output_shape").map { Array($0.suffix(axes)) }
    guard (strides + dilations + kernel).allSatisfy({ $0 > 0 }) else {
      throw Diagnostic(.badInput, "strides and dilations must be positive")
    }
    for axis in 0..<axes {
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      let full = (input[axis + 2] - 1) * strides[axis] + reach
      var (begin, end) = (pads[axis], pads[axis + axes])
      if let wanted = outputs?[axis] ?? (autoPad.isSame ? input[axis + 2] * strides[axis] : nil) {
        let total = max(full + extra[axis] - wanted, 0)
        begin = autoPad == .sameUpper ? total / 2 : total - total / 2
        end = total - begin
        // A longer result than the plain one gets its rest behind.
        if wanted > full + extra[axis] { end -= wanted - full - extra[axis] }
      }
      before.append(reach - 1 - begin)
      // The spread-out input ends with stride - 1 zeros of its own.
      after.append(reach - 1 - end + extra[axis] - (strides[axis] - 1))
    }
    guard (before + after).allSatisfy({ $0.magnitude < TypeLimits.extent }) else { throw Diagnostic(.badInput, "the window is too large") }
  }
}
