/// When weights are written, if not all of them fit.
///
/// If the rows of all layers fit, each is written once. If not, layers are taken in running order and stay together as long as they fit:
/// these are resident. Every other layer is written when its turn comes, as many rows at a time as there are, and evaluated for the whole
/// batch after each write; it takes slots from the end, so that it overwrites as few residents as it can. Residents that are gone are
/// written again, all in one go, when the next of them runs.
///
/// Where rows can be written beside evaluations of others, such a layer takes half of the row slots at a time, in turn: one half is
/// written while the other is evaluated.
///
/// Where all rows of such a layer are written at once, macros that would be idle take copies of it: as many as leave the fullest macro with no
/// more rows than before.
///
/// If all fit, macros that are left over are used as `Assignment` says.
struct Schedule {
  /// A row of a layer, by its place among the layer's rows.
  struct Row: Hashable {
    let layer: Int
    let place: Int
  }

  enum Action {
    /// Rows are written; hidden: while the evaluation before it goes on.
    case load([Row], isHidden: Bool)
    /// Evaluations of a run of the layer's rows.
    case evaluate(Range<Int>)
  }

  let isResident: [Bool]
  let assignment: Assignment
  /// Rows written before the first batch.
  private(set) var prologue: [Row] = []
  /// What each layer does in each batch.
  private(set) var actions: [[Action]] = []

  /// Row slots of each layer, all its copies counted.
  private let slotsOfLayer: [Int]
  private let slots: Int
  private let macros: Int
  /// Row slots that a layer which does not stay takes at a time.
  private let part: Int
  /// The first slot of each resident layer.
  private let firstSlot: [Int]

  init(_ demands: [Assignment.Demand], macros: Int, rows: Int, order: Assignment.Order?, duplicates: Bool, writesBeside: Bool) {
    slots = macros * rows
    part = writesBeside && rows > 1 ? macros * (rows / 2) : slots
    self.macros = macros
    let fits = demands.reduce(0) { $0 + $1.slots } <= slots
    if fits {
      assignment = Assignment(demands, macros: macros, rows: rows, order: order, duplicates: duplicates)
    } else {
      let isResident = Schedule.residents(demands.map(\.slots), slots: slots).isResident
      let part = part
      assignment = Assignment(
        streamed: demands, isWrittenAtOnce: zip(demands, isResident).map { !$1 && $0.slots <= part }, macros: macros, duplicates: duplicates
      )
    }
    slotsOfLayer = zip(demands, assignment.copies).map { $0.slots * $1 }
    (isResident, firstSlot) = Schedule.residents(slotsOfLayer, slots: slots)
    // A batch begins as the one before it ended: the residents that survive a batch are written once, before the first.
    let survivors = batch(from: Set(residents)).present
    prologue = residents.filter(survivors.contains)
    actions = batch(from: survivors).actions
  }

  /// Which layers stay together, in running order as long as they fit, and where each begins.
  private static func residents(_ wanted: [Int], slots: Int) -> (isResident: [Bool], firstSlot: [Int]) {
    var used = 0
    var isResident: [Bool] = []
    var firstSlot: [Int] = []
    for wanted in wanted {
      let fits = used + wanted <= slots
      isResident.append(fits)
      firstSlot.append(fits ? used : 0)
      if fits { used += wanted }
    }
    return (isResident, firstSlot)
  }

  /// Where a layer's row lies.
  func place(ofLayer layer: Int, _ place: Int) -> (macro: Int, row: Int) {
    if assignment.order == .pipeline {
      let own = assignment.macros[layer]
      return (own.lowerBound + place % own.count, place / own.count)
    }
    let slot = slot(ofLayer: layer, place)
    return (slot % macros, slot / macros)
  }

  /// The slot of a layer's row; slots run over all macros before they begin the next row.
  private func slot(ofLayer layer: Int, _ place: Int) -> Int {
    if isResident[layer] { return firstSlot[layer] + place }
    let isSecondHalf = part < slots && place / part % 2 == 1
    return slots - 1 - (isSecondHalf ? part : 0) - place % part
  }

  private var residents: [Row] {
    slotsOfLayer.indices.filter { isResident[$0] }.flatMap { layer in (0..<slotsOfLayer[layer]).map { Row(layer: layer, place: $0) } }
  }

  /// What happens in one batch, from the residents that are in the array before it; and those that are in it afterwards.
  private func batch(from start: Set<Row>) -> (actions: [[Action]], present: Set<Row>) {
    var present = start
    let all = residents
    let actions = slotsOfLayer.indices.map { layer -> [Action] in
      if isResident[layer] {
        let isMissing = (0..<slotsOfLayer[layer]).contains { !present.contains(Row(layer: layer, place: $0)) }
        let missing = isMissing ? all.filter { !present.contains($0) } : []
        present.formUnion(missing)
        return (missing.isEmpty ? [] : [.load(missing, isHidden: false)]) + [.evaluate(0..<slotsOfLayer[layer])]
      }
      return stride(from: 0, to: slotsOfLayer[layer], by: part).flatMap { first -> [Action] in
        let places = first..<min(first + part, slotsOfLayer[layer])
        let taken = slot(ofLayer: layer, places.upperBound - 1)...slot(ofLayer: layer, places.lowerBound)
        present = present.filter { !taken.contains(slot(ofLayer: $0.layer, $0.place)) }
        return [.load(places.map { Row(layer: layer, place: $0) }, isHidden: first > 0 && part < slots), .evaluate(places)]
      }
    }
    return (actions, present)
  }
}
