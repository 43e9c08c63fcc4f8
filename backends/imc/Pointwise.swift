import GraphIR

/// One number out of the numbers in the same place of values and constants, as the reference computes it.
struct Pointwise: Sendable {
  enum Operand: Sendable {
    case value(Int)
    /// One number for all places, or one for each place of a sample.
    case constant([Float])
  }

  enum Function: Sendable {
    /// Sums, differences, products, quotients and comparisons of two operands.
    case binary(BinaryKind)
    /// The second operand where the first is not 0, else the third.
    case select
    case sign

    /// nil for what steps do not do; all of it is of f32 but a comparison's result and a choice's condition.
    init?(_ op: Op) {
      switch op {
      case .binary(let kind):
        guard [.add, .sub, .mul, .div].contains(kind) || kind.isComparison else { return nil }
        self = .binary(kind)
      case .select: self = .select
      case .unary(.sign): self = .sign
      default: return nil
      }
    }
  }

  let function: Function
  let operands: [Operand]
  let to: Int

  /// Numbers of one operand, and 1 or 0: the step from one place to the next.
  struct Source {
    let base: UnsafePointer<Float>
    let step: Int
  }

  /// Computes `count` places; operands that a function does not have are not looked at. One rounding to f32 is what the reference's two, through f64, come to.
  func run(_ x: Source, _ y: Source, _ z: Source, count: Int, to: UnsafeMutablePointer<Float>) {
    switch function {
    case .sign:
      for place in 0..<count {
        let x = x.base[place]
        to[place] = x > 0 ? 1 : x < 0 ? -1 : x.isNaN ? x : 0
      }
    case .select:
      for place in 0..<count { to[place] = x.base[place] != 0 ? y.base[place * y.step] : z.base[place * z.step] }
    case .binary(let kind):
      switch kind {
      case .add: Pointwise.combine(x, y, count, to) { $0 + $1 }
      case .sub: Pointwise.combine(x, y, count, to) { $0 - $1 }
      case .mul: Pointwise.combine(x, y, count, to) { $0 * $1 }
      case .div: Pointwise.combine(x, y, count, to) { $0 / $1 }
      case .equal: Pointwise.combine(x, y, count, to) { $0 == $1 ? 1 : 0 }
      case .less: Pointwise.combine(x, y, count, to) { $0 < $1 ? 1 : 0 }
      case .lessOrEqual: Pointwise.combine(x, y, count, to) { $0 <= $1 ? 1 : 0 }
      case .greater: Pointwise.combine(x, y, count, to) { $0 > $1 ? 1 : 0 }
      case .greaterOrEqual: Pointwise.combine(x, y, count, to) { $0 >= $1 ? 1 : 0 }
      case .pow, .min, .max, .remainder, .and, .or, .xor: preconditionFailure("'\(kind.rawValue)' is left to the reference")
      }
    }
  }

  /// Loops without a step in them, which are vectorized; one of the two at least has a number for each place.
  @inline(__always)
  private static func combine(
    _ x: Source, _ y: Source, _ count: Int, _ to: UnsafeMutablePointer<Float>, _ f: (Float, Float) -> Float
  ) {
    if x.step == 0 {
      let x = x.base[0]
      for place in 0..<count { to[place] = f(x, y.base[place]) }
    } else if y.step == 0 {
      let y = y.base[0]
      for place in 0..<count { to[place] = f(x.base[place], y) }
    } else {
      for place in 0..<count { to[place] = f(x.base[place], y.base[place]) }
    }
  }

  /// A constant as an operand for values of a shape that lie in a layout; nil when it differs between samples or is not f32.
  static func operand(_ tensor: Tensor, for shape: Shape, in layout: Layout) -> Operand? {
    guard tensor.element == .float32, tensor.shape.rank <= shape.rank else { return nil }
    let numbers = tensor.floats
    guard let first = numbers.first else { return nil }
    if numbers.allSatisfy({ $0.bitPattern == first.bitPattern }) { return .constant([first]) }
    let extents = Array(shape.dimensions.dropFirst())
    let missing = shape.rank - tensor.shape.rank
    if missing == 0 && tensor.shape[0] != 1 { return nil }
    // What one further place on each axis of a sample is in the constant: 0 where it is repeated.
    var steps = [Int](repeating: 0, count: extents.count)
    var step = 1
    for axis in stride(from: shape.rank - 1, to: max(missing, 1) - 1, by: -1) {
      let extent = tensor.shape[axis - missing]
      steps[axis - 1] = extent == 1 ? 0 : step
      step *= extent
    }
    var laid = [Float](repeating: 0, count: layout.storage)
    var place = [Int](repeating: 0, count: extents.count)
    for element in 0..<layout.count {
      laid[layout.offset(element)] = numbers[zip(place, steps).reduce(0) { $0 + $1.0 * $1.1 }]
      for axis in extents.indices.reversed() {
        place[axis] += 1
        if place[axis] < extents[axis] { break }
        place[axis] = 0
      }
    }
    return .constant(laid)
  }
}
