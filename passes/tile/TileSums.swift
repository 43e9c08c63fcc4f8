import GraphIR
import PluginAPI

/// How the sums of each layer's tiles are spread in calibration data.
func tileSums(of layers: [NodeID], in graph: Graph, _ context: PassContext) throws -> [NodeID: TileSums] {
  guard !context.calibration.isEmpty else {
    throw Diagnostic(.usage, "no data to calibrate the readout on", hint: "give --calibrate DATA, or say readout{scale=chip}")
  }
  var spectra = try layers.map { id in
    guard let spectrum = TileSums(graph[id], in: graph) else { throw notConstant(graph[id]) }
    return spectrum
  }
  let codes = layers.map { graph[$0].operands[0] }
  var left = context.options[int: "samples"] ?? 64
  for batch in context.calibration where left > 0 {
    let values = try context.evaluate(graph, batch, codes)
    let samples = min(left, values.first?.shape[0] ?? 0)
    for (place, tensor) in values.enumerated() { spectra[place].add(tensor.slice(batch: 0..<samples)) }
    left -= samples
  }
  return Dictionary(uniqueKeysWithValues: zip(layers, spectra))
}

private func notConstant(_ node: Node) -> Diagnostic {
  Diagnostic(.unsupported, "cannot calibrate a readout for weights that are not constant", place: node.label)
}

/// How often each magnitude of a tile's sum occurs in one layer.
struct TileSums {
  private let layer: TiledLayer
  /// `[F, K]`, along K in tile order.
  private let weights: [Int32]
  /// Place in tile order to input.
  private let order: [Int]
  private let weightShape: Shape
  /// By magnitude.
  private(set) var counts: [Int]

  /// nil when the weights or their order are not constant.
  init?(_ node: Node, in graph: Graph) {
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
    weightShape = bits.shape
    weights = (0..<bits.shape[0]).flatMap { filter in order.map { Int32(stored[filter * inputs + $0]) } }
    counts = [Int](repeating: 0, count: layer.tile * 255 + 1)
  }

  /// Takes in a layer's input codes.
  mutating func add(_ codes: Tensor) {
    guard codes.count > 0 else { return }
    let values = codes.element == .int8 ? codes.elements(Int8.self).map { Int32($0) } : codes.elements(UInt8.self).map { Int32($0) }
    let sampleSize = values.count / codes.shape[0]
    var taken = [Int32](repeating: 0, count: order.count)
    for offsets in inputOffsets(codes.shape) {
      for sample in 0..<codes.shape[0] {
        for (place, offset) in offsets.enumerated() { taken[place] = offset < 0 ? 0 : values[sample * sampleSize + offset] }
        count(taken)
      }
    }
  }

  private mutating func count(_ taken: [Int32]) {
    for filter in 0..<weightShape[0] {
      for first in stride(from: 0, to: taken.count, by: layer.tile) {
        var sum: Int32 = 0
        for place in first..<min(first + layer.tile, taken.count) { sum &+= taken[place] &* weights[filter * taken.count + place] }
        counts[Int(sum.magnitude)] += 1
      }
    }
  }

  /// For each place of the output: where its inputs lie in a sample, in tile order; -1 for padding.
  private func inputOffsets(_ shape: Shape) -> [[Int]] {
    guard let window = layer.window else { return [order] }
    let input = Array(shape.dimensions.dropFirst(2))
    let kernel = Array(weightShape.dimensions.dropFirst(2))
    let output = input.indices.map { axis in (try? window.outputExtent(axis, input: input[axis], kernel: kernel[axis])) ?? 0 }
    let plane = input.reduce(1, *)
    let taps = kernel.reduce(1, *)
    return places(of: output).map { place in
      let within = places(of: kernel).map { tap -> Int? in
        var offset = 0
        for axis in input.indices {
          let position = place[axis] * window.stride(axis) + tap[axis] * window.dilation(axis) - window.padBefore(axis)
          guard position >= 0 && position < input[axis] else { return nil }
          offset = offset * input[axis] + position
        }
        return offset
      }
      return order.map { k in within[k % taps].map { k / taps * plane + $0 } ?? -1 }
    }
  }

  /// All index tuples of a space, row-major.
  private func places(of extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
  }
}
