import GraphIR
import IMCBackend
import PluginAPI
import TestNetworks
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A million values of each kind of error, taken from what the fast path computes: mean and deviation are those that were asked for, and
/// neither kinds nor places know of one another. Estimates may be four of their standard errors off.
@Suite struct ErrorStatisticsTests {
  private static let chips = 62
  private static let perChip = 16_384
  private static let columns = 64
  private static let largest: Float = 63

  /// One kind of error: how to ask for it, and the probe that shows it alone.
  struct Kind: Sendable, CustomTestStringConvertible {
    let name: String
    let options: [String: String]
    /// Deviation of one value.
    let sigma: Double
    var mean = 0.0
    let probe: Probe
    /// Values side by side in one chip, whose neighbours must be independent: in a column, a local array, a row slot or a macro.
    let strides: [Int]

    var testDescription: String { name }
  }

  enum Probe: Sendable {
    /// The weight of each cell, as a share of its sign: one input at a time.
    case cells
    /// The same, as it is added to the sum.
    case addedToCells
    /// The first cell of each column.
    case columns
    /// What is read of a sum of 0.
    case silence
    /// What is read of the largest sum, beside that sum.
    case steps
    /// What evaluations of a sum of 0 give, image by image.
    case images
  }

  static let kinds = [
    Kind(name: "cell", options: ["mismatch": "0.03"], sigma: 0.03, probe: .cells, strides: [1, 16, 256]),
    Kind(
      name: "cell of a pair", options: ["mismatch": "0.03", "cells": "pair"],
      // 1 + σz - max(0, σz'): the empty device's mean is σ/√(2π), its variance σ²(1/2 - 1/(2π)).
      sigma: 0.03 * (1.5 - 0.5 / Double.pi).squareRoot(), mean: -0.03 / (2 * Double.pi).squareRoot(), probe: .cells, strides: [1, 16, 256]),
    Kind(name: "weight write", options: ["write": "0.02"], sigma: 0.02, probe: .addedToCells, strides: [1, 16, 256]),
    Kind(
      name: "weight write of a pair", options: ["write": "0.02", "cells": "pair"],
      sigma: 0.02 * (1.5 - 0.5 / Double.pi).squareRoot(), mean: -0.02 / (2 * Double.pi).squareRoot(), probe: .cells,
      strides: [1, 16, 256]),
    Kind(name: "input converter gain", options: ["dac-gain": "0.015"], sigma: 0.015, probe: .columns, strides: [1, 64]),
    Kind(name: "comparator offset", options: ["offset": "10"], sigma: 0.010, probe: .silence, strides: [1, 16]),
    Kind(name: "converter step", options: ["adc-gain": "0.015"], sigma: 0.015, probe: .steps, strides: [1, 16]),
    Kind(name: "noise in converter steps", options: ["noise": "0.5"], sigma: 0.5, probe: .images, strides: [1, 16, 64]),
    Kind(
      name: "thermal noise of the sheet",
      options: [
        "errors": "on", "mismatch": "0", "dac-gain": "0", "offset": "0", "adc-gain": "0", "write": "0",
      ], sigma: 0.06e-3, probe: .images, strides: [1, 16, 64]),
  ]

  /// Dense layers over one tile of 64 columns, its sums as numbers; as many macros as have one row slot each, and a sixteenth of that for cells.
  private static func network(filters: Int) throws -> (Graph, signs: [Int8]) {
    var graph = Graph(name: "probe")
    var random = Seeded(filters)
    let codes = try Networks.codes(&graph, [Shape.free, columns], bits: 7, isSigned: false)
    let bits = random.bits([filters, columns])
    var a = BinaryDense()
    a.tile = columns
    let sums = try graph.append1(.binaryDense(a), [codes, graph.addConstant(bits)], origin: "layer")
    let one = graph.addConstant(.vector([Float](repeating: 1, count: filters)))
    let zero = graph.addConstant(.vector([Float](repeating: 0, count: filters)))
    graph.addOutput("y", try graph.append1(.rescale(Rescale()), [sums, one, zero], origin: "scale"))
    return (graph, bits.elements(Int8.self))
  }

  /// The values of a kind, chip after chip, less their mean and over their deviation.
  private static func values(of kind: Kind) throws -> [Float] {
    let (macros, groups) =
      switch kind.probe {
      case .cells, .addedToCells: (1, 16)
      case .columns: (256, 256)
      case .silence, .steps: (1024, 1024)
      case .images: (1, 16)
      }
    let filters = groups * 16
    let (graph, signs) = try network(filters: filters)
    let backend = IMCBackend()
    let given = kind.options.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) } + [(key: "macros", value: "\(macros)")]
    let made = try #require(try backend.compile(graph, options(backend, given)) as? any FabricatedExecutable)
    var values: [Float] = []
    values.reserveCapacity(chips * perChip)
    for chip in 0..<chips {
      let executable = made.specimen(chip: chip, without: nil, isTrimmed: nil)
      func run(_ samples: Int, _ x: [Float]) throws -> [Float] {
        try executable.run([Tensor(.float32, [samples, columns], x)], taps: [], threads: 2).outputs[0].floats
      }
      switch kind.probe {
      case .cells, .addedToCells, .columns:
        let oneHot = (0..<columns * columns).map { $0 / columns == $0 % columns ? Float(1) : 0 }
        let sums = try run(columns, oneHot)
        for filter in stride(from: 0, to: filters, by: kind.options["dac-gain"] == nil ? 1 : 16) {
          for column in 0..<columns {
            let (weight, sign) = (sums[column * filters + filter] / largest, Float(signs[filter * columns + column]))
            if case .addedToCells = kind.probe { values.append(weight - sign) } else { values.append(weight * sign - 1) }
          }
        }
      case .silence:
        let sums = try run(1, [Float](repeating: 0, count: columns))
        // 1 V is the mean of 64 inputs of 63; the comparator's inputs are swapped in every other row slot.
        for filter in 0..<filters { values.append(sums[filter] / (Float(columns) * largest) * (filter / 16 % 2 == 0 ? 1 : -1)) }
      case .steps:
        let sums = try run(1, [Float](repeating: 1, count: columns))
        for filter in 0..<filters {
          let exact = signs[filter * columns..<(filter + 1) * columns].reduce(0) { $0 + Float($1) } * largest
          // A sum of 0 shows no step: those of another row do.
          values.append(exact == 0 ? .nan : exact / sums[filter] - 1)
        }
      case .images:
        // Inputs that round to 0, in another way in each image: noise is drawn for the image's own bytes.
        let images = perChip / filters
        let sums = try run(images, (0..<images * columns).map { Float($0 % columns + chip * columns + 1) / Float($0 / columns + 1) * 1e-7 })
        // Steps of the chip's own converter are 64 · 63 / 63 wide; 1 V is 64 · 63.
        let unit = kind.options["noise"] == nil ? Float(columns) * largest : Float(columns)
        for sum in sums { values.append(sum / unit) }
      }
    }
    return values.filter { !$0.isNaN }.map { ($0 - Float(kind.mean)) / Float(kind.sigma) }
  }

  private static func mean(_ values: some Sequence<Float>) -> Double {
    var (sum, count) = (0.0, 0)
    for value in values { (sum, count) = (sum + Double(value), count + 1) }
    return sum / Double(count)
  }

  @Test(arguments: kinds) func statistics(_ kind: Kind) throws {
    let z = try ErrorStatisticsTests.values(of: kind)
    let n = Double(z.count)
    // Where a random sum is 0, about one in ten, nothing shows of a converter's step.
    #expect(z.count >= 1_000_000 || kind.name == "converter step" && z.count > 900_000, "\(z.count)")
    let mean = ErrorStatisticsTests.mean(z)
    let variance = ErrorStatisticsTests.mean(z.lazy.map { $0 * $0 })
    let kurtosis = ErrorStatisticsTests.mean(z.lazy.map { $0 * $0 * $0 * $0 })
    #expect(abs(mean) < 4 / n.squareRoot(), "mean \(mean) deviations")
    // The variance of z² is the fourth moment less 1; 2 for normal numbers.
    #expect(abs(variance - 1) < 4 * ((kurtosis - 1) / n).squareRoot(), "variance \(variance)")
    for stride in kind.strides + [ErrorStatisticsTests.perChip] where stride < z.count {
      let product = ErrorStatisticsTests.mean(z.indices.dropLast(stride).lazy.map { z[$0] * z[$0 + stride] })
      #expect(abs(product) < 4 / (n - Double(stride)).squareRoot(), "\(stride) apart: \(product)")
    }
  }

  /// The numbers of two kinds on the same chips of the same seed, in the order of their places.
  @Test func kindsAreIndependent() throws {
    let names = ["cell", "weight write", "input converter gain", "comparator offset", "converter step", "noise in converter steps"]
    let all = try ErrorStatisticsTests.kinds.filter { names.contains($0.name) }.map {
      (name: $0.name, z: try ErrorStatisticsTests.values(of: $0))
    }
    #expect(all.count == names.count)
    for (place, first) in all.enumerated() {
      for second in all.dropFirst(place + 1) {
        let n = min(first.z.count, second.z.count)
        let product = ErrorStatisticsTests.mean((0..<n).lazy.map { first.z[$0] * second.z[$0] })
        #expect(abs(product) < 4 / Double(n).squareRoot(), "\(first.name), \(second.name): \(product)")
      }
    }
  }
}
