import GraphIR
import Hardware
import PluginAPI

extension Program {
  /// What one sample costs; nil when the time of an evaluation is unknown: then nothing can be said.
  func costs(_ graph: Graph) -> CostReport? {
    let chip = machine.description
    guard let cycle = chip.cycle.number else { return nil }
    let loads = rowLoadsOfLayer
    let numbers = layerOfNode
    let layers = graph.nodeIDs.map { id -> CostReport.Layer in
      guard let number = numbers[id], let slice = self.layers[number].slices.firstIndex(where: { $0.node == id }) else {
        return hostLayer(id, graph)
      }
      return arrayLayer(number, slice: slice, rowLoads: loads[number], cycle: cycle, graph)
    }
    let facts = [
      chip.cycle, chip.energy.dacConversion, chip.energy.output, chip.energy.partialSumAdd, chip.energy.inputFetch, chip.energy.rowWrite,
      chip.rowWriteTime,
    ]
    return CostReport(
      layers: layers, constants: facts.compactMap { $0.constant(of: chip.name) },
      notes: notes(facts, graph) + ownCounting(layers) + sensitivity(layers))
  }

  /// Throughput and efficiency as the papers count: 1 MAC = 2 operations, energy inside the macro only.
  private func ownCounting(_ layers: [CostReport.Layer]) -> [String] {
    let array = layers.filter { $0.place == .array }
    let operations = 2 * Double(array.reduce(0) { $0 + $1.macs })
    // A pipeline finishes a sample each time its slowest layer is through.
    let times = array.map(\.nanoseconds)
    let nanoseconds = assignment.order == .pipeline ? times.max() ?? 0 : times.reduce(0, +)
    guard operations > 0, nanoseconds > 0 else { return [] }
    let inside = array.flatMap(\.energy).filter { ["input conversion", "averaging and readout"].contains($0.component) }
    func rounded(_ x: Double) -> Double { (x * 100).rounded() / 100 }
    var text = "in the papers' counting (1 MAC = 2 operations): \(rounded(operations / nanoseconds)) GOPS"
    let known = inside.compactMap(\.picojoules)
    if known.count == inside.count { text += ", \(rounded(operations / known.reduce(0, +))) TOPS/W inside the macro" }
    if let area = machine.description.area.number { text += "; \(rounded(area * Double(machine.macros))) mm2" }
    return [text]
  }

  /// How the energy of a sample moves when a constant that nobody has read in a source is halved or doubled.
  private func sensitivity(_ layers: [CostReport.Layer]) -> [String] {
    let energy = machine.description.energy
    let constants = [
      ("input conversion", energy.dacConversion), ("averaging and readout", energy.output), ("adding partial sums", energy.partialSumAdd),
      ("fetching inputs", energy.inputFetch), ("writing weights", energy.rowWrite),
    ]
    let parts = layers.filter { $0.place == .array }.flatMap(\.energy)
    let total = parts.reduce(0) { $0 + ($1.picojoules ?? 0) }
    return constants.compactMap { component, fact in
      let own = parts.filter { $0.component == component }.reduce(0) { $0 + ($1.picojoules ?? 0) }
      guard own > 0, let mark = fact.mark, mark != .read, mark != .quoted else { return nil }
      func nanojoules(_ picojoules: Double) -> Double { (picojoules / 10).rounded() / 100 }
      return "\(fact.path) (\(mark.rawValue)) halved or doubled: \(nanojoules(total - own / 2)) or \(nanojoules(total + own)) nJ "
        + "instead of \(nanojoules(total))"
    }
  }

  /// One slice of a layer. What slices share stands with the first: products of inputs and weights, cycles, input conversions, writes; each
  /// further slice is added to those before.
  private func arrayLayer(_ number: Int, slice: Int, rowLoads: Int, cycle: Double, _ graph: Graph) -> CostReport.Layer {
    let (all, layer) = (layers[number], layers[number].slices[slice])
    let isFirst = slice == 0
    let rowLoads = isFirst ? rowLoads : 0
    let energy = machine.description.energy
    let planes = planes(of: all)
    let conversions = isFirst ? layer.positions * all.groups.count * layer.inputs * planes : 0
    let outputs = layer.positions * layer.tiles.count * layer.filters * planes
    let adds = layer.positions * (layer.tiles.count * planes - (isFirst ? 1 : 0)) * layer.filters
    func part(_ component: String, _ fact: Fact, times count: Int) -> CostReport.Part {
      CostReport.Part(component, picojoules: fact.number.map { $0 * Double(count) })
    }
    var parts = [
      part("input conversion", energy.dacConversion, times: conversions), part("averaging and readout", energy.output, times: outputs),
    ]
    if adds > 0 { parts.append(part("adding partial sums", energy.partialSumAdd, times: adds)) }
    parts.append(part("fetching inputs", energy.inputFetch, times: conversions))
    if rowLoads > 0 {
      let whole = energy.rowWrite.number.map { $0 * Double(rowLoads * machine.description.localArrays) }
      parts.append(CostReport.Part("writing weights", picojoules: whole.map { $0 / Double(Program.batch(of: graph)) }))
    }
    let cycles = isFirst ? cycles(of: number) : 0
    return CostReport.Layer(
      node: layer.node, origin: layer.origin, op: layer.op, place: .array, macs: isFirst ? layer.positions * layer.weightBits : 0,
      cycles: cycles,
      nanoseconds: Double(cycles) * cycle, energy: parts,
      counts: [
        .init("evaluations", isFirst ? layer.positions * all.slots * planes : 0), .init("input conversions", conversions),
        .init("outputs read", outputs),
        .init("partial sums added", adds), .init("rows written each batch", rowLoads),
      ])
  }

  /// Samples of a batch, where the graph binds it; else 1.
  private static func batch(of graph: Graph) -> Int { graph.inputs.first.map { graph.type(of: $0).shape.boundSamples } ?? 1 }

  private func hostLayer(_ id: NodeID, _ graph: Graph) -> CostReport.Layer {
    let node = graph[id]
    let shape = graph.type(of: node.results[0]).shape
    let samples = shape.boundSamples
    let elements = (shape.elementCountPerSample ?? 0) / samples
    let isFree = if case .reshape = node.op { true } else { false }
    return CostReport.Layer(
      node: id, origin: node.origin, op: node.op.name, place: .host, macs: node.macs(in: graph) / samples,
      energy: isFree ? [] : [.init("host work", picojoules: nil)], counts: [.init("values made on the host", isFree ? 0 : elements)])
  }

  /// How long the weight loads of a batch take, and from which batch on those that can be hidden are; nil when a row's time is unknown.
  private var loadNote: String? {
    guard let row = machine.description.rowWriteTime.number, let cycle = machine.description.cycle.number, arrayLoads > 0 else {
      return nil
    }
    var (open, hidden, samples) = (0.0, 0.0, 1.0)
    var evaluation = 0.0
    for step in steps {
      switch step {
      case .host: break
      case .evaluate(let layer, let numbers): evaluation = Double(cycles(of: layer, numbers)) * cycle
      case .load(let numbers, let isHidden):
        // Macros are written at once, each a row of all its local arrays at a time.
        let time = Double(Dictionary(grouping: numbers) { placements[$0].macro }.values.map(\.count).max() ?? 0) * row
        if isHidden { (hidden, samples) = (hidden + time, max(samples, (time / evaluation).rounded(.up))) } else { open += time }
      }
    }
    func microseconds(_ nanoseconds: Double) -> Double { nanoseconds.rounded() / 1e3 }
    let text = "writing weights takes \(microseconds(open + hidden)) us for each batch"
    return hidden == 0
      ? text : text + "; \(microseconds(hidden)) us of it are hidden behind evaluations in batches of \(Int(samples)) or more"
  }

  private func notes(_ facts: [Fact], _ graph: Graph) -> [String] {
    let chip = machine.description
    let place = machine.macros == 1 ? "on one macro" : "on \(machine.macros) macros at once"
    var notes = ["time: one evaluation after another, \(place); weight writes and host work are not in it"]
    if let note = loadNote { notes.append(note) }
    if assignment.order == .pipeline, let slowest = layers.indices.max(by: { cycles(of: $0) < cycles(of: $1) }),
      let cycle = chip.cycle.number
    {
      let microseconds = Double(cycles(of: slowest)) * cycle / 1e3
      notes.append(
        "the sum of times is how long a sample is under way; in a pipeline one is finished every \((microseconds * 1e3).rounded() / 1e3) us"
      )
    }
    let loads = rowLoadsOfLayer.reduce(0, +)
    if loads > 0 {
      let batch = Program.batch(of: graph)
      let cost =
        chip.energy.rowWrite.number == nil
        ? "what that costs is left out"
        : "the energy of a batch of \(batch) is shared among its samples" + (batch == 1 ? "; --batch says another" : "")
      notes.append("\(loads) rows (\(arrayLoads) array loads) are written for each batch, however many samples it has; \(cost)")
    } else {
      notes.append("weights are written once and stay; what that costs is left out")
    }
    notes += facts.filter { $0.number == nil }.map { "unknown, left out: \($0.path) (\($0.source))" }
    if let note = valuesNote { notes.append(note) }
    if let converter = machine.converter {
      func names(_ isTaken: (Layer) -> Bool) -> String {
        layers.filter { $0.slices.contains(where: isTaken) }.map(\.origin).joined(separator: ", ")
      }
      let decided = names { $0.readout == .exact && isDecided($0, graph) }
      if !decided.isEmpty { notes.append("decided by comparators with a reference of each filter's own: \(decided)") }
      let exact = names { $0.readout == .exact && !isDecided($0, graph) }
      if !exact.isEmpty { notes.append("read exactly, which the chip's \(converter.bits)-bit converters cannot: \(exact)") }
      let calibrated = names { !isChipReading($0, converter) }
      if !calibrated.isEmpty { notes.append("read with a full scale other than the chip's: \(calibrated)") }
    }
    let sliced = layers.filter { $0.slices.count > 1 }
    if !sliced.isEmpty {
      notes.append(
        "in bit slices, each read by itself, shifted and added as a partial sum is: "
          + sliced.map { "\($0.origin) in \($0.slices.count)" }.joined(separator: ", "))
    }
    return notes
  }

  /// Whether a layer's sums are only compared with constants, which a comparator with references of its own does.
  private func isDecided(_ layer: Layer, _ graph: Graph) -> Bool {
    guard let converter = machine.converter, converter.bits == 1, converter.reference == .filter else { return false }
    return layer.tiles.count == 1 && graph.isOnlyCompared(graph[layer.node].results[0])
  }

  /// Whether a layer is read as the chip would: its largest code standing for the largest mean of a tile.
  private func isChipReading(_ layer: Layer, _ converter: MacroDescription.Converter) -> Bool {
    guard case .adc(_, let lsb, let top) = layer.readout else { return true }
    let chip = chipStep(layer, converter, top: top)
    return abs(Double(lsb) - chip) <= 1e-6 * chip
  }

  /// The sum that one code of the chip's own range stands for.
  private func chipStep(_ layer: Layer, _ converter: MacroDescription.Converter, top: Int) -> Double {
    let tile = Double(machine.meanInputs(layer.tiles[0].count))
    return converter.fullScale * tile * Double(machine.largestCode) / Double(top)
  }

  /// Why a layer's converter has the range that it has.
  func rangeReason(_ layer: Layer) -> String {
    guard case .adc(_, let lsb, let top) = layer.readout else { return "read exactly" }
    guard let converter = machine.converter else { return "set in the graph; '\(machine.description.name)' has no converter" }
    if isChipReading(layer, converter) {
      return "the chip's own: the largest code is the largest mean of \(machine.meanInputs(layer.tiles[0].count)) inputs"
    }
    let share = 100 * Double(lsb) / chipStep(layer, converter, top: top)
    return "set in the graph by calibration data: \((share * 10).rounded() / 10) % of the chip's own"
  }
}
