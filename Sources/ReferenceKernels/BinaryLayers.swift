import GraphIR

/// Steps 2 to 6 of the numeric contract.
extension Reference {
  /// A convolution of codes with weights of ±1. Padding is a code of 0.
  static func binaryConv(_ a: BinaryConv, _ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let x = operands[0].integers(as: Int32.self)
    let (samples, filters, channels) = (type.shape[0], type.shape[1], operands[1].shape[1])
    let tiles = try Tiles(weights: operands[1], order: operands.count == 3 ? operands[2] : nil, tile: a.tile, a.readout)
    let windows = Windows(a.window, input: operands[0].shape, kernel: Array(operands[1].shape.dimensions.dropFirst(2)), output: type.shape)
    let plane = windows.input.reduce(1, *)
    let places = windows.output.reduce(1, *)
    var result = [Int32](repeating: 0, count: samples * filters * places)
    windows.forEach { place, indices in
      let offsets = windows.offsets(at: indices)
      for sample in 0..<samples {
        let inputs = tiles.ordered(column(x, (0..<channels).map { (sample * channels + $0) * plane }, offsets))
        for filter in 0..<filters { result[(sample * filters + filter) * places + place] = tiles.sum(inputs, filter: filter) }
      }
    }
    return Tensor(type.element, type.shape, result)
  }

  /// A dense layer of codes with weights of ±1.
  static func binaryDense(_ a: BinaryDense, _ operands: [Tensor], _ type: TensorType) throws -> Tensor {
    let x = operands[0].integers(as: Int32.self)
    let inputs = operands[1].shape[1]
    let tiles = try Tiles(weights: operands[1], order: operands.count == 3 ? operands[2] : nil, tile: a.tile, a.readout)
    var result: [Int32] = []
    for sample in 0..<type.shape[0] {
      let row = tiles.ordered(Array(x[sample * inputs..<(sample + 1) * inputs]))
      for filter in 0..<type.shape[1] { result.append(tiles.sum(row, filter: filter)) }
    }
    return Tensor(type.element, type.shape, result)
  }

  /// Steps 5 and 6: `activation(((f32(P0)·m0 + f32(P1)·m1) + …) + c)`, every product and sum rounded to f32.
  static func rescale(_ a: Rescale, _ operands: [Tensor]) -> Tensor {
    let shape = operands[0].shape
    let filters = shape[1]
    let places = shape.dimensions.dropFirst(2).reduce(1, *)
    let offset = operands[operands.count - 1].elements(Float.self)
    let bases = stride(from: 0, to: operands.count - 1, by: 2).map { place in
      (sums: operands[place].elements(Int32.self), factors: operands[place + 1].elements(Float.self))
    }
    let result = (0..<operands[0].count).map { index -> Float in
      let filter = index / places % filters
      var sum = Float(bases[0].sums[index]) * bases[0].factors[filter]
      for base in bases.dropFirst() {
        let product = Float(base.sums[index]) * base.factors[filter]
        sum += product
      }
      return a.activation(sum + offset[filter])
    }
    return Tensor(.float32, shape, result)
  }
}

/// The weights of a binary layer, in the order in which tiles take them.
private struct Tiles {
  /// `[F, K]`, along K in tile order.
  private var weights: [Int32] = []
  /// Place in tile order to input.
  private let order: [Int]
  private let tile: Int
  private let readout: Readout

  init(weights tensor: Tensor, order: Tensor?, tile: Int, _ readout: Readout) throws {
    let stored = tensor.integers(as: Int32.self)
    let inputs = tensor.shape.dimensions.dropFirst().reduce(1, *)
    let order = order?.integers(as: Int.self) ?? Array(0..<inputs)
    guard order.sorted() == Array(0..<inputs) else { throw Diagnostic(.badInput, "the order is not a permutation of \(inputs) inputs") }
    self.order = order
    self.tile = tile == 0 ? inputs : tile
    self.readout = readout
    weights.reserveCapacity(stored.count)
    for filter in 0..<tensor.shape[0] {
      for input in order { weights.append(stored[filter * inputs + input]) }
    }
  }

  /// The inputs of one output, in tile order.
  func ordered(_ inputs: [Int32]) -> [Int32] { order.map { inputs[$0] } }

  /// Steps 2 to 4: the sum of what is read of each tile.
  func sum(_ inputs: [Int32], filter: Int) -> Int32 {
    var total: Int32 = 0
    for first in stride(from: 0, to: inputs.count, by: tile) {
      var tileSum: Int32 = 0
      for k in first..<min(first + tile, inputs.count) { tileSum &+= inputs[k] &* weights[filter * inputs.count + k] }
      total &+= read(tileSum)
    }
    return total
  }

  /// Step 3: what the converter makes of a tile's sum.
  private func read(_ tileSum: Int32) -> Int32 {
    switch readout {
    case .exact: return tileSum
    case .adc(bits: 1, _, _): return tileSum < 0 ? -1 : 1
    case .adc(_, let lsb, let top):
      let limit = Float(top)
      return Int32(Reference.clamp((Float(tileSum) / lsb).rounded(.toNearestOrEven), -limit, limit))
    }
  }
}
