import GraphIR
import PluginAPI

extension Pass {
  /// Makes weights that are whole numbers times a scale sums of bits: the bit slices that a target of several-bit weights keeps side by side.
  ///
  ///     %w = dequantize(%n, %s) {axis=0}               // before; %n: i8[16x150], -7 ... 7
  ///     %y = dense(%d, %w)
  ///
  ///     %w0 = dequantize(%bits0, %s0) {axis=0}         // after: s0 = s1 = s/2, s2 = s, s3 = 2 s, s4 = 4 s
  ///     %w1 = dequantize(%bits1, %s1) {axis=0}
  ///     …
  ///     %y = dense(%d, add(add(add(add(%w0, %w1), …
  ///
  /// The sum is exactly the weight: with two slices of the lowest worth, as bits are -1 or +1 and never 0, P slices hold all whole numbers up to
  /// 2^(P-2); where all numbers of a layer are odd, P slices of worths 1, 2, 4 … hold all up to 2^P - 1. A weight and its negative have opposite
  /// bits in every slice, so that the sums of a slice are spread around 0 as those of the layer are.
  ///
  /// Layers of the integer operators (`QLinearConv` and its kin) are sums of products in f64 of codes and whole numbers; they become layers of codes
  /// in f32, with the zero point that is taken off them, which the passes after this one lower. Their sums then are rounded to f32, before the bias is added and not only after it.
  ///
  ///     %x = cast(%q) {to=f64}                         // before; %w: f64, whole numbers
  ///     %p = dense(%x, %w)
  ///     %s = cast(add(%p, %b))
  ///
  ///     %x = dequantize(%q, 1)                         // after
  ///     %s = add(dense(%x, add(%w0, …)), %b1)
  ///
  /// Taken are constant weights of conv and dense layers in integer codes, less their zero points, that a sign and `bits - 1` bits hold; with
  /// `round` weights in floating point too, first rounded to that, each filter with a scale of least squared error. Without a target of several-bit
  /// weights, or `bits`, nothing is done.
  public static let sliceWeights = Pass(
    "slice-weights", "makes weights of several bits sums of bits with powers of two",
    options: [
      OptionSpec("bits", .int(2...8), default: nil, "bits of the widest weight; the target's when absent"),
      OptionSpec("round", .flag, default: "false", "weights in floating point too: rounded to so many bits"),
    ]
  ) { graph, context in
    guard let bits = context.options[int: "bits"] ?? context.target.flatMap({ $0.weightBits > 1 ? $0.weightBits : nil }) else {
      return graph
    }
    var slicer = WeightSlicer(bits: bits, rounds: context.options[flag: "round"], note: context.note)
    return try graph.rewritten { candidate, new, _ in try slicer.rewritten(candidate, in: &new) }
  }
}

/// Makes layers' weights slices, one after another.
private struct WeightSlicer {
  let bits: Int
  let rounds: Bool
  let note: (String) -> Void
  /// f64 values of the new graph that are f32 values as well.
  private var singles: [ValueID: ValueID] = [:]

  init(bits: Int, rounds: Bool, note: @escaping (String) -> Void) { (self.bits, self.rounds, self.note) = (bits, rounds, note) }

  /// What stands for a node; nil where it stays.
  mutating func rewritten(_ candidate: Graph.Candidate, in graph: inout Graph) throws -> [ValueID]? {
    let operands = candidate.operands
    switch candidate.node.op {
    case .conv(let a) where a.groups == 1: return try layer(candidate, in: &graph)
    case .dense: return try layer(candidate, in: &graph)
    case .cast(let a) where a.to == .float32 && !a.reinterprets: return singles[operands[0]].map { [$0] }
    case .binary(.add):
      for place in 0...1 {
        guard let sums = singles[operands[place]], let other = graph.constant(operands[1 - place]) else { continue }
        let numbers = graph.addConstant(
          Tensor(.float32, other.shape, other.doubles.map { Float($0) }), name: graph[operands[1 - place]].name)
        let sum = try graph.append1(.binary(.add), [sums, numbers], origin: candidate.node.origin)
        return [try double(sum, origin: candidate.node.origin, in: &graph)]
      }
      return nil
    default: return nil
    }
  }

  private mutating func layer(_ candidate: Graph.Candidate, in graph: inout Graph) throws -> [ValueID]? {
    let node = candidate.node
    var operands = candidate.operands
    guard let whole = WholeWeights(operands[1], in: graph, roundingTo: rounds ? bits : nil) else { return nil }
    let isDouble = graph.type(of: operands[0]).element == .float64
    var codes: (value: ValueID, zero: Int)?
    if isDouble {
      codes = graph.castCodes(operands[0])
      guard codes != nil, operands.dropFirst(2).allSatisfy({ graph.constant($0) != nil }) else { return nil }
    }
    guard let slices = BitSlices(whole, bits: bits) else {
      note("\(node.label): not sliced, its weights reach \(whole.largest), \(bits) bits hold \(1 << (bits - 1))")
      return nil
    }
    note("\(node.label): weights up to \(whole.largest) in \(slices.worths.count) slices of bits")
    operands[1] = try slices.add(to: &graph, inPlaceOf: operands[1], origin: node.origin)
    guard let codes else { return try graph.append(node.op, operands, origin: node.origin) }
    var numbers = [codes.value, graph.addConstant(.scalar(1))]
    if codes.zero != 0 { numbers.append(graph.addConstant(.integers(graph.type(of: codes.value).element, [], [codes.zero]))) }
    operands[0] = try graph.append1(.dequantize(AxisAttribute()), numbers, origin: node.origin)
    for place in operands.indices.dropFirst(2) {
      guard let bias = graph.constant(operands[place]) else { continue }
      operands[place] = graph.addConstant(Tensor(.float32, bias.shape, bias.doubles.map { Float($0) }), name: graph[operands[place]].name)
    }
    return [try double(graph.append1(node.op, operands, origin: node.origin), origin: node.origin, in: &graph)]
  }

  /// An f32 value as the f64 that the old graph has there.
  private mutating func double(_ value: ValueID, origin: String, in graph: inout Graph) throws -> ValueID {
    var a = Cast()
    a.to = .float64
    let result = try graph.append1(.cast(a), [value], origin: origin)
    singles[result] = value
    return result
  }
}

extension Graph {
  /// The codes of one byte that a value is a cast of, less a number that is one of them; 0 where nothing is taken off.
  fileprivate func castCodes(_ id: ValueID) -> (value: ValueID, zero: Int)? {
    guard let producer = producer(of: id) else { return nil }
    let node = self[producer]
    switch node.op {
    case .cast(let a) where !a.reinterprets:
      let codes = node.operands[0]
      return type(of: codes).element == .uint8 || type(of: codes).element == .int8 ? (codes, 0) : nil
    case .binary(.sub):
      guard let codes = castCodes(node.operands[0]), codes.zero == 0, let zeros = constant(node.operands[1]), zeros.count == 1,
        let zero = Int(exactly: zeros.double(at: 0)), type(of: codes.value).element.integerRange?.contains(zero) == true
      else { return nil }
      return (codes.value, zero)
    default: return nil
    }
  }
}
