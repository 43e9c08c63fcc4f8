import GraphIR
import PluginAPI

/// What calibration data showed of one value: its ends, and how magnitudes are spread.
package struct Observation {
  package private(set) var least = Float.infinity
  package private(set) var most = -Float.infinity
  package private(set) var count = 0
  /// Counts by the leading bits of the magnitude; neighbouring bins are 0.2 % apart.
  private var bins = [Int](repeating: 0, count: 1 << 17)
  private static let droppedBits = 14

  package init() {}

  /// Takes in a value; NaN and infinities do not count.
  package mutating func add(_ tensor: Tensor) {
    for number in tensor.floats where number.isFinite {
      least = min(least, number)
      most = max(most, number)
      bins[Int(number.magnitude.bitPattern >> Self.droppedBits)] += 1
      count += 1
    }
  }

  /// The magnitude that so many percent of the numbers do not exceed: exact for 100, else the upper end of its bin.
  package func magnitude(percentile: Double) -> Float {
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

  /// The magnitudes seen, by the middle of their bin, with their counts.
  package var spectrum: [(magnitude: Double, count: Int)] {
    bins.enumerated().compactMap { bin, count in
      guard count > 0 else { return nil }
      let middle = bin == 0 ? 0 : Float(bitPattern: UInt32(bin) << Self.droppedBits | 1 << (Self.droppedBits - 1))
      return (Double(middle), count)
    }
  }

  /// Counts in `parts` equal parts from 0 to the largest magnitude: data for a histogram.
  package func histogram(parts: Int) -> [Int] {
    let largest = Double(magnitude(percentile: 100))
    var counts = [Int](repeating: 0, count: parts)
    for (magnitude, count) in spectrum { counts[min(parts - 1, largest > 0 ? Int(magnitude / largest * Double(parts)) : 0)] += count }
    return counts
  }

  /// What the calibration data of `context` shows of some values of `graph`, in one run over it.
  package static func all(of values: [ValueID], in graph: Graph, _ context: PassContext) throws -> [ValueID: Observation] {
    guard !values.isEmpty else { return [:] }
    var seen = values.map { _ in Observation() }
    for batch in context.calibration {
      for (place, tensor) in try context.evaluate(graph, batch, values).enumerated() { seen[place].add(tensor) }
    }
    return Dictionary(uniqueKeysWithValues: zip(values, seen))
  }
}
