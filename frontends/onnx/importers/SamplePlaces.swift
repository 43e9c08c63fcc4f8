import GraphIR

/// How elements are read at places between them.
struct SamplePlaces {
  enum Mode { case nearest, linear, cubic }

  /// What stands beyond the borders.
  enum Border: String {
    case zeros, border, reflection
    /// As for regions of interest: the border, up to one element beyond; then zeros.
    case region
  }

  let mode: Mode
  let border: Border
  let alignsCorners: Bool
  /// Whether the greatest of the weighted elements is taken, rather than their sum.
  var takesGreatest = false
}

extension GraphBuilder {
  /// Elements of `x` `[N, C, spatial…]` at places `[N, P]` (f64) along each axis, as f64 `[N, C, P]`.
  ///
  /// With `owner` there are places for M of the N planes: `owner` `[M]` says which, and the result is `[M, C, P]`.
  mutating func sampled(_ x: ValueID, _ places: [ValueID], _ rule: SamplePlaces, owner: ValueID? = nil) throws -> ValueID {
    let shape = shape(x).dimensions
    _ = try boundCount(x)
    let extents = Array(shape.dropFirst(2))
    guard extents.allSatisfy({ $0 > 0 }) else { throw Diagnostic(.badInput, "an input of \(Shape(shape)) has nothing to sample") }
    let plane = extents.reduce(1, *)
    // [N · plane, C]
    let order = [0] + (2..<shape.count) + [1]
    let rows = try cast(reshape(try transpose(x, order), [shape[0] * plane, shape[1]]), to: .float64)
    let count = self.shape(places[0])[0]
    let starts: ValueID
    if let owner {
      starts = try binary(.mul, reshape(owner, [count, 1]), Double(plane))
    } else {
      starts = list([count, 1], (0..<count).map { $0 * plane })
    }
    let axes = try places.enumerated().map { try taps(at: $1, extent: extents[$0], rule) }
    let strides = Shape(extents).strides
    var result: ValueID?
    for choice in 0..<axes.reduce(1, { $0 * $1.count }) {
      var (flat, weight, left) = (starts, nil as ValueID?, choice)
      for (axis, taps) in axes.enumerated() {
        let tap = taps[left % taps.count]
        left /= taps.count
        flat = try binary(.add, flat, binary(.mul, tap.index, Double(strides[axis])))
        weight = try weight.map { try binary(.mul, $0, tap.weight) } ?? tap.weight
      }
      guard let weight else { preconditionFailure("a sample has no axes") }
      let dimensions = self.shape(weight).dimensions + [1]
      let part = try binary(.mul, gather(rows, flat, axis: 0), reshape(weight, dimensions))
      result = try result.map { try binary(rule.takesGreatest ? .max : .add, $0, part) } ?? part
    }
    guard let result else { preconditionFailure("a sample has no taps") }
    return try transpose(result, [0, 2, 1])
  }

  /// The elements along one axis that take part at each place, and their weights: i64 and f64, both `[N, P]`.
  private mutating func taps(at place: ValueID, extent: Int, _ rule: SamplePlaces) throws -> [(index: ValueID, weight: ValueID)] {
    let last = Double(extent - 1)
    var place = place
    var outside: ValueID?
    switch rule.border {
    case .zeros: break
    case .border: if rule.mode != .cubic { place = try held(place, 0, last) }
    case .reflection: if rule.mode != .cubic { place = try reflected(place, extent: extent, rule) }
    case .region:
      outside = try binary(.or, binary(.less, place, -1), binary(.greater, place, Double(extent)))
      place = try held(place, 0, last)
    }
    let base = try unary(rule.mode == .nearest ? .round : .floor, place)
    let offset = try binary(.sub, place, base)
    let weights: [(step: Double, weight: ValueID)]
    switch rule.mode {
    case .nearest: weights = [(0, try scalar(1, like: offset))]
    case .linear: weights = [(0, try binary(.sub, scalar(1, like: offset), offset)), (1, offset)]
    case .cubic: weights = try cubicWeights(offset)
    }
    return try weights.map { step, weight in
      var index = try binary(.add, base, step)
      var weight = weight
      if rule.border == .zeros {
        let isInside = try binary(.and, binary(.greaterOrEqual, index, 0), binary(.lessOrEqual, index, last))
        weight = try select(isInside, weight, scalar(0, like: weight))
      }
      if let outside { weight = try select(outside, scalar(0, like: weight), weight) }
      if rule.border == .reflection { index = try reflected(index, extent: extent, rule) }
      let whole = try cast(try unary(.round, try held(index, 0, last)), to: .int64)
      return (whole, try expand(weight, shape(place)))
    }
  }

  /// The place, held within bounds; NaN becomes the lower one.
  private mutating func held(_ place: ValueID, _ lo: Double, _ hi: Double) throws -> ValueID {
    let isNumber = try binary(.equal, place, place)
    let number = try select(isNumber, place, scalar(lo, like: place))
    return try binary(.min, binary(.max, number, lo), hi)
  }

  /// The place mirrored at the borders until it is within them.
  private mutating func reflected(_ place: ValueID, extent: Int, _ rule: SamplePlaces) throws -> ValueID {
    let low = rule.alignsCorners ? 0 : -0.5
    let span = rule.alignsCorners ? Double(extent - 1) : Double(extent)
    if span == 0 { return try binary(.mul, place, 0) }
    let distance = try unary(.abs, binary(.sub, place, low))
    let turns = try unary(.floor, binary(.div, distance, span))
    let rest = try binary(.sub, distance, binary(.mul, turns, span))
    let isOdd = try binary(.equal, binary(.remainder, turns, 2), 1)
    let folded = try select(isOdd, binary(.sub, scalar(span, like: rest), rest), rest)
    return try binary(.add, folded, low)
  }

  /// Keys' cubic convolution with a factor of -0.75, at -1, 0, 1 and 2.
  private mutating func cubicWeights(_ t: ValueID) throws -> [(step: Double, weight: ValueID)] {
    func polynomial(_ factors: [Double], _ builder: inout GraphBuilder) throws -> ValueID {
      try factors.dropFirst().reduce(try builder.scalar(factors[0], like: t)) {
        try builder.binary(.add, builder.binary(.mul, $0, t), $1)
      }
    }
    let a = -0.75
    return [
      (-1, try polynomial([a, -2 * a, a, 0], &self)), (0, try polynomial([a + 2, -(a + 3), 0, 1], &self)),
      (1, try polynomial([-(a + 2), 2 * a + 3, -a, 0], &self)), (2, try polynomial([-a, a, 0, 0], &self)),
    ]
  }
}
