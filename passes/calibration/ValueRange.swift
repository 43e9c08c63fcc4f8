import GraphIR

/// Bounds that every number of a value keeps, NaN apart; an end is infinite where nothing bounds it.
package struct ValueRange: Hashable {
  package var lo: Float
  package var hi: Float

  package static let unbounded = ValueRange(lo: -.infinity, hi: .infinity)

  package init(lo: Float, hi: Float) {
    self.lo = lo.isNaN ? -.infinity : lo
    self.hi = hi.isNaN ? .infinity : hi
  }

  package var isBounded: Bool { lo.isFinite && hi.isFinite }

  /// The smallest range that holds both.
  func union(_ other: ValueRange) -> ValueRange { ValueRange(lo: min(lo, other.lo), hi: max(hi, other.hi)) }

  /// What is left after `x < lo ? lo : x > hi ? hi : x`.
  func clipped(_ lo: Float, _ hi: Float) -> ValueRange {
    ValueRange(lo: min(max(self.lo, lo), hi), hi: max(min(self.hi, hi), lo))
  }

  /// What a rising function makes of it.
  func mapped(_ rising: (Float) -> Float) -> ValueRange { ValueRange(lo: rising(lo), hi: rising(hi)) }

  /// Room for the rounding of a mean of `count` numbers.
  func widened(forMeanOf count: Int) -> ValueRange {
    let room = Float(count + 1) * Float.ulpOfOne
    return ValueRange(lo: lo - lo.magnitude * room, hi: hi + hi.magnitude * room)
  }

  /// The range of every value of a graph, by value index, when its f32 inputs keep `inputs`.
  package static func all(in graph: Graph, inputs: ValueRange) -> [ValueRange] {
    var ranges = graph.values.map { value in
      switch value.definition {
      case .input: value.type.element == .float32 ? inputs : ValueRange(of: value.type.element)
      case .constant(let tensor): tensor.element == .float32 ? of(tensor) : of(tensor).held(by: tensor.element)
      case .result: ValueRange(of: value.type.element)
      }
    }
    for node in graph.nodes {
      let operands = node.operands.map { ranges[Int($0.index)] }
      let range = node.op.range(of: operands, types: node.operands.map { graph.type(of: $0) })
      for result in node.results {
        let element = graph.type(of: result).element
        // Integers wrap and f16 overflows: there only ops that choose among numbers keep what is known.
        if element == .float32 || node.op.choosesNumbers { ranges[Int(result.index)] = range.held(by: element) }
      }
    }
    return ranges
  }

  /// All numbers of a type: those of integers of up to two bytes and of bits are bounded.
  init(of element: DataType) {
    switch element {
    case .bool: self.init(lo: 0, hi: 1)
    case .bit: self.init(lo: -1, hi: 1)
    case .uint8: self.init(lo: 0, hi: 255)
    case .int8: self.init(lo: -128, hi: 127)
    case .uint16: self.init(lo: 0, hi: 65535)
    case .int16: self.init(lo: -32768, hi: 32767)
    case .float64, .float32, .float16, .bfloat16, .int64, .int32, .uint64, .uint32, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2,
      .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      self = .unbounded
    }
  }

  /// The range, or all of the type's where it says more than f32 bounds of the type can.
  private func held(by element: DataType) -> ValueRange {
    let all = ValueRange(of: element)
    if element == .float32 { return self }
    return all.isBounded && lo >= all.lo && hi <= all.hi ? self : all
  }

  private static func of(_ tensor: Tensor) -> ValueRange {
    let numbers = tensor.doubles
    guard let first = numbers.first, numbers.allSatisfy({ !$0.isNaN }) else { return .unbounded }
    let ends = numbers.reduce((first, first)) { (min($0.0, $1), max($0.1, $1)) }
    return ValueRange(lo: Float(ends.0), hi: Float(ends.1))
  }
}
