import Calibration
import GraphIR

/// Codes that a layer with binary weights is given were made by a `quantize` with a wide type; this states the codes that can really occur.
///
///     %c = conv(%x, %w) {activation=clip(0.0, 1.0)}      // before; %s is 1/63
///     %q = quantize(%c, %s) {to=u8, lo=0, hi=255}
///
///     %q = quantize(%c, %s) {to=u8, lo=0, hi=63}         // after
///
/// Exact where the range of what is quantized is proven. Where it hangs on the graph's inputs, `assumed` is taken as their range, but only
/// when codes would otherwise be beyond `largest`; the note says so.
struct NarrowCodes {
  var largest: Int
  var assumed: ValueRange
  var note: (String) -> Void

  func callAsFunction(_ graph: Graph) throws -> Graph {
    let targets = quantizers(in: graph)
    let proven = ValueRange.all(in: graph, inputs: .unbounded)
    let likely = ValueRange.all(in: graph, inputs: assumed)
    return try graph.rewritten { candidate, new, old in
      guard let label = targets[candidate.id], case .quantize(var a) = candidate.node.op else { return nil }
      let x = Int(candidate.node.operands[0].index)
      a = narrowed(a, proven[x], candidate.node, old)
      let assuming = narrowed(a, likely[x], candidate.node, old)
      if !fits(a) && fits(assuming) {
        a = assuming
        note("\(label): input codes narrowed to \(a.lo)...\(a.hi): holds for inputs within \(assumed.lo)...\(assumed.hi)")
      } else if !fits(a) {
        note("\(label): input codes \(a.lo)...\(a.hi) are beyond ±\(largest); where that is the limit, the layer runs on the host")
      }
      return try new.append(.quantize(a), candidate.operands, origin: candidate.node.origin)
    }
  }

  /// The quantizes that make codes for binary layers, with the name of the first such layer.
  private func quantizers(in graph: Graph) -> [NodeID: String] {
    var found: [NodeID: String] = [:]
    for layer in graph.binaryLayers {
      guard let codes = graph.codes(behind: layer.input), let quantizer = graph.quantizer(of: codes), found[quantizer] == nil else {
        continue
      }
      found[quantizer] = layer.label
    }
    return found
  }

  private func fits(_ a: Quantize) -> Bool { a.hi <= largest && a.lo >= -largest }

  /// The codes of numbers in `range`, and that of NaN; as they were when the scale is not a positive constant.
  private func narrowed(_ a: Quantize, _ range: ValueRange, _ node: Node, _ graph: Graph) -> Quantize {
    guard let scales = graph.constant(node.operands[1])?.floats, scales.allSatisfy({ $0 > 0 && $0.isFinite }) else { return a }
    let zeros = node.operands.count == 3 ? graph.constant(node.operands[2])?.integers : [0]
    guard let zeros, let least = zeros.min(), let most = zeros.max(), !scales.isEmpty else { return a }
    func code(_ number: Float, _ scale: Float) -> Int { Int(max(-1e9, min(1e9, (number / scale).rounded(.toNearestOrEven)))) }
    let lo = scales.map { code(range.lo, $0) + least }.min() ?? a.lo
    let hi = scales.map { code(range.hi, $0) + most }.max() ?? a.hi
    var result = a
    result.lo = max(a.lo, min(lo, least))
    result.hi = min(a.hi, max(hi, most))
    return result.lo <= result.hi ? result : a
  }
}
