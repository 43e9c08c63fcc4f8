/// Which macros hold which layers, and how many copies of each, when all layers fit: chosen by a cost model.
///
/// A layer of S row slots and P positions with c copies on m macros takes at most ceil(P / c) · ceil(c S / m) evaluations one after
/// another: each copy takes its share of the positions, copies work at once, and the rows of one macro take their turns.
/// - In the order `layers` every layer lies on all macros, and a sample takes the sum over layers.
/// - In the order `pipeline` each macro belongs to one layer, and as many samples are under way as there are layers: one is finished each
///   time the slowest layer is.
///
/// The order with the shorter time from one finished sample to the next is taken; of equals `layers`, in which a sample is not under way
/// for longer than that. Writing weights happens once and host work beside the array; neither is in the model.
struct Assignment: Hashable, Sendable {
  enum Order: String, Hashable, Sendable, CaseIterable { case layers, pipeline }

  /// What the model is told of one layer.
  struct Demand {
    /// Row slots of one copy.
    let slots: Int
    let positions: Int
    /// Evaluations that a row takes at each position.
    let planes: Int

    /// Evaluations one after another.
    func cycles(copies: Int, macros: Int) -> Int {
      (positions + copies - 1) / copies * ((copies * slots + macros - 1) / macros) * planes
    }

    /// The fewest evaluations with at most `most` slots, and the fewest copies that reach that.
    ///
    /// With at most k rows on a macro there are floor(k m / S) copies, and more of them never take longer: only these are looked at.
    func best(macros: Int, within most: Int) -> (copies: Int, cycles: Int) {
      var best = (copies: 1, cycles: cycles(copies: 1, macros: macros))
      guard slots > 0, macros > 1 else { return best }
      for rows in 1...max(1, (most + macros - 1) / macros) {
        let copies = min(rows * macros / slots, positions, most / slots)
        guard copies > 1 else { continue }
        // As many positions for the busiest copy can be had with fewer copies.
        let share = (positions + copies - 1) / copies
        let fewest = (positions + share - 1) / share
        let cycles = cycles(copies: fewest, macros: macros)
        if cycles < best.cycles { best = (fewest, cycles) }
      }
      return best
    }
  }

  let order: Order
  /// By layer.
  let copies: [Int]
  /// By layer, the macros that it lies on.
  let macros: [Range<Int>]
  /// By layer.
  let cycles: [Int]

  /// Evaluations from one finished sample to the next.
  var interval: Int { order == .layers ? cycles.reduce(0, +) : cycles.max() ?? 0 }

  /// Layers on all macros that do not fit together. One that is written anew each time, all rows at once, has as many copies as need no more
  /// rows of any macro: macros are written at the same time, and so it takes no longer.
  init(streamed demands: [Demand], isWrittenAtOnce: [Bool], macros count: Int, duplicates: Bool) {
    let copies = zip(demands, isWrittenAtOnce).map { demand, isWrittenAtOnce in
      duplicates && isWrittenAtOnce ? demand.best(macros: count, within: (demand.slots + count - 1) / count * count).copies : 1
    }
    order = .layers
    self.copies = copies
    macros = demands.map { _ in 0..<count }
    cycles = zip(demands, copies).map { $0.cycles(copies: $1, macros: count) }
  }

  /// The best assignment of layers that fit together on `count` macros of `rows` row slots. An order that is asked for is taken where it
  /// can be: a pipeline needs macros of its own for each layer.
  init(_ demands: [Demand], macros count: Int, rows: Int, order wanted: Order?, duplicates: Bool) {
    let together = Assignment(together: demands, macros: count, rows: rows, duplicates: duplicates)
    guard wanted != .layers, let pipeline = Assignment(pipeline: demands, macros: count, rows: rows, duplicates: duplicates) else {
      self = together
      return
    }
    self = wanted == .pipeline || pipeline.interval < together.interval ? pipeline : together
  }

  /// All layers on all macros: slots that are left go to copies, each time where they save most for each slot.
  private init(together demands: [Demand], macros count: Int, rows: Int, duplicates: Bool) {
    var copies = demands.map { _ in 1 }
    var cycles = demands.map { $0.cycles(copies: 1, macros: count) }
    var left = count * rows - demands.reduce(0) { $0 + $1.slots }
    while duplicates, left > 0 {
      var chosen: (layer: Int, copies: Int, cycles: Int, gain: Double)?
      for (layer, demand) in demands.enumerated() where demand.slots > 0 {
        let best = demand.best(macros: count, within: copies[layer] * demand.slots + left)
        guard best.cycles < cycles[layer] else { continue }
        let gain = Double(cycles[layer] - best.cycles) / Double((best.copies - copies[layer]) * demand.slots)
        if gain > chosen?.gain ?? 0 { chosen = (layer, best.copies, best.cycles, gain) }
      }
      guard let chosen else { break }
      left -= (chosen.copies - copies[chosen.layer]) * demands[chosen.layer].slots
      (copies[chosen.layer], cycles[chosen.layer]) = (chosen.copies, chosen.cycles)
    }
    order = .layers
    self.copies = copies
    macros = demands.map { _ in 0..<count }
    self.cycles = cycles
  }

  /// Macros of its own for each layer: as few as hold it, then one more each time for the slowest. nil when there are too few macros.
  private init?(pipeline demands: [Demand], macros count: Int, rows: Int, duplicates: Bool) {
    var macros = demands.map { max(1, ($0.slots + rows - 1) / rows) }
    var left = count - macros.reduce(0, +)
    guard left >= 0, demands.count > 1 else { return nil }
    func best(_ layer: Int, _ macros: Int) -> (copies: Int, cycles: Int) {
      duplicates
        ? demands[layer].best(macros: macros, within: macros * rows) : (1, demands[layer].cycles(copies: 1, macros: macros))
    }
    var chosen = demands.indices.map { best($0, macros[$0]) }
    while left > 0, let slowest = demands.indices.max(by: { chosen[$0].cycles < chosen[$1].cycles }) {
      // One macro more may not help where several do.
      guard let more = (1...left).first(where: { best(slowest, macros[slowest] + $0).cycles < chosen[slowest].cycles }) else { break }
      macros[slowest] += more
      left -= more
      chosen[slowest] = best(slowest, macros[slowest])
    }
    order = .pipeline
    copies = chosen.map(\.copies)
    cycles = chosen.map(\.cycles)
    var first = 0
    self.macros = macros.map { own in
      defer { first += own }
      return first..<first + own
    }
  }
}
