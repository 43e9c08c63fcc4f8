import GraphIR
import PluginAPI

extension Pass {
  /// Drops the way from codes to numbers and back, when it ends where it began. Exact: `(q - zero) · scale / scale` is off by less than half.
  ///
  ///     %d = dequantize(%q, %s)                     // before
  ///     %r = quantize(%d, %s) {to=u8, lo=0, hi=63}
  ///     %y = dequantize(%r, %s)
  ///
  ///     %y = dequantize(%q, %s)                     // after; %q is u8 and was made within 0...63
  public static let mergeQuantize = Pass("merge-quantize", "drops quantize after the dequantize that it undoes") { graph, _ in
    try graph.rewritten { candidate, new, _ in
      guard case .quantize(let a) = candidate.node.op, let source = new.definition(of: candidate.operands[0]), case .dequantize = source.op,
        Array(source.operands.dropFirst()).elementsEqual(candidate.operands.dropFirst(), by: { isSame($0, $1, new) }),
        let scale = new.scalar(candidate.operands[1]), roundTripScales.contains(scale),
        candidate.operands.dropFirst(2).allSatisfy({ new.constant($0)?.shape.rank == 0 })
      else { return nil }
      let codes = source.operands[0]
      guard new.type(of: codes).element == a.to, let range = codeRange(of: codes, in: new), range.lowerBound >= a.lo,
        range.upperBound <= a.hi
      else {
        return nil
      }
      return [codes]
    }
  }
}

/// Scales for which the numbers of all codes below 2^16 are normal f32 numbers.
private let roundTripScales = (0x1p-100 as Float)...(0x1p100 as Float)

private func isSame(_ a: ValueID, _ b: ValueID, _ graph: Graph) -> Bool {
  guard a != b else { return true }
  guard let x = graph.constant(a), let y = graph.constant(b) else { return false }
  return x == y
}

/// The codes that a value of one or two bytes can hold; nil for wider types.
private func codeRange(of id: ValueID, in graph: Graph) -> ClosedRange<Int>? {
  let element = graph.type(of: id).element
  guard element.storageBytes <= 2, let full = element.integerRange else { return nil }
  guard let node = graph.definition(of: id) else { return full }
  switch node.op {
  case .quantize(let a): return a.lo...a.hi
  case .pool, .reshape, .transpose, .slice: return codeRange(of: node.operands[0], in: graph)
  default: return full
  }
}
