import CIMCKernels
import GraphIR

/// How one layer's evaluations find their inputs, and what is done to these first: tables for the kernels, the same for every chip.
///
/// A class because kernels hold pointers into its tables; nothing changes after it is made.
final class LayerWiring: @unchecked Sendable {
  let layer: Layer
  /// The layout of the codes.
  let input: Layout
  /// Floats of one plane of one sample, padding included.
  let planeStorage: Int
  /// Whether codes come bit by bit, each bit driving a column as the largest code does.
  let isBitSerial: Bool
  /// Planes that are evaluated one after another; 1 for whole codes.
  let planes: Int
  /// Whether codes are bent by the input converters.
  let isBent: Bool
  /// Rows to copy into the padded plane: where from, where to, how many floats. Empty without padding.
  let copies: [(from: Int, to: Int, count: Int)]
  /// `[filters, inputs]` in tile order: +1 or -1.
  let signs: [Int8]

  let tileStarts: UnsafeMutablePointer<Int32>
  let columns: UnsafeMutablePointer<Int32>
  /// Bits by lookup: offsets of four inputs a quad, and where each tile begins in them; nil when bits are multiplied.
  let quads: UnsafeMutablePointer<Int32>?
  let quadStarts: UnsafeMutablePointer<Int32>
  /// Where each row's inputs begin: positions of a sample, or samples of a chunk for a layer with one position.
  let rows: UnsafeMutablePointer<Int32>

  init(_ layer: Layer, _ graph: Graph, input: Layout, isBitSerial: Bool, isBent: Bool, chunk: Int) {
    self.layer = layer
    self.input = input
    self.isBitSerial = isBitSerial
    self.isBent = isBent && !isBitSerial
    planes = isBitSerial ? layer.magnitudeBits : 1
    let geometry = layer.geometry
    let isWindowed = geometry.sampleCount != layer.inputs || geometry.positions.count > 1 || !geometry.rows.isEmpty
    let node = graph[layer.node]
    let shape = graph.type(of: node.operands[0]).shape
    let channels = isWindowed ? max(1, shape[1]) : 1
    let plane = geometry.paddedCount / channels
    planeStorage = geometry.rows.isEmpty ? input.storage : (input.positions == nil ? channels : (channels + 15) / 16 * input.width) * plane
    tileStarts = .allocate(capacity: layer.tiles.count + 1)
    for (number, tile) in layer.tiles.enumerated() { tileStarts[number] = Int32(tile.lowerBound) }
    tileStarts[layer.tiles.count] = Int32(layer.inputs)
    columns = .allocate(capacity: layer.inputs)
    for (place, offset) in layer.columns.enumerated() {
      let offset = Int(offset)
      columns[place] = Int32(
        isWindowed ? input.offset(channel: offset / plane, position: offset % plane, of: plane) : input.offset(offset))
    }
    quadStarts = .allocate(capacity: layer.tiles.count + 1)
    quadStarts[0] = 0
    for (number, tile) in layer.tiles.enumerated() { quadStarts[number + 1] = quadStarts[number] + Int32((tile.count + 3) / 4) }
    let quadCount = Int(quadStarts[layer.tiles.count])
    if planes > 1 && !layer.isSigned && quadCount <= bitline_imc_most_quads {
      let quads = UnsafeMutablePointer<Int32>.allocate(capacity: quadCount * 4)
      for (number, tile) in layer.tiles.enumerated() {
        for place in 0..<(tile.count + 3) / 4 * 4 {
          // A quad that is not full repeats an input; its weight there counts as 0.
          quads[Int(quadStarts[number]) * 4 + place] = columns[tile.lowerBound + min(place, tile.count - 1)]
        }
      }
      self.quads = quads
    } else {
      quads = nil
    }
    let scratch = planes > 1 || isBent || !geometry.rows.isEmpty
    let sampleStride = scratch ? planeStorage * (quads == nil ? planes : 2) : input.storage
    if layer.positions == 1 {
      rows = .allocate(capacity: chunk)
      for sample in 0..<chunk { rows[sample] = Int32(sample * sampleStride) }
    } else {
      rows = .allocate(capacity: layer.positions)
      for (position, base) in geometry.positions.enumerated() {
        rows[position] = Int32(input.offset(channel: 0, position: Int(base), of: plane))
      }
    }
    let own = geometry.sampleCount / channels
    copies = geometry.rows.compactMap { row in
      guard input.positions != nil else { return (row.from, row.to, geometry.rowLength) }
      guard row.from / own % 16 == 0 else { return nil }
      return (
        input.offset(channel: row.from / own, position: row.from % own, of: own),
        input.offset(channel: row.to / plane, position: row.to % plane, of: plane), geometry.rowLength * input.width
      )
    }
    let order = Layer.order(of: node, in: graph)
    guard let weights = graph.constant(node.operands[1])?.elements(Int8.self) else { preconditionFailure("weights are not constant") }
    signs = (0..<layer.filters).flatMap { filter in
      (0..<layer.inputs).map { weights[filter * layer.inputs + (order?[$0] ?? $0)] > 0 ? 1 : -1 }
    }
  }

  deinit {
    tileStarts.deallocate()
    columns.deallocate()
    rows.deallocate()
    quadStarts.deallocate()
    quads?.deallocate()
  }

  /// Whether codes are copied before they are evaluated.
  var isPrepared: Bool { planes > 1 || isBent || !copies.isEmpty }
  /// Floats of a sample's prepared codes.
  var preparedStorage: Int { isPrepared ? planeStorage * (quads == nil ? planes : 4) : 0 }
  /// Lanes computed of each block.
  var width: Int { layer.filters <= 8 ? 8 : 16 }
  var blocks: Int { (layer.filters + 15) / 16 }
  /// The layout of the results.
  var output: Layout { .lanes(channels: layer.filters, positions: layer.positions) }
  /// Conversions of one position.
  var conversions: Int { blocks * layer.tiles.count * planes }
  /// Blocks of 64 random numbers that one sample's noise takes.
  var noiseQuads: Int { (conversions * layer.positions * width + 63) / 64 }

  /// Pads, bends and splits one sample's codes.
  func prepare(
    _ codes: UnsafePointer<Float>, _ prepared: UnsafeMutablePointer<Float>, bow: Float, top: Float, _ kernels: bitline_imc_kernels
  ) {
    var from = codes
    // Words of bits take two floats each; a padded copy stands behind them, and as much again keeps samples a whole word apart.
    // Else the last plane is the only one that may be written before all are split off: planes are written upwards.
    let whole = prepared + (quads == nil ? planes - 1 : 2) * planeStorage
    if !copies.isEmpty {
      whole.update(repeating: 0, count: planeStorage)
      for copy in copies { (whole + copy.to).update(from: codes + copy.from, count: copy.count) }
      from = UnsafePointer(whole)
    }
    if isBent { kernels.bend(from, Int32(planeStorage), bow, top, whole) }
    if quads != nil {
      UnsafeMutableRawPointer(prepared).withMemoryRebound(to: UInt64.self, capacity: planeStorage) {
        kernels.spread(from, Int32(planeStorage), $0)
      }
    } else if planes > 1 {
      kernels.split(from, Int32(planeStorage), Int32(planes), Int32(planeStorage), prepared)
    }
  }
}
