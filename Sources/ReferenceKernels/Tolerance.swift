import GraphIR

/// How far a machine's result may be from the reference. NaN equals NaN everywhere.
public enum Tolerance: Hashable, Sendable {
  /// Not at all: every byte.
  case exact
  /// So many times the spacing of the element type's numbers there. With 0, only -0 may stand for 0; with more, numbers that differ by no
  /// more than the least normal number count as equal too, so that a machine may flush what is smaller. On integers the same as `exact`.
  case ulps(Int)
  /// So large a part of the greatest finite magnitude in the reference tensor. On integers the same as `exact`.
  case relativeToMagnitude(Float)

  /// The flat index of the first element of `candidate` that is too far from `reference`; nil when none is. 0 when the types differ.
  public func firstViolation(reference: Tensor, candidate: Tensor) -> Int? {
    guard reference.type == candidate.type else { return 0 }
    if reference == candidate { return nil }
    let differing = Tolerance.differing(reference, candidate)
    guard let format = FloatFormat(reference.element) else { return differing.first }
    let (a, b) = (reference.reals, candidate.reals)
    switch self {
    case .exact: return differing.first { !(a[$0].isNaN && b[$0].isNaN) }
    case .ulps(let steps): return differing.first { !format.isWithin(steps, a[$0], b[$0]) }
    case .relativeToMagnitude(let part):
      let allowed = Double(part) * a.reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 }
      return differing.first { !(a[$0] == b[$0] || (a[$0] - b[$0]).magnitude <= allowed || (a[$0].isNaN && b[$0].isNaN)) }
    }
  }

  /// The flat indices of elements that differ in any byte.
  private static func differing(_ a: Tensor, _ b: Tensor) -> [Int] {
    let width = a.element.storageBytes
    return a.withBytes { x in
      b.withBytes { y in (0..<a.count).filter { element in (element * width..<(element + 1) * width).contains { x[$0] != y[$0] } } }
    }
  }
}

/// How fine a floating-point type is.
struct FloatFormat {
  /// The spacing of numbers from 1 on.
  let epsilon: Double
  let leastNormal: Double

  /// nil for a type that is not a float.
  init?(_ element: DataType) {
    switch element {
    case .float64: self.init(epsilon: Double.ulpOfOne, leastNormal: Double.leastNormalMagnitude)
    case .float32: self.init(epsilon: Double(Float.ulpOfOne), leastNormal: Double(Float.leastNormalMagnitude))
    case .float16: self.init(epsilon: Double(Float16.ulpOfOne), leastNormal: Double(Float16.leastNormalMagnitude))
    case .bfloat16: self.init(epsilon: 1 / 128, leastNormal: Double(Float.leastNormalMagnitude))
    case .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool, .bit, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      return nil
    }
  }

  private init(epsilon: Double, leastNormal: Double) {
    self.epsilon = epsilon
    self.leastNormal = leastNormal
  }

  /// Whether two numbers are within so many spacings of each other.
  func isWithin(_ steps: Int, _ a: Double, _ b: Double) -> Bool {
    if a == b || (a.isNaN && b.isNaN) { return true }
    guard steps > 0 && a.isFinite && b.isFinite else { return false }
    return (a - b).magnitude <= max(leastNormal, Double(steps) * epsilon * max(a.magnitude, b.magnitude).binade)
  }
}
