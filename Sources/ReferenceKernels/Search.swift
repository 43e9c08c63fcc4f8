import GraphIR

/// Ops that run along an axis or search it, and rows written into places found at run time.
extension Reference {
  /// ONNX CumSum and CumProd: running results, each rounded once; integers wrap.
  static func cumulate(_ a: Cumulate, _ x: Tensor) -> Tensor {
    switch x.element.arithmetic {
    case .real: Tensor(x.element, x.shape, rounding: cumulated(x.reals, x.shape, a.axis) { a.kind == .sum ? $0 + $1 : $0 * $1 })
    case .signed:
      Tensor(x.element, x.shape, wrapping: cumulated(x.integers(as: Int64.self), x.shape, a.axis) { a.kind == .sum ? $0 &+ $1 : $0 &* $1 })
    case .unsigned:
      Tensor(x.element, x.shape, wrapping: cumulated(x.integers(as: UInt64.self), x.shape, a.axis) { a.kind == .sum ? $0 &+ $1 : $0 &* $1 })
    }
  }

  private static func cumulated<Number>(_ x: [Number], _ shape: Shape, _ axis: Int, _ join: (Number, Number) -> Number) -> [Number] {
    var numbers = x
    for line in lines(of: shape, axis) {
      for (before, place) in zip(line, line.dropFirst()) { numbers[place] = join(numbers[before], numbers[place]) }
    }
    return numbers
  }

  /// ONNX TopK's indices.
  static func topK(_ a: TopK, _ x: Tensor, _ shape: Shape) -> Tensor {
    switch x.element.arithmetic {
    case .real: topK(a, x.reals.map(Rank.init), x.shape, shape)
    case .signed: topK(a, x.integers(as: Int64.self), x.shape, shape)
    case .unsigned: topK(a, x.integers(as: UInt64.self), x.shape, shape)
    }
  }

  private static func topK<Number: Comparable>(_ a: TopK, _ x: [Number], _ shape: Shape, _ result: Shape) -> Tensor {
    var places = [Int64](repeating: 0, count: result.elementCount ?? 0)
    for (line, target) in zip(lines(of: shape, a.axis), lines(of: result, a.axis)) {
      let order = line.indices.sorted { first, second in
        let (p, q) = (x[line[first]], x[line[second]])
        return p == q ? first < second : a.largest ? p > q : p < q
      }
      for (place, index) in zip(target, order) { places[place] = Int64(index) }
    }
    return Tensor(.int64, result, places)
  }

  /// A number that takes part in a total order: NaN is equal to itself and above all others.
  private struct Rank: Comparable {
    let number: Double
    init(_ number: Double) { self.number = number }
    static func == (a: Rank, b: Rank) -> Bool { a.number == b.number || (a.number.isNaN && b.number.isNaN) }
    static func < (a: Rank, b: Rank) -> Bool { a.number < b.number || (b.number.isNaN && !a.number.isNaN) }
  }

  /// The offsets of the elements along an axis, for each index of the others.
  private static func lines(of shape: Shape, _ axis: Int) -> [[Int]] {
    let all = Grid.axes(of: shape)
    let bases = Grid.offsets(all.indices.map { $0 == axis ? [0] : all[$0] })
    return bases.map { base in all[axis].map { base + $0 } }
  }

  /// ONNX ScatterND of rows: updates are taken one after another. Joined floats are computed in f64 and rounded once; integers wrap.
  static func scatter(_ a: Scatter, _ operands: [Tensor]) throws -> Tensor {
    let (data, updates) = (operands[0], operands[2])
    let rows = data.shape[0]
    let length = rows == 0 ? 0 : data.count / rows
    let places = try operands[1].elements(Int64.self).map { index -> Int in
      guard (-rows..<rows).contains(Int(index)) else {
        throw Diagnostic(.badInput, "index \(index) is outside \(rows) rows", hint: "indices run from \(-rows) to \(rows - 1)")
      }
      return Int(index) < 0 ? Int(index) + rows : Int(index)
    }
    guard a.reduction != .none else { return replaced(data, updates, places, length) }
    switch data.element.arithmetic {
    case .real:
      return Tensor(data.element, data.shape, rounding: joined(data.reals, updates.reals, places, length) { real(a.reduction, $0, $1) })
    case .signed:
      let result = joined(data.integers(as: Int64.self), updates.integers(as: Int64.self), places, length) { integer(a.reduction, $0, $1) }
      return Tensor(data.element, data.shape, wrapping: result)
    case .unsigned:
      let result = joined(data.integers(as: UInt64.self), updates.integers(as: UInt64.self), places, length) {
        integer(a.reduction, $0, $1)
      }
      return Tensor(data.element, data.shape, wrapping: result)
    }
  }

  private static func replaced(_ data: Tensor, _ updates: Tensor, _ places: [Int], _ length: Int) -> Tensor {
    var sources = Array(0..<data.count)
    for (update, place) in places.enumerated() {
      for element in 0..<length { sources[place * length + element] = data.count + update * length + element }
    }
    let all = Tensor.stacked(batches: [data.reshaped([data.count]), updates.reshaped([updates.count])])
    return all.picking(sources, data.shape)
  }

  private static func joined<Number>(
    _ data: [Number], _ updates: [Number], _ places: [Int], _ length: Int, _ join: (Number, Number) -> Number
  ) -> [Number] {
    var numbers = data
    for (update, place) in places.enumerated() {
      for element in 0..<length {
        numbers[place * length + element] = join(numbers[place * length + element], updates[update * length + element])
      }
    }
    return numbers
  }

  private static func real(_ reduction: Scatter.Reduction, _ x: Double, _ y: Double) -> Double {
    switch reduction {
    case .none: y
    case .add: x + y
    case .mul: x * y
    case .max: maximum(x, y)
    case .min: minimum(x, y)
    }
  }

  private static func integer<Number: FixedWidthInteger>(_ reduction: Scatter.Reduction, _ x: Number, _ y: Number) -> Number {
    switch reduction {
    case .none: y
    case .add: x &+ y
    case .mul: x &* y
    case .max: max(x, y)
    case .min: min(x, y)
    }
  }
}
