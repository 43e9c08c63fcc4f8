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
    return try graph.rewritten { candidate, new, _ in
      guard let label = targets[candidate.id], case .quantize(let given) = candidate.node.op else { return nil }
      let codes = Int(candidate.node.results[0].index)
      var a = given.within(proven[codes])
      let assuming = given.within(likely[codes])
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
}

extension Quantize {
  /// The same with the ends that codes keep.
  fileprivate func within(_ codes: ValueRange) -> Quantize {
    var result = self
    (result.lo, result.hi) = (Int(codes.lo), Int(codes.hi))
    return result
  }
}
