import GraphIR

/// The rules by which padding is found instead of said.
enum AutoPad: String {
  case notSet = "NOTSET"
  case valid = "VALID"
  case sameUpper = "SAME_UPPER"
  case sameLower = "SAME_LOWER"

  init(_ node: ImportedNode) throws {
    let word = node.attributes.string("auto_pad", default: "NOTSET")
    guard let rule = AutoPad(rawValue: word.isEmpty ? "NOTSET" : word) else {
      throw Diagnostic(.badInput, "attribute 'auto_pad' is '\(word)'")
    }
    self = rule
  }

  var isSame: Bool { self == .sameUpper || self == .sameLower }
}

extension ImportedNode {
  /// A list with one entry for each spatial axis, or all alike when it is not given.
  func windowList(_ name: String, count: Int, default fallback: Int) throws -> [Int] {
    guard let list = try attributes.extents(name) else { return Array(repeating: fallback, count: count) }
    guard list.count == count else { throw Diagnostic(.badInput, "attribute '\(name)' has \(list.count) entries, not \(count)") }
    return list
  }

  /// Checks that the kernel said, if it is, is that of the weights.
  func requireKernel(_ kernel: [Int]) throws {
    guard let said = try attributes.extents("kernel_shape"), said != kernel else { return }
    throw Diagnostic(.badInput, "attribute 'kernel_shape' is \(said), but the weights have \(kernel)")
  }

  /// Strides, pads and dilations of a convolution or pooling over `[N, C, spatial…]`.
  func window(over input: Shape, kernel: [Int]) throws -> Window {
    let axes = kernel.count
    guard axes == input.rank - 2 else { throw Diagnostic(.badInput, "a kernel \(kernel) does not fit an input \(input)") }
    var window = Window()
    window.strides = try windowList("strides", count: axes, default: 1)
    window.dilations = try windowList("dilations", count: axes, default: 1)
    window.pads = try windowList("pads", count: 2 * axes, default: 0)
    guard (window.strides + window.dilations + kernel).allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else {
      throw Diagnostic(.badInput, "kernel, strides and dilations must be positive")
    }
    let rule = try AutoPad(self)
    switch rule {
    case .notSet: break
    case .valid: window.pads = Array(repeating: 0, count: 2 * axes)
    case .sameUpper, .sameLower:
      for axis in 0..<axes {
        let (extent, stride) = (input[axis + 2], window.strides[axis])
        let reach = (kernel[axis] - 1) * window.dilations[axis] + 1
        let total = max(((extent + stride - 1) / stride - 1) * stride + reach - extent, 0)
        window.pads[axis] = rule == .sameUpper ? total / 2 : total - total / 2
        window.pads[axis + axes] = total - window.pads[axis]
      }
    }
    return window.plain
  }

  /// The attributes of a convolution.
  func conv(x: Shape, weights: Shape) throws -> Conv {
    guard weights.rank >= 3, x.rank == weights.rank else { throw Diagnostic(.badInput, "weights \(weights) do not fit an input \(x)") }
    let kernel = Array(weights.dimensions.dropFirst(2))
    try requireKernel(kernel)
    return Conv(window: try window(over: x, kernel: kernel), groups: attributes.int("group", default: 1))
  }
}

extension Window {
  /// The window with lists left out that say nothing.
  fileprivate var plain: Window {
    Window(
      strides: strides.allSatisfy { $0 == 1 } ? [] : strides, pads: isUnpadded ? [] : pads,
      dilations: dilations.allSatisfy { $0 == 1 } ? [] : dilations)
  }
}
