import GraphIR
import PluginAPI

/// How the sums of each layer's tiles are spread in calibration data.
func tileSums(of layers: [NodeID], in graph: Graph, _ context: PassContext) throws -> [NodeID: TileSums] {
  guard !context.calibration.isEmpty else {
    throw Diagnostic(.usage, "no data to calibrate the readout on", hint: "give --calibrate DATA, or say readout{scale=chip}")
  }
  var spectra = try layers.map { id in
    guard let spectrum = TileSums(graph[id], in: graph, context.target) else { throw notConstant(graph[id]) }
    return spectrum
  }
  try forEachBatch(of: layers, in: graph, samples: context.options[int: "samples"] ?? 64, context) { place, codes in
    spectra[place].add(codes)
  }
  return Dictionary(uniqueKeysWithValues: zip(layers, spectra))
}

/// Hands on the input codes of each layer, by its place, for so many calibration samples.
func forEachBatch(
  of layers: [NodeID], in graph: Graph, samples: Int, _ context: PassContext, _ body: (_ place: Int, _ codes: Tensor) -> Void
) throws {
  let codes = layers.map { graph[$0].operands[0] }
  var left = samples
  for batch in context.calibration where left > 0 {
    let values = try context.evaluate(graph, batch, codes)
    let taken = min(left, values.first?.shape[0] ?? 0)
    for (place, tensor) in values.enumerated() { body(place, tensor.slice(batch: 0..<taken)) }
    left -= taken
  }
}

private func notConstant(_ node: Node) -> Diagnostic {
  Diagnostic(.unsupported, "cannot calibrate a readout for weights that are not constant", place: node.label)
}

/// How often each magnitude of what a converter reads occurs in one layer: of tiles' sums, or where inputs come bit by bit, of each bit's.
struct TileSums {
  private let layer: TiledLayer
  /// `[F, K]`, along K in tile order.
  private let weights: [Int32]
  /// Place in tile order to input.
  private let order: [Int]
  private let filters: Int
  /// What one of a sum that is read stands for in a sum of codes: a bit drives a column as the largest code does.
  let unit: Double
  /// By bit, from the lowest, and magnitude; one list where codes are driven whole.
  private var counts: [[Int]]

  /// The lists of the bits that codes have.
  var spectra: ArraySlice<[Int]> {
    let highest = counts.lastIndex { $0.dropFirst().contains { $0 > 0 } } ?? 0
    return counts[...highest]
  }

  /// nil when the weights or their order are not constant.
  init?(_ node: Node, in graph: Graph, _ target: Target?) {
    guard let layer = TiledLayer(node, in: graph), let bits = graph.constant(layer.weights) else { return nil }
    let stored = bits.elements(Int8.self)
    let inputs = layer.inputs
    var order = Array(0..<inputs)
    if let given = layer.order {
      guard let places = graph.constant(given)?.integers else { return nil }
      order = places
    }
    self.layer = layer
    self.order = order
    filters = bits.shape[0]
    weights = (0..<bits.shape[0]).flatMap { filter in order.map { Int32(stored[filter * inputs + $0]) } }
    let isBitSerial = target?.isBitSerial == true
    unit = isBitSerial ? Double(target?.largestCode ?? 1) : 1
    counts = [[Int]](repeating: [Int](repeating: 0, count: layer.tile * (isBitSerial ? 1 : 255) + 1), count: isBitSerial ? 8 : 1)
  }

  /// Takes in a layer's input codes.
  mutating func add(_ codes: Tensor) {
    guard codes.count > 0 else { return }
    let values = codes.codes
    let sampleSize = values.count / codes.shape[0]
    var taken = [Int32](repeating: 0, count: order.count)
    for offsets in layer.inputOffsets(order, in: codes.shape) {
      for sample in 0..<codes.shape[0] {
        for (place, offset) in offsets.enumerated() { taken[place] = offset < 0 ? 0 : values[sample * sampleSize + offset] }
        if counts.count == 1 {
          count(taken, bit: 0)
        } else {
          for bit in counts.indices { count(taken.map { $0.signum() * Int32($0.magnitude >> UInt32(bit) & 1) }, bit: bit) }
        }
      }
    }
  }

  private mutating func count(_ taken: [Int32], bit: Int) {
    for filter in 0..<filters {
      for first in stride(from: 0, to: taken.count, by: layer.tile) {
        var sum: Int32 = 0
        for place in first..<min(first + layer.tile, taken.count) { sum &+= taken[place] &* weights[filter * taken.count + place] }
        counts[bit][Int(sum.magnitude)] += 1
      }
    }
  }
}
