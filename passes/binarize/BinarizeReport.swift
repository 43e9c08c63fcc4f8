import Calibration
import GraphIR
import PluginAPI

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What came of each binary layer, as tables: errors and saturation, and histograms of weights and codes before and after.
struct BinarizeReport {
  private(set) var rows: [[Table.Cell]] = []
  private var histograms: [[Table.Cell]] = []
  /// The last layer in words.
  private(set) var summary = ""

  mutating func add(
    _ layer: Layer, _ solution: LayerSolution, _ method: String, _ choice: CodeChoice, _ inputs: [Tensor], _ codes: [Tensor],
    _ outputs: Replay.Pair
  ) {
    let error = relativeError(of: solution.bases, from: layer.weights)
    let quality = decibels(outputs)
    let clipped = saturation(inputs, choice)
    rows.append([
      .text(layer.name), .text(method), .int(solution.bases.count), .number(100 * error, digits: 1), .number(quality, digits: 1),
      .int(choice.codes.hi), .number(100 * clipped, digits: 3),
    ])
    let how = solution.bases.count == 1 ? method : "\(method), \(solution.bases.count) bases"
    summary = "\(how), weights off by \(percent(error)), outputs \((quality * 10).rounded() / 10) dB"
    addHistograms(layer, solution, choice, inputs, codes)
  }

  /// Signal over error of the layer's outputs, against the original network's.
  private func decibels(_ outputs: Replay.Pair) -> Double {
    var (signal, noise) = (0.0, 0.0)
    for (a, b) in zip(outputs.originalTensors, outputs.builtTensors) {
      a.withElements(Float.self) { a in
        b.withElements(Float.self) { b in
          for index in a.indices {
            let (number, off) = (Double(a[index]), Double(a[index]) - Double(b[index]))
            signal += number * number
            noise += off * off
          }
        }
      }
    }
    return noise == 0 ? .infinity : 10 * log10(max(signal, 1e-300) / noise)
  }

  /// The share of numbers that lie beyond the codes' ends.
  private func saturation(_ inputs: [Tensor], _ choice: CodeChoice) -> Double {
    let (lo, hi) = ((Float(choice.codes.lo) - 0.5) * choice.scale, (Float(choice.codes.hi) + 0.5) * choice.scale)
    let beyond = inputs.reduce(0) { $0 + $1.withElements(Float.self) { $0.count { $0 < lo || $0 > hi } } }
    return Double(beyond) / Double(max(1, inputs.reduce(0) { $0 + $1.count }))
  }

  private mutating func addHistograms(
    _ layer: Layer, _ solution: LayerSolution, _ choice: CodeChoice, _ inputs: [Tensor], _ codes: [Tensor]
  ) {
    var (weights, numbers, coded) = (Observation(), Observation(), [Int](repeating: 0, count: choice.codes.hi + 1))
    weights.add(layer.weights)
    for tensor in inputs { numbers.add(tensor) }
    for tensor in codes { for code in tensor.integers ?? [] { coded[min(choice.codes.hi, Int(code.magnitude))] += 1 } }
    let parts = 32
    func add(_ what: String, _ step: Float, _ counts: [Int]) {
      for (part, count) in counts.enumerated() where count > 0 {
        histograms.append([.text(layer.name), .text(what), .number(Double(Float(part) * step), digits: 6), .int(count)])
      }
    }
    add("weight magnitude", weights.magnitude(percentile: 100) / Float(parts), weights.histogram(parts: parts))
    add("input magnitude", numbers.magnitude(percentile: 100) / Float(parts), numbers.histogram(parts: parts))
    add("input code", choice.scale, coded)
  }

  var tables: [Table] {
    [
      Table(
        "Binary layers on calibration data", key: "layers fitted",
        columns: ["layer", "method", "bases", "weights off by %", "output SQNR dB", "largest code", "codes saturated %"], rows: rows,
        notes: ["output SQNR: the original network's outputs over their difference to the binary network's, after the activation"]),
      Table("Histograms", key: "histograms", columns: ["layer", "of", "from", "count"], rows: histograms),
    ]
  }
}
