import GraphIR

/// Steps 2 to 4 of the numeric contract, one product after another.
struct BinaryLayer: Kernel {
  private let walk: WindowWalk
  /// `[F, K]`, along K in tile order.
  private let weights: [Int16]
  /// Place in tile order to input; nil when they are the same.
  private let order: [Int]?
  private let filters: Int
  private let inputs: Int
  private let tiles: [Range<Int>]
  private let readout: Readout
  /// Of the result, with the batch as compiled.
  private let shape: Shape

  init(_ walk: WindowWalk, weights: Tensor, order: [Int]?, tile: Int, _ readout: Readout, _ shape: Shape) {
    self.walk = walk
    self.order = order
    self.readout = readout
    self.shape = shape
    filters = weights.shape[0]
    let inputs = weights.shape.dimensions.dropFirst().reduce(1, *)
    self.inputs = inputs
    // Sums of whole tiles add up to the sum of all inputs; only a converter needs to see each tile.
    let size = readout == .exact || tile == 0 ? inputs : tile
    tiles = stride(from: 0, to: inputs, by: size).map { $0..<min($0 + size, inputs) }
    let stored = weights.elements(Int8.self)
    let order = order ?? Array(0..<inputs)
    self.weights = (0..<weights.shape[0]).flatMap { filter in order.map { Int16(stored[filter * inputs + $0]) } }
  }

  func run(_ operands: [Tensor], _ settings: Settings, _ tally: inout Tally) -> Tensor {
    let codes = operands[0]
    let counting = ProductCounting(arithmetic: .codes(settings.weights), reuse: settings.reuse)
    let samples = codes.shape[0]
    for _ in 0..<samples { counting.countSample(inputs: codes.count / samples, weights: weights.count, &tally) }
    var shape = shape
    shape[0] = samples
    return .filled(.int32, shape, as: Int32.self) { sums in
      if codes.element == .uint8 {
        codes.withPointer(UInt8.self) { run($0, samples, counting, &tally, into: sums) }
      } else {
        codes.withPointer(Int8.self) { run($0, samples, counting, &tally, into: sums) }
      }
    }
  }

  @inline(__always)
  private func run<Code: BinaryInteger>(
    _ codes: UnsafePointer<Code>, _ samples: Int, _ counting: ProductCounting, _ tally: inout Tally, into sums: UnsafeMutablePointer<Int32>
  ) {
    let planes = inputs / walk.kernelCount
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: 2 * inputs) { rows in
      weights.withUnsafeBufferPointer { weights in
        guard let loaded = rows.baseAddress, let weights = weights.baseAddress else { return }
        let ordered = loaded + inputs
        for sample in 0..<samples {
          let own = codes + sample * planes * walk.plane
          for place in 0..<walk.places {
            walk.load(own, planes: planes, place: place, into: loaded)
            if let order { for k in 0..<inputs { ordered[k] = loaded[order[k]] } }
            for filter in 0..<filters {
              sums[(sample * filters + filter) * walk.places + place] = sum(order == nil ? loaded : ordered, weights + filter * inputs)
            }
            counting.count(outputs: filters, inputs: inputs, &tally)
            if case .adc = readout { counting.countReadout(outputs: filters, tiles: tiles.count, &tally) }
          }
        }
      }
    }
  }

  /// One output: the sum of what is read of each tile.
  @inline(__always)
  private func sum(_ row: UnsafePointer<Int16>, _ weights: UnsafePointer<Int16>) -> Int32 {
    guard case .adc(let bits, let lsb, let top) = readout else { return BinaryLayer.dot(row, weights, 0..<inputs) }
    let limit = Float(top)
    var total: Int32 = 0
    for tile in tiles {
      if bits == 1 {
        total &+= BinaryLayer.dot(row, weights, tile) < 0 ? -1 : 1
        continue
      }
      let steps = (Float(BinaryLayer.dot(row, weights, tile)) / lsb).rounded(.toNearestOrEven)
      total &+= Int32(steps > limit ? limit : steps < -limit ? -limit : steps)
    }
    return total
  }

  @inline(__always)
  private static func dot(_ row: UnsafePointer<Int16>, _ weights: UnsafePointer<Int16>, _ places: Range<Int>) -> Int32 {
    var sum: Int32 = 0
    for k in places { sum &+= Int32(row[k]) &* Int32(weights[k]) }
    return sum
  }
}
