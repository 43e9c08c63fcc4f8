import GraphIR
import PluginAPI

/// The graph as steps over planned memory: every value a run of floats, codes too; what only one sample needs is kept for one sample.
///
/// Steps before `boundary` run sample by sample, so that their values stay in the nearest cache; steps after it run for a whole chunk, so
/// that weights are read once for all of its samples.
struct Plan: Sendable {
  /// Samples that a worker has in hand.
  static let chunk = 8

  /// Where a value is kept.
  enum Home: Sendable {
    /// The caller's tensor.
    case input(Int)
    /// An offset in the arena, and the floats from one sample to the next: 0 when all share one place.
    case arena(offset: Int, stride: Int)
  }

  struct Value: Sendable {
    let home: Home
    let layout: Layout
  }

  enum Step: Sendable {
    case quantize(from: Int, to: Int, scale: Float, lo: Float, hi: Float)
    /// Codes as numbers: each times a scale.
    case dequantize(from: Int, to: Int, scale: Float)
    case evaluate(layer: Int, from: Int, to: Int)
    case rescale(Rescaling)
    case maxPool(Pooling)
    case pointwise(Pointwise)
    case dense(HostDense, from: Int, to: Int)
    case relayout(from: Int, to: Int)
    case reference(NodeID)
  }

  /// A rescale beside the array: factors and addend padded to whole blocks.
  struct Rescaling: Sendable {
    let from: [Int]
    let to: Int
    let factors: [[Float]]
    let addend: [Float]
    let lo: Float
    let hi: Float
  }

  struct Pooling: Sendable {
    let from: Int
    let to: Int
    let positions: [Int32]
    let taps: [Int32]
    let width: Int
  }

  /// What follows a layer's total in the kernel.
  struct Finish: Sendable {
    var factor: [Float]
    var addend: [Float]
    var lo = -Float.infinity
    var hi = Float.infinity
  }

  let graph: Graph
  let machine: Machine
  let wanted: [ValueID]
  var values: [Value] = []
  /// What nodes of constants alone give.
  var folded: [ValueID: Tensor] = [:]
  /// By value of the graph: the number in `values` that it is kept as.
  var kept: [Int?]
  var steps: [Step] = []
  var boundary = 0
  var wirings: [LayerWiring] = []
  var finishes: [Finish] = []
  /// The layer numbers of the program, in the order of `wirings`.
  var arenaFloats = 0
  /// Floats for a layer's noise, and for its prepared codes; for all samples that are evaluated together.
  var noiseFloats = 0
  var preparedFloats = 0
}
