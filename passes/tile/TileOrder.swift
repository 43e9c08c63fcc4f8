import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which inputs of a layer share a tile, so that its tiles' sums are small: what a converter spoils grows with what it has to hold.
///
/// The mean square of all tile sums is the sum over tiles of `M[i][j] = G[i][j] · C[i][j]` for i and j in the tile, where G is the mean product
/// of two inputs on calibration data and C of their bits over the filters. Pairs of inputs change tiles as long as that lowers it, the best
/// partner for one input after the other.
struct TileOrder {
  /// Place in tile order to input.
  private(set) var order: [Int]
  /// The mean square of tile sums in the order of memory, over that in this order, in dB.
  let gain: Double

  /// Their products take 256 MB.
  static let mostInputs = 8192

  /// Rounds through all inputs; exchanges mostly end in fewer.
  private static let rounds = 12

  /// `products` is M, row-major.
  init(_ products: [Float], inputs: Int, tile: Int) {
    var search = TileSearch(products, inputs: inputs, tile: tile)
    let before = search.total
    for _ in 0..<Self.rounds where !search.exchange() { break }
    gain = before > 0 && search.total > 0 ? 10 * log10(before / search.total) : 0
    let tiles = search.tiles
    order = (0..<inputs).sorted { (tiles[$0], $0) < (tiles[$1], $1) }
  }
}

/// Orders for the layers of several tiles that have none yet, by calibration data; reports what each gains. `length`: of a tile of so many
/// inputs' layer.
func tileOrders(in graph: Graph, _ context: PassContext, _ length: (Int) -> Int) throws -> [NodeID: [Int]] {
  guard !context.calibration.isEmpty else {
    throw Diagnostic(.usage, "no data to order inputs by", hint: "give --calibrate DATA, or say tile{order=memory}")
  }
  let layers = graph.nodeIDs.filter { id in
    guard let layer = TiledLayer(graph[id], in: graph) else { return false }
    guard layer.order == nil && layer.inputs > length(layer.inputs) && graph.constant(layer.weights) != nil else { return false }
    if layer.inputs > TileOrder.mostInputs {
      context.note("\(graph[id].label): in the order of memory, \(layer.inputs) inputs are too many to order")
    }
    return layer.inputs <= TileOrder.mostInputs
  }
  var columns = layers.compactMap { TiledLayer(graph[$0], in: graph).map(InputColumns.init) }
  try forEachBatch(of: layers, in: graph, samples: 64, context) { columns[$0].add($1) }
  var table = Table(
    "Tile order of \(layers.count) binary layers", key: "tile order", columns: ["layer", "inputs", "tile", "gain dB"],
    notes: ["gain: the mean square of tile sums in the order of memory, over that in the order found, on calibration data"])
  var orders: [NodeID: [Int]] = [:]
  for (place, id) in layers.enumerated() {
    context.progress(place, layers.count)
    guard let bits = graph.constant(graph[id].operands[1]) else { continue }
    let inputs = columns[place].layer.inputs
    let products = zip(try columns[place].products(context), try bits.filterProducts(context)).map { $0 * $1 }
    let found = TileOrder(products, inputs: inputs, tile: length(inputs))
    orders[id] = found.order
    table.rows.append([.text(graph[id].label), .int(inputs), .int(length(inputs)), .number(found.gain, digits: 1)])
  }
  if !layers.isEmpty { context.report(table) }
  return orders
}

/// Inputs of a layer on calibration data, each a row of numbers.
private struct InputColumns {
  let layer: TiledLayer
  private var rows: [[Float]]
  /// As many outputs as their products are worth the time for.
  private let most: Int

  init(_ layer: TiledLayer) {
    self.layer = layer
    rows = [[Float]](repeating: [], count: layer.inputs)
    most = min(4000, max(500, 20_000_000_000 / max(1, layer.inputs * layer.inputs)))
  }

  /// Takes in a batch of codes: some outputs of each sample, spread evenly.
  mutating func add(_ codes: Tensor) {
    guard codes.count > 0 else { return }
    let values = codes.codes
    let samples = codes.shape[0]
    let offsets = layer.inputOffsets(Array(0..<layer.inputs), in: codes.shape)
    let wanted = min(samples * offsets.count, most - rows[0].count)
    for row in 0..<max(0, wanted) {
      let index = row * samples * offsets.count / wanted
      let start = index / offsets.count * (values.count / samples)
      for (input, offset) in offsets[index % offsets.count].enumerated() {
        rows[input].append(offset < 0 ? 0 : Float(values[start + offset]))
      }
    }
  }

  /// The mean product of each pair of inputs.
  func products(_ context: PassContext) throws -> [Float] {
    let count = rows[0].count
    return try gram(rows.flatMap { $0 }, rows: rows.count, context).map { $0 / Float(max(1, count)) }
  }
}

/// The products of rows with each other.
private func gram(_ numbers: [Float], rows: Int, _ context: PassContext) throws -> [Float] {
  let matrix = Tensor(.float32, [rows, numbers.count / rows], numbers)
  var graph = Graph(name: "products")
  let x = graph.addInput("x", TensorType(.float32, matrix.shape))
  let y = try graph.append1(.dense(Dense()), [x, graph.addConstant(matrix)], origin: "")
  graph.addOutput("y", y)
  return try context.evaluate(graph, [matrix], [y])[0].floats
}

extension Tensor {
  /// For bits `[F, …]`: the mean product of each pair of inputs over the filters.
  fileprivate func filterProducts(_ context: PassContext) throws -> [Float] {
    let (filters, inputs) = (shape[0], count / max(1, shape[0]))
    let bits = elements(Int8.self)
    let columns = (0..<inputs).flatMap { input in (0..<filters).map { Float(bits[$0 * inputs + input]) } }
    return try gram(columns, rows: inputs, context).map { $0 / Float(max(1, filters)) }
  }
}

/// A partition of inputs into tiles, and what each input would add to each tile.
private struct TileSearch {
  private let products: [Float]
  private let inputs: Int
  private let count: Int
  private(set) var tiles: [Int]
  /// For each input and tile, the sum of products with the tile's other inputs.
  private var pull: [Double]

  init(_ products: [Float], inputs: Int, tile: Int) {
    (self.products, self.inputs, count) = (products, inputs, (inputs + tile - 1) / tile)
    tiles = (0..<inputs).map { $0 / tile }
    pull = [Double](repeating: 0, count: inputs * count)
    for i in 0..<inputs {
      for j in 0..<inputs where j != i { pull[i * count + tiles[j]] += Double(products[i * inputs + j]) }
    }
  }

  /// The mean square of all tile sums.
  var total: Double {
    (0..<inputs).reduce(0) { $0 + Double(products[$1 * inputs + $1]) + pull[$1 * count + tiles[$1]] }
  }

  /// One round; whether any input moved.
  mutating func exchange() -> Bool {
    var moved = false
    for i in 0..<inputs {
      let mine = tiles[i]
      var best = (partner: -1, change: 0.0)
      for j in 0..<inputs where tiles[j] != mine {
        let theirs = tiles[j]
        let change =
          pull[i * count + theirs] + pull[j * count + mine] - pull[i * count + mine] - pull[j * count + theirs]
          - 2 * Double(products[i * inputs + j])
        if change < best.change { best = (j, change) }
      }
      // What rounding might undo is no gain.
      guard best.change < -1e-6 * Double(products[i * inputs + i]) else { continue }
      swap(i, best.partner)
      moved = true
    }
    return moved
  }

  private mutating func swap(_ i: Int, _ j: Int) {
    let (mine, theirs) = (tiles[i], tiles[j])
    for k in 0..<inputs {
      let (a, b) = (k == i ? 0 : Double(products[k * inputs + i]), k == j ? 0 : Double(products[k * inputs + j]))
      pull[k * count + mine] += b - a
      pull[k * count + theirs] += a - b
    }
    (tiles[i], tiles[j]) = (theirs, mine)
  }
}
