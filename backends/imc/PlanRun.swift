import CIMCKernels
import Dispatch
import GraphIR
import PluginAPI
import ReferenceKernels

extension MadeChip {
  /// Runs a batch: chunks of it on threads, each worker in its own arena. Results do not depend on how many there are.
  func run(_ inputs: [Tensor], threads: Int) throws -> [Tensor] {
    try run(inputs, threads: threads, counting: nil)
  }

  /// As `run`, and adds what each layer's converters gave to its counter.
  func run(_ inputs: [Tensor], threads: Int, counting counters: [ConverterCounter]?) throws -> [Tensor] {
    let samples = inputs[0].shape[0]
    let graph = plan.graph
    var outputs = plan.wanted.map { id -> Tensor in
      let type = graph.type(of: id)
      return Tensor(zeros: type.element, type.shape.bound(batch: samples))
    }
    guard samples > 0 else { return outputs }
    let targets = outputs.indices.map { place -> UnsafeMutableRawPointer? in
      outputs[place].writableBytes()
    }
    let sources = inputs.map { tensor in tensor.withBytes { $0.baseAddress } }
    let chunks = (samples + Plan.chunk - 1) / Plan.chunk
    let workers = max(1, min(threads, chunks))
    nonisolated(unsafe) let pointers = (sources, targets)
    nonisolated(unsafe) var faults = [(any Error)?](repeating: nil, count: workers)
    // Each worker counts by itself; sums of counts do not depend on who counted.
    nonisolated(unsafe) let ownCounters = (0..<workers).map { _ in counters == nil ? nil : layers.map { ConverterCounter($0[0]) } }
    @Sendable func work(_ worker: Int) throws {
      let run = PlanRun(self, inputs: pointers.0.map { $0?.assumingMemoryBound(to: Float.self) }, counters: ownCounters[worker])
      for number in stride(from: worker, to: chunks, by: workers) {
        let first = number * Plan.chunk
        try run.run(first: first, count: min(Plan.chunk, samples - first), into: pointers.1)
      }
    }
    try withExtendedLifetime(inputs) {
      if workers == 1 {
        try work(0)
      } else {
        faults.withUnsafeMutableBufferPointer { faults in
          nonisolated(unsafe) let faults = faults
          DispatchQueue.concurrentPerform(iterations: workers) { worker in
            do { try work(worker) } catch { faults[worker] = error }
          }
        }
        if let fault = faults.compactMap({ $0 }).first { throw fault }
      }
    }
    if let counters { for own in ownCounters { for (counter, each) in zip(counters, own ?? []) { counter.add(each) } } }
    return outputs
  }
}

/// One worker: an arena, and the steps over it. A class because it owns the arena; one thread uses it.
final class PlanRun {
  private let chip: MadeChip
  private let plan: Plan
  private let kernels: bitline_imc_kernels
  private let inputs: [UnsafePointer<Float>?]
  private let arena: UnsafeMutablePointer<Float>
  private let noise: UnsafeMutablePointer<Float>
  private let prepared: UnsafeMutablePointer<Float>
  private let isNoisy: Bool
  private let counters: [ConverterCounter]?
  private var times = [UInt64](repeating: 0, count: Plan.chunk)
  private var first = 0

  init(_ chip: MadeChip, inputs: [UnsafePointer<Float>?], counters: [ConverterCounter]? = nil) {
    self.chip = chip
    self.counters = counters
    self.inputs = inputs
    plan = chip.plan
    kernels = Kernels.best.functions
    isNoisy = chip.errors.isNoisy
    let floats = plan.arenaFloats + plan.noiseFloats + plan.preparedFloats + 64
    arena = UnsafeMutableRawPointer.allocate(byteCount: floats * 4, alignment: 64).bindMemory(to: Float.self, capacity: floats)
    noise = arena + plan.arenaFloats
    prepared = noise + plan.noiseFloats
  }

  deinit { arena.deallocate() }

  /// Runs samples `first..<first + count` and writes what is wanted of them.
  func run(first: Int, count: Int, into targets: [UnsafeMutableRawPointer?]) throws {
    self.first = first
    if isNoisy {
      for sample in 0..<count {
        times[sample] = plan.graph.inputs.indices.reduce(0) { hash, place in
          let size = plan.graph.type(of: plan.graph.inputs[place]).shape.elementCountPerSample ?? 0
          guard let base = inputs[place] else { return hash }
          return hash &* 31 &+ bitline_imc_fingerprint(base + (first + sample) * size, Int64(size * 4))
        }
      }
    }
    for sample in 0..<count { for number in 0..<plan.boundary { try execute(plan.steps[number], sample: sample, count: 1) } }
    for number in plan.boundary..<plan.steps.count { try execute(plan.steps[number], sample: 0, count: count) }
    for (place, id) in plan.wanted.enumerated() {
      guard let target = targets[place], let number = plan.kept[Int(id.index)] else { continue }
      write(number, plan.graph.type(of: id).element, count: count, to: target)
    }
  }

  /// Where a sample's value begins.
  private func base(_ number: Int, _ sample: Int) -> UnsafeMutablePointer<Float> {
    let value = plan.values[number]
    switch value.home {
    case .input(let place):
      guard let input = inputs[place] else { return arena }
      return UnsafeMutablePointer(mutating: input + (first + sample) * value.layout.storage)
    case .arena(let offset, let stride): return arena + offset + sample * stride
    }
  }

  private func execute(_ step: Plan.Step, sample: Int, count: Int) throws {
    switch step {
    case .quantize(let from, let to, let scale, let lo, let hi):
      kernels.quantize(base(from, sample), Int32(plan.values[from].layout.storage * count), scale, lo, hi, base(to, sample))
    case .dequantize(let from, let to, let scale):
      let (source, target) = (base(from, sample), base(to, sample))
      for place in 0..<plan.values[from].layout.storage * count { target[place] = source[place] * scale }
    case .evaluate(let layer, let from, let to): evaluate(chip.layers[layer], counters?[layer], from, to, sample, count)
    case .rescale(let a):
      for each in sample..<sample + count { rescale(a, each) }
    case .maxPool(let a):
      for each in sample..<sample + count {
        kernels.max_pool(
          base(a.from, each), a.positions, Int32(a.positions.count), a.taps, Int32(a.taps.count), Int32(a.width), base(a.to, each))
      }
    case .pointwise(let a):
      for each in sample..<sample + count { pointwise(a, each) }
    case .dense(let a, let from, let to):
      withUnsafeTemporaryAllocation(of: Double.self, capacity: a.outputs) { sums in
        guard let sums = sums.baseAddress else { return }
        for each in sample..<sample + count { a.run(base(from, each), sums: sums, to: base(to, each)) }
      }
    case .relayout(let from, let to):
      let layout = plan.values[from].layout
      for each in sample..<sample + count {
        let (source, target) = (base(from, each), base(to, each))
        for element in 0..<layout.count { target[element] = source[layout.offset(element)] }
      }
    case .reference(let id): try reference(id, count)
    }
  }

  private func evaluate(_ copies: [MadeLayer], _ counter: ConverterCounter?, _ from: Int, _ to: Int, _ sample: Int, _ count: Int) {
    let wiring = copies[0].wiring
    let isSingle = wiring.layer.positions == 1
    if isSingle {
      var codes = base(from, sample)
      if wiring.isPrepared {
        for each in 0..<count { prepare(wiring, base(from, sample + each), prepared + each * wiring.preparedStorage) }
        codes = prepared
      }
      if isNoisy { for each in 0..<count { draw(copies[0], times[sample + each], noise + each * wiring.noiseQuads * 64) } }
      launch(copies[0], counter, codes, rows: 0..<count, to: base(to, sample))
    } else {
      for each in sample..<sample + count {
        var codes = base(from, each)
        if wiring.isPrepared {
          prepare(wiring, codes, prepared)
          codes = prepared
        }
        if isNoisy { draw(copies[0], times[each], noise) }
        for made in copies { launch(made, counter, codes, rows: made.positions, to: base(to, each)) }
      }
    }
  }

  /// Evaluates rows of one copy: positions of a sample, or samples of a layer with one position.
  @inline(__always)
  private func launch(
    _ made: MadeLayer, _ counter: ConverterCounter?, _ codes: UnsafePointer<Float>, rows: Range<Int>,
    to results: UnsafeMutablePointer<Float>
  ) {
    var descriptor = made.descriptor
    descriptor.histogram = counter?.bins
    withUnsafePointer(to: descriptor) {
      kernels.evaluate(
        $0, made.blocks, codes, made.wiring.rows + rows.lowerBound, Int32(rows.count),
        isNoisy ? UnsafePointer(noise) + rows.lowerBound * Int(descriptor.noise_row_stride) : nil,
        results + rows.lowerBound * Int(descriptor.row_stride))
    }
  }

  private func prepare(_ wiring: LayerWiring, _ codes: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>) {
    wiring.prepare(codes, target, bow: Float(chip.errors.dacBow), top: Float(plan.machine.largestCode), kernels)
  }

  private func draw(_ made: MadeLayer, _ time: UInt64, _ target: UnsafeMutablePointer<Float>) {
    kernels.gaussians(chip.draws.draw(.thermal, place: made.noisePlace, time: time), Int32(made.wiring.noiseQuads), target)
  }

  private func rescale(_ a: Plan.Rescaling, _ sample: Int) {
    let layout = plan.values[a.to].layout
    let positions = layout.positions ?? layout.count
    let totals = a.from.map { base($0, sample) }
    let to = base(a.to, sample)
    // Blocks of eight lanes are done by element, those of sixteen by the kernel.
    if layout.width == 16 {
      for block in 0..<a.addend.count / 16 {
        let sums = totals.map { UnsafePointer($0 + block * positions * 16) }
        a.addend.withUnsafeBufferPointer { addend in
          Plan.withPointers(to: a.factors, at: block * 16) { factors in
            guard let addend = addend.baseAddress else { return }
            kernels.rescale(
              sums, factors, Int32(sums.count), Int32(positions), addend + block * 16, a.lo, a.hi, to + block * positions * 16)
          }
        }
      }
      return
    }
    for place in 0..<positions * layout.width {
      let lane = place % layout.width
      var sum = totals[0][place] * a.factors[0][lane]
      for (total, factors) in zip(totals, a.factors).dropFirst() {
        let product = total[place] * factors[lane]
        sum += product
      }
      let x = sum + a.addend[lane]
      to[place] = x < a.lo ? a.lo : x > a.hi ? a.hi : x
    }
  }

  private func pointwise(_ a: Pointwise, _ sample: Int) {
    let count = plan.values[a.to].layout.storage
    let to = base(a.to, sample)
    withSource(a, 0, sample) { x in
      withSource(a, 1, sample) { y in
        withSource(a, 2, sample) { z in a.run(x, y, z, count: count, to: to) }
      }
    }
  }

  /// Calls `body` with an operand; with the first where there are fewer.
  private func withSource(_ a: Pointwise, _ number: Int, _ sample: Int, _ body: (Pointwise.Source) -> Void) {
    switch a.operands[number < a.operands.count ? number : 0] {
    case .value(let value): body(Pointwise.Source(base: base(value, sample), step: 1))
    case .constant(let numbers):
      numbers.withUnsafeBufferPointer { list in
        if let base = list.baseAddress { body(Pointwise.Source(base: base, step: list.count == 1 ? 0 : 1)) }
      }
    }
  }

  private func reference(_ id: NodeID, _ count: Int) throws {
    let node = plan.graph[id]
    let operands = node.operands.map { operand -> Tensor in
      if let tensor = plan.graph.constant(operand) ?? plan.folded[operand] { return tensor }
      let type = plan.graph.type(of: operand)
      var tensor = Tensor(zeros: type.element, type.shape.bound(batch: count))
      if let number = plan.kept[Int(operand.index)] {
        if let target = tensor.writableBytes() { write(number, type.element, count: count, to: target, at: 0) }
      }
      return tensor
    }
    for (result, tensor) in zip(node.results, try Reference.evaluate(node.op, operands)) {
      guard let number = plan.kept[Int(result.index)] else { continue }
      let target = base(number, 0)
      switch tensor.element {
      case .uint8, .bool: tensor.withElements(UInt8.self) { for (place, code) in $0.enumerated() { target[place] = Float(code) } }
      case .int32: tensor.withElements(Int32.self) { for (place, sum) in $0.enumerated() { target[place] = Float(sum) } }
      case .int8: tensor.withElements(Int8.self) { for (place, code) in $0.enumerated() { target[place] = Float(code) } }
      default: tensor.withElements(Float.self) { if let source = $0.baseAddress { target.update(from: source, count: $0.count) } }
      }
    }
  }

  /// Writes a value of `count` samples in the tensor's order and type, from sample `first` on.
  private func write(_ number: Int, _ element: DataType, count: Int, to target: UnsafeMutableRawPointer, at first: Int? = nil) {
    let layout = plan.values[number].layout
    for sample in 0..<count {
      let source = base(number, sample)
      let start = ((first ?? self.first) + sample) * layout.count
      switch element {
      case .float32:
        let out = target.assumingMemoryBound(to: Float.self) + start
        if layout.positions == nil || layout.positions == 1 && layout.width == 16 {
          out.update(from: source, count: layout.count)
        } else {
          for place in 0..<layout.count { out[place] = source[layout.offset(place)] }
        }
      case .int32:
        let out = target.assumingMemoryBound(to: Int32.self) + start
        for place in 0..<layout.count { out[place] = Int32(source[layout.offset(place)].rounded(.toNearestOrEven)) }
      case .uint8, .bool:
        let out = target.assumingMemoryBound(to: UInt8.self) + start
        for place in 0..<layout.count { out[place] = UInt8(source[layout.offset(place)]) }
      default:
        let out = target.assumingMemoryBound(to: Int8.self) + start
        for place in 0..<layout.count { out[place] = Int8(source[layout.offset(place)]) }
      }
    }
  }
}

extension Plan {
  /// Pointers into several lists at once, each `offset` elements from its start.
  static func withPointers(to lists: [[Float]], at offset: Int, _ body: ([UnsafePointer<Float>]) -> Void) {
    func descend(_ rest: ArraySlice<[Float]>, _ taken: [UnsafePointer<Float>]) {
      guard let next = rest.first else { return body(taken) }
      next.withUnsafeBufferPointer { list in
        if let base = list.baseAddress { descend(rest.dropFirst(), taken + [base + offset]) }
      }
    }
    descend(lists[...], [])
  }
}

extension Tensor {
  /// Its bytes, which stay where they are as long as the tensor is neither copied nor let go.
  mutating func writableBytes() -> UnsafeMutableRawPointer? {
    switch element.storageBytes {
    case 1: withMutableElements(UInt8.self) { UnsafeMutableRawPointer($0.baseAddress) }
    case 2: withMutableElements(UInt16.self) { UnsafeMutableRawPointer($0.baseAddress) }
    case 4: withMutableElements(UInt32.self) { UnsafeMutableRawPointer($0.baseAddress) }
    default: withMutableElements(UInt64.self) { UnsafeMutableRawPointer($0.baseAddress) }
    }
  }
}
