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
    guard case .adc(let bits, _) = layer.readout else {
      (bins, codes) = (nil, 0)
      return
    }
    codes = 2 * ((1 << (bits - 1)) - 1) + 3
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
    guard let bins, case .adc(_, let lsb) = layer.readout else { return [] }
    return layer.tiles.enumerated().map { number, tile in
      ConverterUse(
        origin: layer.origin, tile: number, inputs: tile.count, lsb: Double(lsb), reason: program.rangeReason(layer),
        counts: (0..<codes).map { Int(bins[number * codes + $0]) })
    }
  }
}
