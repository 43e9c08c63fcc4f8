import GraphIR

func pool(
  _ kind: Pool.Kind, _ kernel: [Int], strides: [Int] = [], pads: [Int] = [], dilations: [Int] = [], roundUp: Bool = false,
  countPadding: Bool = false
) -> Pool {
  var pool = Pool()
  pool.kind = kind
  pool.kernel = kernel
  pool.window = Window(strides: strides, pads: pads, dilations: dilations)
  pool.roundUp = roundUp
  pool.countPadding = countPadding
  return pool
}

func reduce(_ kind: Reduce.Kind, _ axes: [Int], keepAxes: Bool = true) -> Op {
  var reduce = Reduce()
  reduce.kind = kind
  reduce.axes = axes
  reduce.keepAxes = keepAxes
  return .reduce(reduce)
}

func slice(starts: [Int], steps: [Int], extents: [Int]) -> Op {
  var slice = Slice()
  slice.starts = starts
  slice.steps = steps
  slice.extents = extents
  return .slice(slice)
}

func pad(_ mode: Pad.Mode, _ pads: [Int], value: Float = 0) -> Op {
  var pad = Pad()
  pad.mode = mode
  pad.pads = pads
  pad.value = value
  return .pad(pad)
}

func binaryConv(_ window: Window, tile: Int = 0, _ readout: Readout = .exact) -> Op {
  var conv = BinaryConv(window: window)
  conv.tile = tile
  conv.readout = readout
  return .binaryConv(conv)
}

func binaryDense(tile: Int = 0, _ readout: Readout = .exact) -> Op {
  var dense = BinaryDense()
  dense.tile = tile
  dense.readout = readout
  return .binaryDense(dense)
}
