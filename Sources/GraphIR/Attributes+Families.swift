/// What a layer does to its sum before it hands it on. Defined so that NaN and -0 pass through.
public enum Activation: AttributeConvertible {
  case none
  /// `x < 0 ? 0 : x`
  case relu
  /// `x < lo ? lo : x > hi ? hi : x`
  case clip(Float, Float)

  /// As the text form says it.
  public var attributeValue: AttributeValue {
    switch self {
    case .none: .word("none")
    case .relu: .word("relu")
    case .clip(let lo, let hi): .call("clip", [.float(lo), .float(hi)])
    }
  }

  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    switch attributeValue {
    case .word("none"): self = .none
    case .word("relu"): self = .relu
    case .call("clip", let bounds) where bounds.count == 2:
      guard let lo = Float(attributeValue: bounds[0]), let hi = Float(attributeValue: bounds[1]) else { return nil }
      self = .clip(lo, hi)
    default: return nil
    }
  }

  /// The activation of one number.
  @inlinable public func callAsFunction(_ x: Float) -> Float {
    switch self {
    case .none: x
    case .relu: x < 0 ? 0 : x
    case .clip(let lo, let hi): x < lo ? lo : x > hi ? hi : x
    }
  }
}

/// What a converter makes of one tile's sum (steps 3 and 4 of the numeric contract).
public enum Readout: AttributeConvertible, CustomStringConvertible {
  /// The sum itself.
  case exact
  /// `clamp(roundHalfEven(f32(p) / lsb), -top, top)`; of one bit, a comparator: `p < 0 ? -1 : 1`, each worth `lsb`.
  ///
  /// `top` is the largest code of so many bits, or less where a converter has fewer levels.
  case adc(bits: Int, lsb: Float, top: Int)

  /// A converter that uses all codes of so many bits.
  public static func adc(bits: Int, lsb: Float) -> Readout { .adc(bits: bits, lsb: lsb, top: largestCode(bits: bits)) }

  /// The largest code of so many bits: sign and magnitude, `2^(bits-1) - 1`; 1 for one bit. Numbers of bits that no readout has count as the nearest
  /// that one has, 1 to 24.
  public static func largestCode(bits: Int) -> Int { bits <= 1 ? 1 : (1 << (min(bits, 24) - 1)) - 1 }

  /// In words: `exact`, `adc(7, 50.0)`, or `adc(4, 23.0, 5)` for one of eleven levels.
  public var description: String {
    switch self {
    case .exact: "exact"
    case .adc(let bits, let lsb, let top): "adc(\(bits), \(lsb)\(top == Readout.largestCode(bits: bits) ? "" : ", \(top)"))"
    }
  }

  /// As the text form says it.
  public var attributeValue: AttributeValue {
    switch self {
    case .exact: .word("exact")
    case .adc(let bits, let lsb, let top):
      .call("adc", [.int(bits), .float(lsb)] + (top == Readout.largestCode(bits: bits) ? [] : [.int(top)]))
    }
  }

  /// From what the text form says; nil when that is something else.
  public init?(attributeValue: AttributeValue) {
    switch attributeValue {
    case .word("exact"): self = .exact
    case .call("adc", let values) where values.count == 2 || values.count == 3:
      guard let bits = Int(attributeValue: values[0]), let lsb = Float(attributeValue: values[1]) else {
        return nil
      }
      guard let top = values.count == 2 ? Readout.largestCode(bits: bits) : Int(attributeValue: values[2]) else { return nil }
      self = .adc(bits: bits, lsb: lsb, top: top)
    default: return nil
    }
  }
}

/// The attributes of an op that has none.
public struct NoAttributes: Attributes {
  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<NoAttributes>] = []
}

/// The window of a convolution or pooling: one entry for each spatial axis.
///
/// An empty `strides` or `dilations` means all 1, an empty `pads` all 0. `pads` lists the begins, then the ends.
public struct Window: Hashable, Sendable {
  /// Steps of the window; empty: all 1.
  public var strides: [Int] = []
  /// Elements added: begins, then ends.
  public var pads: [Int] = []
  /// Steps within the window; empty: all 1.
  public var dilations: [Int] = []

  /// Creates one from its parts.
  public init(strides: [Int] = [], pads: [Int] = [], dilations: [Int] = []) {
    self.strides = strides
    self.pads = pads
    self.dilations = dilations
  }

  /// The stride on an axis.
  public func stride(_ axis: Int) -> Int { strides.isEmpty ? 1 : strides[axis] }
  /// The dilation on an axis.
  public func dilation(_ axis: Int) -> Int { dilations.isEmpty ? 1 : dilations[axis] }
  /// Padding before an axis.
  public func padBefore(_ axis: Int) -> Int { pads.isEmpty ? 0 : pads[axis] }
  /// Padding behind an axis.
  public func padAfter(_ axis: Int) -> Int { pads.isEmpty ? 0 : pads[axis + pads.count / 2] }

  /// Whether nothing is padded.
  public var isUnpadded: Bool { pads.allSatisfy { $0 == 0 } }

  /// The window's positions along one axis.
  public func outputExtent(_ axis: Int, input: Int, kernel: Int, roundUp: Bool = false) throws -> Int {
    let padded = input + padBefore(axis) + padAfter(axis)
    let reach = (kernel - 1) * dilation(axis) + 1
    // Rounded up, a window that starts inside may reach out, the first one too.
    guard kernel > 0, padded - reach > -(roundUp ? stride(axis) : 1) else {
      throw Diagnostic(.badInput, "a window of \(reach) is larger than the padded input of \(padded) on spatial axis \(axis)")
    }
    let extent = (padded - reach + (roundUp ? stride(axis) - 1 : 0)) / stride(axis) + 1
    // ONNX: a window that would start in the padding behind the input is dropped.
    let startsBehind = roundUp && (extent - 1) * stride(axis) >= input + padBefore(axis)
    return startsBehind ? extent - 1 : extent
  }
}

/// A convolution over `[N, C, spatial…]` with weights `[F, C/groups, kernel…]`.
public struct Conv: Attributes {
  /// Strides, pads and dilations.
  public var window = Window()
  /// Groups of channels that do not mix.
  public var groups = 1
  /// What is done to each number at the end.
  public var activation = Activation.none

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(window: Window, groups: Int = 1, activation: Activation = .none) {
    self.window = window
    self.groups = groups
    self.activation = activation
  }

  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Conv>] = [
    .init("strides", \.window.strides), .init("pads", \.window.pads), .init("dilations", \.window.dilations),
    .init("groups", \.groups), .init("activation", \.activation),
  ]
}

/// A dense layer: `[N, K] x [F, K] -> [N, F]`.
public struct Dense: Attributes {
  /// What is done to each number at the end.
  public var activation = Activation.none

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(activation: Activation) { self.activation = activation }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Dense>] = [.init("activation", \.activation)]
}

/// Pooling over `[N, C, spatial…]`.
public struct Pool: Attributes {
  /// Which one.
  public enum Kind: String, AttributeConvertible, CaseIterable {
    case max
    /// The mean over the window's elements inside the input, or over the padding too when `countPadding`.
    case average
  }

  /// Which one.
  public var kind = Kind.max
  /// Extents of the window.
  public var kernel: [Int] = []
  /// Strides, pads and dilations.
  public var window = Window()
  /// Whether a last, partly outside window counts.
  public var roundUp = false
  /// Whether padding counts in an average.
  public var countPadding = false

  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Pool>] = [
    .init("kind", \.kind), .init("kernel", \.kernel),
    .init("strides", \.window.strides), .init("pads", \.window.pads), .init("dilations", \.window.dilations),
    .init("round_up", \.roundUp), .init("count_padding", \.countPadding),
  ]
}

/// A reduction along `axes`.
public struct Reduce: Attributes {
  /// Which one.
  public enum Kind: String, AttributeConvertible, CaseIterable { case sum, mean, max, min, product }

  /// Which one.
  public var kind = Kind.sum
  /// The axes, counted from 0.
  public var axes: [Int] = []
  /// Whether a reduced axis stays, with extent 1.
  public var keepAxes = true

  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Reduce>] = [
    .init("kind", \.kind), .init("axes", \.axes), .init("keep_axes", \.keepAxes),
  ]
}

/// An op that works along one axis (softmax, concat, gather).
public struct AxisAttribute: Attributes {
  /// The axis.
  public var axis = 0

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(axis: Int) { self.axis = axis }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<AxisAttribute>] = [.init("axis", \.axis)]
}

/// A new shape; one extent may be `Shape.free` for the batch, which must be dimension 0.
public struct Reshape: Attributes {
  /// Extents, outermost first.
  public var shape = Shape([])

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(shape: Shape) { self.shape = shape }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Reshape>] = [.init("shape", \.shape)]
}

/// A permutation: result axis `i` is operand axis `order[i]`.
public struct Transpose: Attributes {
  /// Operand axis of each result axis.
  public var order: [Int] = []

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(order: [Int]) { self.order = order }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Transpose>] = [.init("order", \.order)]
}

/// Padding of every axis: begins, then ends; negative entries crop.
public struct Pad: Attributes {
  /// What padding holds.
  public enum Mode: String, AttributeConvertible { case constant, reflect, edge, wrap }

  /// What is put there.
  public var mode = Mode.constant
  /// Elements added: begins, then ends.
  public var pads: [Int] = []
  /// The value.
  public var value: Float = 0

  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Pad>] = [.init("mode", \.mode), .init("pads", \.pads), .init("value", \.value)]
}

/// Elements `start, start + step, …` on each axis, `extents` of them. `Shape.free` as extent 0 keeps the whole free batch.
public struct Slice: Attributes {
  /// The first element, by axis.
  public var starts: [Int] = []
  /// The step, by axis; may be negative.
  public var steps: [Int] = []
  /// How many elements, by axis.
  public var extents: [Int] = []

  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Slice>] = [
    .init("starts", \.starts), .init("steps", \.steps), .init("extents", \.extents),
  ]
}

/// A conversion of every element.
public struct Cast: Attributes {
  /// The element type of the result.
  public var to = DataType.float32
  /// Whether the elements keep their bits instead of their values; the types must be of one width.
  public var reinterprets = false
  /// Whether numbers beyond a small float become its largest, rather than infinity or NaN.
  public var saturates = true
  /// Where a number between two of `f8e8m0` goes; all other types round to nearest.
  public var rounding = SmallFloat.Rounding.up

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(to: DataType, reinterprets: Bool = false) {
    self.to = to
    self.reinterprets = reinterprets
  }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Cast>] = [
    .init("to", \.to), .init("reinterpret", \.reinterprets), .init("saturate", \.saturates), .init("rounding", \.rounding),
  ]
}

/// Bounds on every element: `x < lo ? lo : x > hi ? hi : x`.
public struct Clip: Attributes {
  /// The lower bound.
  public var lo = -Float.infinity
  /// The upper bound.
  public var hi = Float.infinity

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(lo: Float, hi: Float) {
    self.lo = lo
    self.hi = hi
  }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Clip>] = [.init("lo", \.lo), .init("hi", \.hi)]
}

/// Step 1 of the numeric contract: `code = clamp(roundHalfEven(x / scale) + zero, lo, hi)`; NaN counts as 0.
///
/// Operands: x (f32), scale (f32, one or one for each index of `axis`), and optionally zero (of the result's type).
public struct Quantize: Attributes {
  /// The element type of the result.
  public var to = DataType.uint8
  /// The lower bound.
  public var lo = 0
  /// The upper bound.
  public var hi = 255
  /// The axis that per-axis scales run along.
  public var axis = 1

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(to: DataType, lo: Int, hi: Int, axis: Int = 1) {
    self.to = to
    self.lo = lo
    self.hi = hi
    self.axis = axis
  }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Quantize>] = [
    .init("to", \.to), .init("lo", \.lo), .init("hi", \.hi), .init("axis", \.axis),
  ]
}

/// A convolution of codes with weights of ±1, cut into tiles (steps 2 to 4 of the numeric contract); the result is i32.
///
/// Operands: codes, weights (bit, `[F, C, kernel…]`), and optionally the order: an i32 permutation of the K inputs.
/// Inputs are counted channel by channel, then along the kernel's axes, as the weights lie in memory.
public struct BinaryConv: Attributes {
  /// Strides, pads and dilations.
  public var window = Window()
  /// Inputs in each tile; the last tile has what is left. 0: not tiled yet, all K in one tile.
  public var tile = 0
  /// What stands behind each tile.
  public var readout = Readout.exact

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(window: Window) { self.window = window }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<BinaryConv>] = [
    .init("strides", \.window.strides), .init("pads", \.window.pads), .init("dilations", \.window.dilations),
    .init("tile", \.tile), .init("readout", \.readout),
  ]
}

/// A dense layer of codes with weights of ±1, cut into tiles; `[N, K] x [F, K] -> i32[N, F]`. Operands as for `BinaryConv`.
public struct BinaryDense: Attributes {
  /// As in `BinaryConv`.
  public var tile = 0
  /// What stands behind each tile.
  public var readout = Readout.exact

  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<BinaryDense>] = [.init("tile", \.tile), .init("readout", \.readout)]
}

/// Steps 5 and 6 of the numeric contract: `y = activation((f32(P0)·m0 + f32(P1)·m1 + …) + c)`, each step rounded to f32, never fused.
///
/// Operands: P0, m0, P1, m1, …, c. Each P is i32 `[N, F, …]`; m and c are f32 `[F]`.
public struct Rescale: Attributes {
  /// What is done to each number at the end.
  public var activation = Activation.none

  /// All at their defaults.
  public init() {}
  /// Creates one from its parts.
  public init(activation: Activation) { self.activation = activation }
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Rescale>] = [.init("activation", \.activation)]
}

/// An op of a foreign plug-in: a name, and its own attributes as text.
public struct Custom: Attributes {
  /// The name on the command line.
  public var name = ""
  /// Its attributes, in its own words.
  public var text = ""
  /// The element type of its result.
  public var resultElement = DataType.float32
  /// The shape of its result.
  public var resultShape = Shape([])

  /// All at their defaults.
  public init() {}
  /// The list that printer, parser and options read.
  public static let fields: [AttributeField<Custom>] = [
    .init("name", \.name), .init("text", \.text), .init("element", \.resultElement), .init("shape", \.resultShape),
  ]
}
