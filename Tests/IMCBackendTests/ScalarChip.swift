import CIMCKernels
import GraphIR

/// A chip as its equations say, in doubles and one cell at a time: the independent model that the fast one must agree with.
///
/// Sum of a tile on local array j: s = Σ_i w_ji (1 + σ_cell z_ji)(1 + σ_gain z_i) (x_i + bow(x_i)); with cells in pairs
/// max(0, 1 + σ_cell z_ji) - max(0, σ_cell z'_ji) stands for 1 + σ_cell z_ji.
/// Code: round(clamp(s / (lsb (1 + σ_step z_j)) ± o_j + n)); o_j in volts, n the noise of this evaluation.
struct ScalarChip {
  var seed: UInt64 = 1
  var chip: UInt32 = 0
  var cell = 0.0
  var isPaired = false
  var dacGain = 0.0
  var dacBow = 0.0
  /// In volts, of 1 V full scale.
  var offset = 0.0
  var adcGain = 0.0
  /// In codes.
  var noise = 0.0
  var sharesCharge = false
  var planes = 1
  /// Macros, and copies of the one layer on them.
  var macros = 1
  var copies = 1
  /// Columns that a mean is over, whatever the tile; nil: the tile's.
  var meanColumns: Int?
  /// Conv-RAM's.
  let largestCode = 63

  private func normal(_ purpose: UInt32, place: Int, element: Int, time: UInt64 = 0) -> Double {
    ScalarDraws.normal(place: place, element: element, purpose: purpose, chip: chip, time: time, seed: seed)
  }

  /// The physical row slot of a layer's own slot at a position: copies one after another, rows in turn over macros of 16 rows.
  func slot(_ own: Int, of slots: Int, position: Int, of positions: Int) -> Int {
    // Copy c takes the positions from c P / C on.
    let copy = (0..<copies).last { $0 * positions / copies <= position } ?? 0
    let place = copy * slots + own
    return place % macros * 16 + place / macros
  }

  /// Weight of column i of local array j in a row slot, in full weights.
  func weight(_ sign: Double, slot: Int, array: Int, column: Int) -> Double {
    let z = normal(1, place: slot * 16 + column / 4, element: column % 4 * 16 + array)
    let empty = isPaired ? max(0, cell * normal(7, place: slot * 16 + column / 4, element: column % 4 * 16 + array)) : 0
    return sign * ((isPaired ? max(0, 1 + cell * z) : 1 + cell * z) - empty) * (1 + dacGain * normal(2, place: 0, element: column))
  }

  /// An input as the column's converter gives it.
  func driven(_ code: Double) -> Double {
    let part = abs(code) / Double(largestCode)
    let error = dacBow * 4 * part * (1 - part)
    return code < 0 ? code - error : code + error
  }

  /// What is read of a tile's sum before it is rounded, in codes.
  func reading(_ sum: Double, lsb: Double, tile: Int, array: Int, isOddCycle: Bool, noise z: Double) -> Double {
    let drive = planes == 1 ? 1 : Double(largestCode)
    let tile = meanColumns ?? tile
    let o = offset * normal(3, place: 0, element: array) * Double(tile * largestCode) / lsb
    let code = sum * drive / (lsb * (1 + adcGain * normal(4, place: 0, element: array))) + (isOddCycle ? -o : o) + noise * z
    guard sharesCharge else { return code }
    let beta = 1 / Double(tile + 1)
    let left = 1 - beta * abs(code)
    let steps = left > 0 ? logarithm(left) / logarithm(1 - beta) : .infinity
    return code < 0 ? -steps : steps
  }

  /// Noise of one conversion: its place among those of the sample, counted in lanes of 8 or 16.
  func noiseNormal(element: Int, time: UInt64) -> Double {
    noise == 0 ? 0 : normal(6, place: element / 64, element: element % 64, time: time)
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

private func logarithm(_ x: Double) -> Double { log(x) }
