import GraphIR
import PluginAPI

extension Pass {
  /// Folds `· scale` and `+ shift` by channel into the layer before, when nothing else uses that layer's result.
  ///
  ///     %y = conv(%x, %w, %b)          // before; %w, %b, %scale, %shift are constants
  ///     %m = mul(%y, %scale)           // %scale, %shift: f32[6x1x1]
  ///     %a = add(%m, %shift)
  ///
  ///     %a = conv(%x, %w1, %b1)        // after; w1 = w · scale by filter, b1 = b · scale + shift
  ///
  /// Each new weight and bias is computed in f64 and rounded once for each step folded, so results move by rounding. A filter of ±alpha
  /// stays one, since both products round alike. Weights of `dequantize(codes, scale)` keep their codes and change their scale; bits take
  /// the sign of a negative one.
  public static let foldAffine = Pass("fold-affine", "folds scale and shift by channel into the layer before") { graph, _ in
    let uses = graph.useCounts
    return try graph.rewritten { candidate, new, _ in
      guard case .binary(let kind) = candidate.node.op else { return nil }
      for place in 0...1 where uses[Int(candidate.node.operands[place].index)] == 1 {
        let value = candidate.operands[place]
        let other = candidate.operands[1 - place]
        guard let layer = new.definition(of: value), layer.op.isPlainLayer, let factor = new.constant(other),
          let numbers = numbersByChannel(factor, along: new.type(of: value)),
          let affine = Affine(kind, numbers, layerFirst: place == 0, name: new[other].name)
        else { continue }
        return try fold(affine, into: layer, &new)
      }
      return nil
    }
  }
}

/// `y = x · scale + shift`, by channel; a nil scale is 1, a nil shift 0.
private struct Affine {
  var scale: [Double]?
  var shift: [Double]?
  /// The name of the constant.
  var name: String

  /// What an element-wise op with constant numbers does to a layer's result, which is its first or its second operand.
  init?(_ kind: BinaryKind, _ numbers: [Double], layerFirst: Bool, name: String) {
    self.name = name
    switch (kind, layerFirst) {
    case (.add, _): shift = numbers
    case (.sub, true): shift = numbers.map { -$0 }
    case (.sub, false): (scale, shift) = (numbers.map { _ in -1 }, numbers)
    case (.mul, _): scale = numbers
    case (.div, true): scale = numbers.map { 1 / $0 }
    default: return nil
    }
  }
}

/// The numbers of a constant that varies along axis 1 at most, one for each channel; nil when it varies along others.
private func numbersByChannel(_ constant: Tensor, along type: TensorType) -> [Double]? {
  let rank = type.shape.rank
  guard constant.shape.rank <= rank, constant.element == .float32, type.element == .float32 else { return nil }
  let extents = [Int](repeating: 1, count: rank - constant.shape.rank) + constant.shape.dimensions
  let channels = type.shape[1]
  guard extents.enumerated().allSatisfy({ $1 == 1 || ($0 == 1 && $1 == channels) }) else { return nil }
  let numbers = constant.doubles
  return numbers.count == channels ? numbers : [Double](repeating: numbers[0], count: channels)
}

/// The layer with `affine` folded in; nil when its weights or bias are not constant, or a result would not be finite.
private func fold(_ affine: Affine, into layer: Node, _ graph: inout Graph) throws -> [ValueID]? {
  var operands = layer.operands
  let filters = graph.type(of: operands[1]).shape[0]
  var bias = operands.count == 3 ? graph.constant(operands[2])?.doubles : [Double](repeating: 0, count: filters)
  let biasName = operands.count == 3 ? graph[operands[2]].name : affine.name
  if let scale = affine.scale {
    guard let scaled = try scaleFilters(operands[1], by: scale, origin: layer.origin, &graph) else { return nil }
    operands[1] = scaled
    bias = bias.map { zip($0, scale).map { $0 * $1 } }
  }
  if let shift = affine.shift { bias = bias.map { zip($0, shift).map { $0 + $1 } } }
  guard let rounded = bias?.map({ Float($0) }), rounded.allSatisfy(\.isFinite) else { return nil }
  if operands.count == 3 || affine.shift != nil {
    operands = [operands[0], operands[1], graph.addConstant(.vector(rounded), name: biasName)]
  }
  return try graph.append(layer.op, operands, origin: layer.origin)
}

extension Op {
  /// Whether it is a layer that hands its sums on as they are.
  fileprivate var isPlainLayer: Bool {
    switch self {
    case .conv(let a): a.activation == .none
    case .dense(let a): a.activation == .none
    default: false
    }
  }
}
