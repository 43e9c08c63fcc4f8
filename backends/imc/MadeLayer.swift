import CIMCKernels
import GraphIR
import Hardware

/// One copy of a layer's weights and its converters on one chip, as the kernels take them.
///
/// A class because it owns the kernels' memory; nothing changes after it is made.
final class MadeLayer: @unchecked Sendable {
  let wiring: LayerWiring
  /// The positions that this copy evaluates.
  let positions: Range<Int>
  /// Where the layer's noise begins among that of one sample.
  let noisePlace: UInt32
  private(set) var descriptor: bitline_imc_layer
  let blocks: UnsafeMutablePointer<bitline_imc_block>
  private let floats: UnsafeMutablePointer<Float>
  /// Floats of one block's lookup tables, which stand before its weights.
  private let tableFloats: Int

  init(
    _ wiring: LayerWiring, _ finish: Plan.Finish, _ placements: [Program.Placement], earlierWrites: [UInt64], _ parts: Parts,
    positions: Range<Int>, noisePlace: UInt32
  ) {
    self.wiring = wiring
    self.positions = positions
    self.noisePlace = noisePlace
    let (layer, tiles) = (wiring.layer, wiring.layer.tiles.count)
    let quads = wiring.quads == nil ? 0 : Int(wiring.quadStarts[tiles])
    let perBlock = quads * 256 + layer.inputs * 16 + 2 * tiles * 16 + (3 * tiles + 15) / 16 * 16 + 32
    tableFloats = quads * 256
    let memory = UnsafeMutableRawPointer.allocate(byteCount: wiring.blocks * perBlock * 4, alignment: 64)
    floats = memory.bindMemory(to: Float.self, capacity: wiring.blocks * perBlock)
    floats.initialize(repeating: 0, count: wiring.blocks * perBlock)
    blocks = .allocate(capacity: wiring.blocks)
    descriptor = MadeLayer.descriptor(wiring, finish, parts.machine, isIdeal: parts.errors.isIdeal, sharesCharge: parts.errors.sharesCharge)
    for number in 0..<wiring.blocks {
      let base = floats + number * perBlock + tableFloats
      let scale = base + layer.inputs * 16
      let offset = scale + tiles * 16
      let sigma = offset + tiles * 16
      let factor = base - tableFloats + perBlock - 32
      for lane in 0..<16 {
        factor[lane] = finish.factor[number * 16 + lane]
        factor[16 + lane] = finish.addend[number * 16 + lane]
      }
      blocks[number] = bitline_imc_block(
        weights: UnsafePointer(base), tables: quads == 0 ? nil : UnsafePointer(base - tableFloats), scale: UnsafePointer(scale),
        offset: UnsafePointer(offset), sigma: UnsafePointer(sigma),
        beta: UnsafePointer(sigma + tiles), log_scale: UnsafePointer(sigma + 2 * tiles), factor: UnsafePointer(factor),
        addend: UnsafePointer(factor + 16), lanes: Int32(min(16, layer.filters - number * 16)))
      for tile in 0..<tiles {
        let chip = Conversion(wiring, parts, tile: tile)
        sigma[tile] = Float(chip.noise)
        sigma[tiles + tile] = Float(chip.beta)
        sigma[2 * tiles + tile] = chip.beta == 0 ? 0 : Float(1 / chip.logStep)
      }
    }
    for (placement, writes) in zip(placements, earlierWrites) { place(placement, earlierWrites: writes, parts, perBlock: perBlock) }
    if quads > 0 { for number in 0..<wiring.blocks { fillTable(floats + number * perBlock) } }
  }

  /// For each quad of inputs and each choice of their bits, the sum of the weights chosen.
  private func fillTable(_ table: UnsafeMutablePointer<Float>) {
    let weights = table + tableFloats
    for (number, tile) in wiring.layer.tiles.enumerated() {
      for quad in 0..<(tile.count + 3) / 4 {
        let target = table + (Int(wiring.quadStarts[number]) + quad) * 256
        for choice in 1..<16 {
          for input in 0..<4 where choice >> input & 1 == 1 && quad * 4 + input < tile.count {
            let row = weights + (tile.lowerBound + quad * 4 + input) * 16
            for lane in 0..<16 { target[choice * 16 + lane] += row[lane] }
          }
        }
      }
    }
  }

  deinit {
    floats.deallocate()
    blocks.deallocate()
  }

  /// Writes one row slot: its cells, and the converters of the local arrays that it is read by.
  private func place(_ placement: Program.Placement, earlierWrites: UInt64, _ parts: Parts, perBlock: Int) {
    let layer = wiring.layer
    let tile = layer.tiles[placement.tile]
    let errors = parts.errors
    func drawn(_ purpose: Draws.Purpose, _ sigma: Double, time: UInt64 = 0) -> [[Float]]? {
      sigma == 0 ? nil : parts.cells(purpose, macro: placement.macro, row: placement.row, columns: tile.count, time: time)
    }
    let (cells, writes) = (drawn(.cell, errors.cell), drawn(.weightWrite, errors.weightWrite, time: earlierWrites))
    let (otherCells, otherWrites) =
      errors.isPaired
      ? (drawn(.oppositeCell, errors.cell), drawn(.oppositeWrite, errors.weightWrite, time: earlierWrites)) : (nil, nil)
    let gains = (0..<tile.count).map { Float(parts.inputGain(macro: placement.macro, column: $0)) }
    let chip = Conversion(wiring, parts, tile: placement.tile)
    let slot = placement.group * layer.tiles.count + placement.tile
    let isOdd = slot * wiring.planes % 2 == 1
    let (cell, write) = (Float(errors.cell), Float(errors.weightWrite))
    let group = layer.groups[placement.group]
    for (place, filter) in group.filters.enumerated() {
      let array = group.firstArray + place
      let base = floats + filter / 16 * perBlock + tableFloats
      let lane = filter % 16
      let weights = base + tile.lowerBound * 16 + lane
      let (block, own) = (array / 16, array % 16)
      for column in 0..<tile.count {
        let sign = Float(wiring.signs[filter * layer.inputs + tile.lowerBound + column])
        let z = column * 16 + own
        var weight = sign
        if errors.isPaired {
          let full = 1 + cell * (cells?[block][z] ?? 0) + write * (writes?[block][z] ?? 0)
          let empty = cell * (otherCells?[block][z] ?? 0) + write * (otherWrites?[block][z] ?? 0)
          weight = sign * (max(0, full) - max(0, empty))
        } else {
          if let cells { weight += cell * cells[block][z] * sign }
          if let writes { weight += write * writes[block][z] }
        }
        weights[column * 16] = weight * gains[column]
      }
      let scale = base + layer.inputs * 16 + placement.tile * 16 + lane
      scale[0] = Float(chip.scale / parts.step(macro: placement.macro, array: array))
      let offset = parts.offset(macro: placement.macro, array: array) * chip.codesPerVolt
      scale[layer.tiles.count * 16] = Float(isOdd ? -offset : offset)
    }
  }

  /// The sum that a total of codes counts in: bit-serial evaluations drive every column fully, and are that much too large.
  private static func unit(_ wiring: LayerWiring, _ machine: Machine) -> Float {
    guard wiring.isBitSerial, case .adc = wiring.layer.readout else { return 1 }
    return 1 / Float(machine.largestCode)
  }

  private static func descriptor(_ wiring: LayerWiring, _ finish: Plan.Finish, _ machine: Machine, isIdeal: Bool, sharesCharge: Bool)
    -> bitline_imc_layer
  {
    let layer = wiring.layer
    var top: Float = 0
    var lsb: Float = 1
    var law = bitline_imc_law_sum
    if case .adc(let bits, let step, let code) = layer.readout {
      (top, lsb) = (Float(code), step)
      law =
        bits == 1
        ? bitline_imc_law_sign
        : sharesCharge ? bitline_imc_law_charge_share : isIdeal && !wiring.isBitSerial ? bitline_imc_law_contract : bitline_imc_law_linear
    }
    let isSingle = layer.positions == 1
    let width = Int32(wiring.width)
    return bitline_imc_layer(
      law: Int32(law.rawValue), tiles: Int32(layer.tiles.count), tile_starts: UnsafePointer(wiring.tileStarts),
      columns: UnsafePointer(wiring.columns), planes: Int32(wiring.planes), plane_stride: Int32(wiring.planeStorage),
      quads: wiring.quads.map { UnsafePointer($0) }, quad_starts: UnsafePointer(wiring.quadStarts),
      swaps_by_row: layer.slots * wiring.planes % 2 == 1 && !isSingle ? 1 : 0, blocks: Int32(wiring.blocks), width: width, lsb: lsb,
      unit: unit(wiring, machine),
      top: top,
      lo: finish.lo, hi: finish.hi, row_stride: isSingle ? Int32(wiring.output.storage) : width,
      block_stride: Int32(layer.positions) * width, noise_row_stride: isSingle ? Int32(wiring.noiseQuads * 64) : width,
      noise_stride: Int32(layer.positions) * width, histogram: nil)
  }
}

/// One conversion in numbers: from sums and volts to codes.
struct Conversion {
  /// Codes for each unit of sum.
  let scale: Double
  let codesPerVolt: Double
  /// Standard deviation of the noise, in codes.
  let noise: Double
  /// What one step takes of what is left of the reference; 0 for steps all alike.
  let beta: Double
  /// ln(1 - beta).
  let logStep: Double

  init(_ wiring: LayerWiring, _ parts: Parts, tile: Int) {
    let machine = parts.machine
    let columns = machine.meanInputs(wiring.layer.tiles[tile].count)
    // A single bit drives a column as the largest code does.
    let drive = wiring.isBitSerial ? Double(machine.largestCode) : 1
    let sumsPerVolt = Double(columns * machine.largestCode) / parts.errors.fullScaleVoltage
    let nominal = machine.nominalStep(columns: columns)
    switch wiring.layer.readout {
    case .exact:
      scale = 1
      codesPerVolt = sumsPerVolt / drive
      let thermal = parts.errors.thermal * codesPerVolt
      noise = (thermal * thermal + parts.errors.noise * parts.errors.noise * nominal * nominal / (drive * drive)).squareRoot()
    case .adc(_, let lsb, _):
      scale = drive / Double(lsb)
      codesPerVolt = sumsPerVolt / Double(lsb)
      let thermal = parts.errors.thermal * codesPerVolt
      noise = (thermal * thermal + parts.errors.noise * parts.errors.noise).squareRoot()
    }
    // One replica of a local bit line shares charge with the rail of all the others: 1 / (N + 1) of what is left.
    beta = parts.errors.sharesCharge ? 1 / Double(columns + 1) : 0
    logStep = MadeLayer.logarithm(1 - beta)
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension MadeLayer {
  static func logarithm(_ x: Double) -> Double { log(x) }
}
