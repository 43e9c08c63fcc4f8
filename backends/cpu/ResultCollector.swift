import CCPUKernels
import GraphIR

/// The bytes of outputs and taps, filled chunk by chunk as steps compute them.
///
/// A class because threads share it; each writes its own samples.
final class ResultCollector: @unchecked Sendable {
  private struct Target {
    let step: Int
    let index: Int
    let place: ExecutionPlan.Place
    let type: TensorType
    let storage: TensorStorage
  }

  /// By place among the values wanted; nil for those that no step computes.
  private var targets: [Target?] = []
  private let isa: bitline_isa

  init(_ plan: ExecutionPlan, _ wanted: [ValueID], batch: Int) {
    isa = plan.settings.level.isa
    targets.reserveCapacity(wanted.count)
    for id in wanted {
      guard let step = plan.filledBy[Int(id.index)], let place = plan.places[Int(id.index)] else {
        targets.append(nil)
        continue
      }
      var type = plan.graph.type(of: id)
      if place.isPerSample { type.shape[0] = batch }
      let storage = TensorStorage(byteCount: type.shape.dimensions.reduce(type.element.storageBytes, *))
      targets.append(Target(step: step, index: Int(id.index), place: place, type: type, storage: storage))
    }
  }

  /// Copies what a step computed and somebody wants.
  func collect(after step: Int, _ values: UnsafeMutablePointer<UnsafeMutableRawPointer>, first: Int, samples: Int) {
    for case let target? in targets where target.step == step {
      guard let base = target.storage.bytes.baseAddress else { continue }
      let (place, source) = (target.place, values[target.index])
      switch place.layout {
      case .plain:
        let count = place.isPerSample ? samples * place.byteCount : place.byteCount
        (base + (place.isPerSample ? first * place.byteCount : 0)).copyMemory(from: source, byteCount: count)
      case .bits:
        let shape = target.type.shape
        let (from, to) = (shape.channelWords * shape.positions, shape[1] * shape.positions)
        let start = place.isPerSample ? first : 0
        for sample in 0..<(place.isPerSample ? samples : shape[0]) {
          bitline_unpack_bits(
            Int64(shape[1]), Int64(shape.positions), source.assumingMemoryBound(to: UInt64.self) + sample * from,
            base.assumingMemoryBound(to: Int8.self) + (start + sample) * to)
        }
      case .blocked:
        let shape = target.type.shape
        let (from, to) = (shape.channelBlocks * Shape.lanes * shape.positions, shape[1] * shape.positions)
        let count = place.isPerSample ? samples : shape[0]
        let start = place.isPerSample ? first : 0
        if target.type.element.storageBytes == 1 {
          for sample in 0..<count {
            bitline_unblock_channels_u8(
              Int64(shape[1]), Int64(shape.positions), source.assumingMemoryBound(to: UInt8.self) + sample * from,
              base.assumingMemoryBound(to: UInt8.self) + (start + sample) * to)
          }
          continue
        }
        for sample in 0..<count {
          bitline_unblock_channels_f32(
            isa, Int64(shape[1]), Int64(shape.positions), source.assumingMemoryBound(to: Float.self) + sample * from,
            base.assumingMemoryBound(to: Float.self) + (start + sample) * to)
        }
      }
    }
  }

  /// A result; nil for a value that no step computes.
  func tensor(_ place: Int) -> Tensor? {
    targets[place].map { Tensor($0.type.element, $0.type.shape, storage: $0.storage) }
  }
}
