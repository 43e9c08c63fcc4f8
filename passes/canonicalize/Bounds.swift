import GraphIR

/// What relu and clip have in common: `x < lo ? lo : x > hi ? hi : x`.
struct Bounds {
  var lo: Float
  var hi: Float

  init(lo: Float, hi: Float) {
    self.lo = lo.isNaN ? -.infinity : lo
    self.hi = hi.isNaN ? .infinity : hi
  }

  /// The bounds that an op sets; nil when it does something else.
  init?(_ op: Op) {
    switch op {
    case .unary(.relu): self.init(lo: 0, hi: .infinity)
    case .clip(let a): self.init(lo: a.lo, hi: a.hi)
    default: return nil
    }
  }

  init(_ activation: Activation) {
    switch activation {
    case .none: self.init(lo: -.infinity, hi: .infinity)
    case .relu: self.init(lo: 0, hi: .infinity)
    case .clip(let lo, let hi): self.init(lo: lo, hi: hi)
    }
  }

  /// The bounds that do in one step what these and then `outer` do, to the bit; nil when the two do not meet.
  func followed(by outer: Bounds) -> Bounds? {
    let joined = Bounds(lo: outer.lo > lo ? outer.lo : lo, hi: outer.hi < hi ? outer.hi : hi)
    return joined.lo <= joined.hi ? joined : nil
  }

  /// Whether both bounds are the same bits.
  func isIdentical(to other: Bounds) -> Bool { lo.bitPattern == other.lo.bitPattern && hi.bitPattern == other.hi.bitPattern }

  private var isRelu: Bool { isIdentical(to: Bounds(lo: 0, hi: .infinity)) }

  /// Whether nothing is bounded.
  var isOpen: Bool { lo == -.infinity && hi == .infinity }

  var activation: Activation { isOpen ? .none : isRelu ? .relu : .clip(lo, hi) }

  var op: Op { isRelu ? .unary(.relu) : .clip(Clip(lo: lo, hi: hi)) }
}
