import GraphIR

/// What codes stand for: `(code - zero) · scale`, in f32.
struct Coding: Sendable {
  let scale: Float
  let zero: Int
  let element: DataType

  /// Of the codes that a `quantize` makes or a `dequantize` reads; nil when they are not bytes, or differ along an axis.
  init?(_ node: Node, codes: DataType, _ graph: Graph) {
    guard codes == .uint8 || codes == .int8, let scale = graph.constant(node.operands[1]), scale.element == .float32, scale.count == 1,
      Coding.scales.contains(scale.floats[0])
    else { return nil }
    self.scale = scale.floats[0]
    element = codes
    guard node.operands.count == 3 else {
      zero = 0
      return
    }
    guard let zeros = graph.constant(node.operands[2])?.integers, zeros.count == 1 else { return nil }
    zero = zeros[0]
  }

  /// Whole numbers as they are; nil when `zero` is none of the codes.
  init?(zero: Int, element: DataType) {
    guard element == .uint8 || element == .int8, element.integerRange?.contains(zero) == true else { return nil }
    (scale, self.zero, self.element) = (1, zero, element)
  }

  /// With these, no number that the kernels compute leaves the normal ones.
  static let scales = (0x1p-60 as Float)...(0x1p60 as Float)
}

/// A node that computes on codes what the graph says in numbers: dequantized, computed, quantized again.
///
/// ```
/// %d = dequantize %q                       %d is not stored unless others read it
/// %w = dequantize <i8>
/// %y = conv %d, %w, relu     becomes       %r = conv %q, by codes
/// %r = quantize %y
/// ```
///
/// Its codes are the reference's, byte for byte.
struct CodedNode: Sendable {
  enum Kind: Sendable {
    /// Of a convolution or a dense layer.
    case layer(CodedLayer)
    /// Of the sum with a second operand.
    case sum(with: Coding)
    /// Of the means of planes.
    case mean
  }

  let kind: Kind
  let from: Coding
  let to: Coding
  /// Bounds of the result's codes; an activation that came before is in them.
  let codes: ClosedRange<Int>
}

/// A layer's weights as whole numbers, and what its sums are multiplied with.
struct CodedLayer: Sendable {
  /// Weights less their zero, `[F, C / groups, kernel...]` or `[F, K]`.
  let weights: Tensor
  /// Of the weights, by filter.
  let scales: [Float]
  let bias: [Double]?
  /// What the sums are multiplied with in f32 before they become codes, by filter; nil: nothing.
  var factors: [Float]?
}

extension CodedNode {
  /// The bounds of the codes that `quantize` makes of numbers behind activations, the first of them first. Neither an activation nor rounding
  /// ever falls where its operand rises, so that clipping numbers is clipping codes; nil where bounds are not numbers or the wrong way round.
  static func codes(of quantize: Quantize, _ to: Coding, behind activations: [Activation]) -> ClosedRange<Int>? {
    let all = quantize.lo...quantize.hi
    func code(_ x: Float) -> Int {
      let quotient = Double((x / to.scale).rounded(.toNearestOrEven))
      return min(max(Int(min(max(quotient, -1e6), 1e6)) + to.zero, all.lowerBound), all.upperBound)
    }
    var range = all
    for activation in activations {
      let bounds: ClosedRange<Int>
      switch activation {
      case .none: bounds = all
      case .relu: bounds = code(0)...all.upperBound
      case .clip(let lo, let hi):
        guard lo <= hi else { return nil }
        bounds = code(lo)...code(hi)
      }
      // Ranges that lie apart leave the one code of these bounds that is nearest.
      range = range.clamped(to: bounds)
    }
    return range
  }

  /// Inputs of a filter: with codes up to 255 apart from their zero and weights down to -128, sums and what they start from stay within 31 bits.
  static let mostInputs = 1 << 15

  /// The layer's weights and scales; nil unless weights are constant bytes whose scales run along the filters.
  static func weights(_ id: ValueID, _ graph: Graph) -> (Tensor, [Float])? {
    guard let producer = graph.producer(of: id), case .dequantize(let a) = graph[producer].op else { return nil }
    let operands = graph[producer].operands
    guard let codes = graph.constant(operands[0]), codes.element == .int8 || codes.element == .uint8,
      let scales = graph.constant(operands[1]), scales.element == .float32
    else { return nil }
    let filters = codes.shape[0], run = filters == 0 ? 0 : codes.count / filters
    var zeros = [0]
    if operands.count == 3 {
      guard let given = graph.constant(operands[2])?.integers else { return nil }
      zeros = given
    }
    guard run > 0, run <= mostInputs, [scales.count, zeros.count].allSatisfy({ $0 == 1 || ($0 == filters && a.axis == 0) }),
      scales.floats.allSatisfy({ Coding.scales.contains($0) })
    else { return nil }
    var weights = codes
    if codes.element == .uint8 || zeros.contains(where: { $0 != 0 }) {
      guard let numbers = codes.integers else { return nil }
      let centered = numbers.enumerated().compactMap { Int8(exactly: $1 - zeros[zeros.count == 1 ? 0 : $0 / run]) }
      guard centered.count == numbers.count else { return nil }
      weights = Tensor(.int8, codes.shape, centered)
    }
    let each = scales.count == 1 ? [Float](repeating: scales.floats[0], count: filters) : scales.floats
    return (weights, each)
  }
}
