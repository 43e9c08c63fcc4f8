import CIMCKernels
import GraphIR
import Hardware
import PluginAPI

/// One chip with the errors that it was made with, holding a plan's weights: packed for the kernels.
///
/// Errors of the chip depend on the physical place alone: a weight that is written where another was meets the same cell.
final class MadeChip: @unchecked Sendable {
  let plan: Plan
  let errors: ErrorModel
  let draws: Draws
  /// For each evaluated layer its copies; one without errors, because then they are alike.
  private(set) var layers: [[MadeLayer]] = []

  init(_ plan: Plan, _ program: Program, errors: ErrorModel, draws: Draws, kernels: Kernels = .best) {
    self.plan = plan
    self.errors = errors
    self.draws = draws
    let parts = Parts(plan.machine, errors, draws, kernels)
    let numbers = program.layerOfNode
    var place: UInt32 = 0
    for (wiring, finish) in zip(plan.wirings, plan.finishes) {
      guard let number = numbers[wiring.layer.node] else { preconditionFailure("a wired layer is not in the program") }
      let copies = errors.isIdeal ? 1 : program.assignment.copies[number]
      layers.append(
        (0..<copies).map { copy in
          let positions = copies == 1 ? 0..<wiring.layer.positions : program.positions(ofLayer: number, copy: copy)
          let placements = program.placements(ofLayer: number, copy: copy)
          return MadeLayer(
            wiring, finish, Array(placements), earlierWrites: Array(program.earlierWrites[placements.indices]), parts, positions: positions,
            noisePlace: place)
        })
      place += UInt32(wiring.noiseQuads)
    }
  }
}

/// The circuits of a chip that were made with it, by macro; drawn once, trimmed where the model says so.
struct Parts {
  let machine: Machine
  let errors: ErrorModel
  let draws: Draws
  let kernels: Kernels
  /// Gain of each column's input converter, by macro.
  private var inputGains: [Int: [Double]] = [:]
  /// Volts, by macro and local array.
  private var offsets: [Int: [Double]] = [:]
  /// Relative step, by macro and local array.
  private var steps: [Int: [Double]] = [:]
  /// What is set on each macro; empty where nothing is.
  private(set) var trims: [ChipCalibration.Trims] = []

  /// Trims have a finite step, ours: an eighth of a converter step of offset, half a percent of gain.
  static let offsetTrimStep = 0.125
  static let gainTrimStep = 0.005

  init(_ machine: Machine, _ errors: ErrorModel, _ draws: Draws, _ kernels: Kernels) {
    (self.machine, self.errors, self.draws, self.kernels) = (machine, errors, draws, kernels)
    let (columns, arrays) = (machine.description.columns, machine.description.localArrays)
    for macro in 0..<machine.macros {
      func drawn(_ purpose: Draws.Purpose, _ count: Int, _ sigma: Double) -> [Double] {
        guard sigma != 0 else { return [Double](repeating: 0, count: count) }
        return draws.normals(purpose, count, place: macro * ((count + 63) / 64), kernels).map { Double($0) * sigma }
      }
      var gains = drawn(.dacGain, columns, errors.dacGain).map { 1 + $0 }
      var offsets = drawn(.comparatorOffset, arrays, errors.comparatorOffset)
      var steps = drawn(.converterGain, arrays, errors.converterGain).map { 1 + $0 }
      let known = errors.calibration.flatMap { $0.chip == Int(draws.chip) ? $0 : nil }?.trims.first { $0.macro == macro }
      if let trims = known ?? (errors.isTrimmed ? measured(macro, gains, offsets, steps) : nil) {
        self.trims.append(trims)
        gains = gains.map { $0 / trims.fullScale }
        offsets = zip(offsets, trims.offsets).map { $0 - Double($1) * offsetStep }
        steps = zip(steps, trims.gains).map { $0 - Double($1) * Parts.gainTrimStep }
      }
      self.inputGains[macro] = gains
      self.offsets[macro] = offsets
      self.steps[macro] = steps
    }
  }

  /// Volts of one step of an offset trim.
  private var offsetStep: Double {
    Parts.offsetTrimStep * errors.fullScaleVoltage * machine.stepShare
  }

  /// What a controller finds with test inputs, and sets.
  private func measured(_ macro: Int, _ gains: [Double], _ offsets: [Double], _ made: [Double]) -> ChipCalibration.Trims {
    let most = Double(ChipCalibration.Trims.mostSteps)
    func steps(_ share: Double) -> Int { Int(min(max(share.rounded(), -most), most)) }
    return ChipCalibration.Trims(
      macro: macro, fullScale: gains.reduce(0, +) / Double(gains.count), offsets: offsets.map { steps($0 / offsetStep) },
      gains: made.map { steps(($0 - 1) / Parts.gainTrimStep) })
  }

  func inputGain(macro: Int, column: Int) -> Double { inputGains[macro]?[column] ?? 1 }
  func offset(macro: Int, array: Int) -> Double { offsets[macro]?[array] ?? 0 }
  func step(macro: Int, array: Int) -> Double { steps[macro]?[array] ?? 1 }

  /// Standard normal numbers of the cells of one row slot, and the time that they are written: for each block of 16 local arrays,
  /// `[columns][16]`.
  func cells(_ purpose: Draws.Purpose, macro: Int, row: Int, columns: Int, time: UInt64) -> [[Float]] {
    let quadsPerRow = (machine.description.columns + 3) / 4
    let blocks = (machine.description.localArrays + 15) / 16
    let slot = macro * machine.description.rows + row
    return (0..<blocks).map { draws.normals(purpose, columns * 16, place: (slot * blocks + $0) * quadsPerRow, time: time, kernels) }
  }
}
