import GraphIR
import ReferenceKernels

/// The single result of an op.
func evaluate(_ op: Op, _ operands: Tensor...) throws -> Tensor { try Reference.evaluate(op, operands)[0] }

/// An f32 tensor.
func floats(_ shape: Shape, _ values: [Float]) -> Tensor { Tensor(.float32, shape, values) }

/// A tensor of any float type, rounded.
func reals(_ element: DataType, _ values: [Float]) throws -> Tensor { try evaluate(.cast(Cast(to: element)), .vector(values)) }

/// A vector of integers.
func integers(_ element: DataType, _ values: [Int]) -> Tensor { .integers(element, [values.count], values) }

/// A vector of i64, which may hold any bits.
func words(_ values: [Int64]) -> Tensor { Tensor(.int64, [values.count], values) }

/// f32 numbers counted up from 1.
func counting(_ shape: Shape) -> Tensor { floats(shape, (0..<(shape.elementCount ?? 0)).map { Float($0 + 1) }) }

func poolOp(
  _ kind: Pool.Kind, kernel: [Int], strides: [Int] = [], pads: [Int] = [], dilations: [Int] = [], roundUp: Bool = false,
  countPadding: Bool = false
) -> Op {
  var pool = Pool()
  pool.kind = kind
  pool.kernel = kernel
  pool.window = Window(strides: strides, pads: pads, dilations: dilations)
  pool.roundUp = roundUp
  pool.countPadding = countPadding
  return .pool(pool)
}

func reduceOp(_ kind: Reduce.Kind, axes: [Int], keepAxes: Bool = false) -> Op {
  var reduce = Reduce()
  reduce.kind = kind
  reduce.axes = axes
  reduce.keepAxes = keepAxes
  return .reduce(reduce)
}

func padOp(_ pads: [Int], _ mode: Pad.Mode = .constant, value: Float = 0) -> Op {
  var pad = Pad()
  pad.pads = pads
  pad.mode = mode
  pad.value = value
  return .pad(pad)
}

func sliceOp(starts: [Int], steps: [Int], extents: [Int]) -> Op {
  var slice = Slice()
  slice.starts = starts
  slice.steps = steps
  slice.extents = extents
  return .slice(slice)
}

func binaryDenseOp(tile: Int, _ readout: Readout = .exact) -> Op {
  var dense = BinaryDense()
  dense.tile = tile
  dense.readout = readout
  return .binaryDense(dense)
}

func binaryConvOp(_ window: Window = Window(), tile: Int, _ readout: Readout = .exact) -> Op {
  var conv = BinaryConv(window: window)
  conv.tile = tile
  conv.readout = readout
  return .binaryConv(conv)
}
