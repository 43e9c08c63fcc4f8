import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Weights as whole numbers, and a scale for each filter.
struct WholeWeights {
  let shape: Shape
  let numbers: [Int]
  let scales: [Float]

  var largest: Int { numbers.reduce(0) { max($0, abs($1)) } }

  /// nil for weights that are no constants, are bits already, or would have to be rounded.
  init?(_ id: ValueID, in graph: Graph, roundingTo bits: Int?) {
    shape = graph.type(of: id).shape
    if let tensor = graph.constant(id) {
      if tensor.element == .float64 {
        // The products of integer operators: whole numbers already.
        let doubles = tensor.doubles
        guard doubles.allSatisfy({ $0.magnitude <= 255 && $0 == $0.rounded() }) else { return nil }
        numbers = doubles.map { Int($0) }
        scales = [Float](repeating: 1, count: shape[0])
        return
      }
      guard let bits, tensor.element == .float32, let rounded = WholeWeights.rounded(tensor, bits: bits) else { return nil }
      (numbers, scales) = rounded
      return
    }
    guard let producer = graph.producer(of: id), case .dequantize(let a) = graph[producer].op else { return nil }
    let operands = graph[producer].operands
    let filters = shape[0]
    func perFilter<T>(_ list: [T]) -> [T]? {
      list.count == 1 ? Array(repeating: list[0], count: filters) : a.axis == 0 && list.count == filters ? list : nil
    }
    guard let codes = graph.constant(operands[0]), codes.element != .bit, let integers = codes.integers,
      let scale = graph.constant(operands[1]), scale.element == .float32, let scales = perFilter(scale.floats)
    else { return nil }
    var zeros = [Int](repeating: 0, count: filters)
    if operands.count == 3 {
      guard let given = graph.constant(operands[2])?.integers, let each = perFilter(given) else { return nil }
      zeros = each
    }
    let inputs = max(1, integers.count / max(1, filters))
    numbers = integers.enumerated().map { $1 - zeros[$0 / inputs] }
    self.scales = scales
  }

  /// Nearest whole numbers of so many bits, each filter with the scale of least squared error among sixteenths of an octave from its largest
  /// weight downwards; weights beyond the largest number become that.
  private static func rounded(_ tensor: Tensor, bits: Int) -> (numbers: [Int], scales: [Float])? {
    let weights = tensor.floats
    let filters = tensor.shape[0]
    guard filters > 0, !weights.isEmpty, weights.allSatisfy(\.isFinite) else { return nil }
    let inputs = weights.count / filters
    let top = Float((1 << (bits - 1)) - 1)
    func number(_ weight: Float, _ scale: Float) -> Float { min(max((weight / scale).rounded(.toNearestOrEven), -top), top) }
    let scales = (0..<filters).map { filter -> Float in
      let own = weights[filter * inputs..<(filter + 1) * inputs]
      let largest = own.reduce(0) { max($0, abs($1)) }
      guard largest > 0 else { return 1 }
      func squaredError(_ scale: Float) -> Double {
        own.reduce(0) { sum, weight in
          let off = Double(weight) - Double(number(weight, scale)) * Double(scale)
          return sum + off * off
        }
      }
      var best = (scale: largest / top, error: squaredError(largest / top))
      for step in 1..<48 {
        let scale = largest / top * WholeWeights.sixteenth(-step)
        let error = squaredError(scale)
        if error < best.error { best = (scale, error) }
      }
      return best.scale
    }
    return (weights.enumerated().map { Int(number($1, scales[$0 / inputs])) }, scales)
  }

  /// 2^(step / 16).
  private static func sixteenth(_ step: Int) -> Float { Float(exp2(Double(step) / 16)) }
}

/// Whole numbers as bits of -1 and +1 with worths of powers of two.
struct BitSlices {
  private let weights: WholeWeights
  /// What each slice's bits are worth, in halves.
  let worths: [Int]

  /// nil for numbers beyond what a sign and `bits - 1` bits hold.
  init?(_ weights: WholeWeights, bits: Int) {
    guard weights.largest <= 1 << (bits - 1) else { return nil }
    self.weights = weights
    if weights.numbers.allSatisfy({ $0 % 2 != 0 }) {
      var slices = 1
      while (1 << slices) - 1 < weights.largest { slices += 1 }
      worths = (0..<slices).map { 2 << $0 }
    } else {
      var slices = 2
      while 1 << (slices - 2) < weights.largest { slices += 1 }
      worths = [1, 1] + (0..<slices - 2).map { 2 << $0 }
    }
  }

  /// The bits of one number in every slice. `isEven`: which way a choice falls that nothing decides.
  private func bits(of number: Int, isEven: Bool) -> [Int8] {
    let hasHalves = worths[0] == 1
    var bits: [Int8] = []
    var rest = number
    if hasHalves {
      // What is left for the other slices is odd, as sums of 1, 2, 4 … are, or 0 where there are none.
      if (number % 2 != 0) == (worths.count > 2) {
        bits = isEven ? [1, -1] : [-1, 1]
      } else {
        // Towards 0, so that what is left is no larger than the number.
        let both: Int8 = number > 0 || number == 0 && isEven ? 1 : -1
        bits = [both, both]
        rest -= Int(both)
      }
    }
    let slices = worths.count - bits.count
    // Bits of -1 and +1 are twice those of 0 and 1, less 2^slices - 1 in all.
    let places = (rest + (1 << slices) - 1) / 2
    return bits + (0..<slices).map { places >> $0 & 1 == 1 ? 1 : -1 }
  }

  /// Adds the slices as `dequantize` of bits, and their sum, lowest worth first.
  func add(to graph: inout Graph, inPlaceOf old: ValueID, origin: String) throws -> ValueID {
    let name = graph[old].name
    var slices = [[Int8]](repeating: [], count: worths.count)
    for (place, number) in weights.numbers.enumerated() {
      for (slice, bit) in bits(of: number, isEven: place % 2 == 0).enumerated() { slices[slice].append(bit) }
    }
    var sum: ValueID?
    for (slice, worth) in worths.enumerated() {
      let bits = graph.addConstant(Tensor(.bit, weights.shape, slices[slice]), name: name.isEmpty ? "" : "\(name).bits\(slice)")
      let scales = weights.scales.map { $0 * (Float(worth) / 2) }
      let scale = graph.addConstant(.vector(scales), name: name.isEmpty ? "" : "\(name).scale\(slice)")
      let numbers = try graph.append1(.dequantize(AxisAttribute(axis: 0)), [bits, scale], origin: origin)
      sum = try sum.map { try graph.append1(.binary(.add), [$0, numbers], origin: origin) } ?? numbers
    }
    guard let sum else { preconditionFailure("numbers without a slice") }
    graph.setName(name, of: sum)
    return sum
  }
}
