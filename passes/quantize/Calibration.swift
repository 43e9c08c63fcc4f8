import GraphIR
import PluginAPI

/// What calibration data showed of one value: its ends, and how magnitudes are spread.
struct Observation {
  private(set) var least = Float.infinity
  private(set) var most = -Float.infinity
  private(set) var count = 0
  /// Counts by the leading bits of the magnitude; neighbouring bins are 0.2 % apart.
  private var bins = [Int](repeating: 0, count: 1 << 17)
  private static let droppedBits = 14

  /// Takes in a value; NaN and infinities do not count.
  mutating func add(_ tensor: Tensor) {
    for number in tensor.floats where number.isFinite {
      least = min(least, number)
      most = max(most, number)
      bins[Int(number.magnitude.bitPattern >> Self.droppedBits)] += 1
      count += 1
    }
  }

  /// The magnitude that so many percent of the numbers do not exceed: exact for 100, else the upper end of its bin.
  func magnitude(percentile: Double) -> Float {
    let largest = max(least.magnitude, most.magnitude)
    guard count > 0, percentile < 100 else { return count > 0 ? largest : 0 }
    let wanted = Double(count) * percentile / 100
    var seen = 0
    for (bin, number) in bins.enumerated() {
      seen += number
      if Double(seen) >= wanted { return min(largest, Float(bitPattern: UInt32(bin + 1) << Self.droppedBits)) }
    }
    return largest
  }

  /// What the calibration data of `context` shows of some values of `graph`, in one run over it.
  static func all(of values: [ValueID], in graph: Graph, _ context: PassContext) throws -> [ValueID: Observation] {
    var seen = Dictionary(uniqueKeysWithValues: values.map { ($0, Observation()) })
    for batch in context.calibration {
      for (value, tensor) in zip(values, try context.evaluate(graph, batch, values)) { seen[value, default: Observation()].add(tensor) }
    }
    return seen
  }
}
