import GraphIR
import PluginAPI

/// Counts the conversions of one layer, tile by tile.
///
/// A class because it owns the kernels' counters; one thread uses it.
final class ConverterCounter {
  private let layer: Layer
  /// `[tiles][2 · top + 3]`; nil for a layer without a converter.
  let bins: UnsafeMutablePointer<UInt64>?
  private let codes: Int

  init(_ made: MadeLayer) {
    layer = made.wiring.layer
    guard case .adc(_, _, let top) = layer.readout else {
      (bins, codes) = (nil, 0)
      return
    }
    codes = 2 * top + 3
    let bins = UnsafeMutablePointer<UInt64>.allocate(capacity: codes * layer.tiles.count)
    bins.initialize(repeating: 0, count: codes * layer.tiles.count)
    self.bins = bins
  }

  deinit { bins?.deallocate() }

  /// Adds what another counter of the same layer has.
  func add(_ other: ConverterCounter) {
    guard let bins, let others = other.bins else { return }
    for place in 0..<codes * layer.tiles.count { bins[place] += others[place] }
  }

  /// What was counted; nothing for a layer without a converter.
  func uses(_ program: Program) -> [ConverterUse] {
    guard let bins, case .adc(let bits, let lsb, _) = layer.readout else { return [] }
    // Energies are those of the chip's own codes.
    let machine = program.machine
    let energy = bits == machine.description.converter?.bits ? machine.description.energy.outputByCode : nil
    return layer.tiles.enumerated().map { number, tile in
      var use = ConverterUse(
        origin: layer.origin, tile: number, inputs: tile.count, lsb: Double(lsb), reason: program.rangeReason(layer),
        counts: (0..<codes).map { Int(bins[number * codes + $0]) })
      use.picojoules = energy?.picojoules(counts: use.countsByCode, top: use.top)
      return use
    }
  }
}
