import GraphIR
import PluginAPI
import ReferenceKernels

extension Pass {
  /// Makes layers of codes with binary weights what the machines run: sums of codes, then one rescale.
  ///
  ///     %d = dequantize(%q, %s)                        // before; %q: u8 or i8, %s: one number
  ///     %w = dequantize(%bits, %scale) {axis=0}
  ///     %y = conv(%d, %w, %b) {activation=relu}
  ///
  ///     %p = binary_conv(%q, %bits)                    // after; m = scale · s by filter
  ///     %y = rescale(%p, %m, %b) {activation=relu}
  ///
  /// From here on the numeric contract holds to the byte: m is computed in f64 and rounded once, a missing bias is 0, and several bases are
  /// several sums in one rescale; a bias in constant codes becomes its numbers. What codes with a zero point make too much of is taken off what is
  /// added, and their padding becomes a `pad`. Against the layer before, results move by the rounding of its sums. A layer with groups, a scale
  /// by channel or wider codes stays, and is noted.
  public static let lowerBinary = Pass("lower-binary", "makes layers of codes and binary weights sums and a rescale") { graph, context in
    try graph.rewritten { candidate, new, old in
      let node = candidate.node
      guard let layer = BinaryLayer(node.op), let bases = binaryBases(of: candidate.operands[1], in: new) else { return nil }
      switch input(of: candidate.operands[0], groups: layer.groups, in: new) {
      case .no(let reason):
        context.note("\(node.label): not lowered, \(reason)")
        return nil
      case .codes(let codes, let scale, let zero):
        let filters = new.type(of: candidate.operands[1]).shape[0]
        let bias = candidate.operands.count == 3 ? try plain(candidate.operands[2], in: &new) : new.addConstant(zeros(filters))
        let factors = bases.map { basis in basis.scale.map { Float(Double($0) * Double(scale)) } }
        guard let addend = zero == 0 ? bias : new.addend(bias, less: zero, bases, factors) else {
          context.note("\(node.label): not lowered, its codes have a zero point and its weights or bias are computed")
          return nil
        }
        let (op, inputs) = try layer.padded(codes, with: zero, origin: node.origin, in: &new)
        var operands: [ValueID] = []
        let name = old[node.results[0]].name
        for (place, basis) in bases.enumerated() {
          let sums = name.isEmpty ? "" : "\(name).sums\(bases.count == 1 ? "" : "\(place)")"
          operands.append(try new.append1(op, [inputs, basis.bits], origin: node.origin, name: sums))
          operands.append(new.addConstant(.vector(factors[place])))
        }
        return try new.append(.rescale(Rescale(activation: layer.activation)), operands + [addend], origin: node.origin)
      }
    }
  }
}

private func zeros(_ count: Int) -> Tensor { Tensor(zeros: .float32, [count]) }

extension Graph {
  /// What is added to sums of codes in place of a bias, where codes stand for numbers that begin at `zero`: the bias less `zero` times the sum of
  /// a filter's bits, times its factor, of every basis; nil where that is not constant.
  fileprivate mutating func addend(_ bias: ValueID, less zero: Int, _ bases: [BinaryBasis], _ factors: [[Float]]) -> ValueID? {
    guard var sums = constant(bias)?.doubles else { return nil }
    for (basis, factors) in zip(bases, factors) {
      guard let bits = constant(basis.bits) else { return nil }
      let inputs = bits.count / max(1, sums.count)
      bits.withElements(Int8.self) { bits in
        for filter in sums.indices {
          let sum = bits[filter * inputs..<(filter + 1) * inputs].reduce(0) { $0 + Int($1) }
          sums[filter] -= Double(factors[filter]) * Double(zero * sum)
        }
      }
    }
    return addConstant(.vector(sums.map { Float($0) }), name: self[bias].name)
  }
}

/// A layer that may be lowered, and the op that makes its sums.
private struct BinaryLayer {
  var op: Op
  var groups: Int
  var activation: Activation

  init?(_ op: Op) {
    switch op {
    case .conv(let a): (self.op, groups, activation) = (.binaryConv(BinaryConv(window: a.window)), a.groups, a.activation)
    case .dense(let a): (self.op, groups, activation) = (.binaryDense(BinaryDense()), 1, a.activation)
    default: return nil
    }
  }

  /// The op, and codes that it takes: a window over codes whose zero is not 0 finds it as padding that is written out.
  func padded(_ codes: ValueID, with zero: Int, origin: String, in graph: inout Graph) throws -> (op: Op, codes: ValueID) {
    guard zero != 0, case .binaryConv(var a) = op, !a.window.isUnpadded else { return (op, codes) }
    let axes = a.window.pads.count / 2
    var pad = Pad()
    (pad.pads, pad.value) = ([0, 0] + a.window.pads[..<axes] + [0, 0] + a.window.pads[axes...], Float(zero))
    a.window.pads = []
    return (.binaryConv(a), try graph.append1(.pad(pad), [codes], origin: origin))
  }
}

/// A value, or the numbers that constant codes stand for.
private func plain(_ id: ValueID, in graph: inout Graph) throws -> ValueID {
  guard let producer = graph.producer(of: id), case .dequantize = graph[producer].op else { return id }
  let node = graph[producer]
  let operands = node.operands.compactMap { graph.constant($0) }
  guard operands.count == node.operands.count else { return id }
  return graph.addConstant(try Reference.evaluate(node.op, operands)[0], name: graph[id].name)
}

private enum LayerInput {
  /// Codes, of which each stands for `scale` times its distance from `zero`.
  case codes(ValueID, scale: Float, zero: Int)
  case no(because: String)
}

/// The codes behind a layer's input.
private func input(of id: ValueID, groups: Int, in graph: Graph) -> LayerInput {
  guard groups == 1 else { return .no(because: "it works in \(groups) groups") }
  guard let producer = graph.producer(of: id), case .dequantize = graph[producer].op else {
    return .no(because: "its input is not made of codes")
  }
  let operands = graph[producer].operands
  let element = graph.type(of: operands[0]).element
  guard element == .uint8 || element == .int8 else { return .no(because: "its codes are \(element.rawValue), not u8 or i8") }
  guard let zeros = operands.count == 3 ? graph.constant(operands[2])?.integers : [0], let zero = zeros.first,
    zeros.allSatisfy({ $0 == zero })
  else { return .no(because: "its codes have no single zero point") }
  guard let scale = graph.constant(operands[1]), scale.element == .float32, scale.shape.rank == 0 else {
    return .no(because: "its codes have no single scale")
  }
  return .codes(operands[0], scale: scale.floats[0], zero: zero)
}
