import CIMCKernels
import GraphIR
import IMCBackend
import PluginAPI
import TestNetworks
import Testing

/// The fast path with circuit errors against the scalar chip, and its sameness under any split.
@Suite struct NoisyPathTests {
  /// `quantize -> binary_conv -> rescale(1, 0)` on an unpadded 2-D image, so that sums can be seen as floats.
  private struct Case {
    let graph: Graph
    let x: Tensor
    let weights: [Int8]
    let channels: Int
    let side: Int
    let kernel: Int
    let filters: Int
    let tile: Int
    let lsb: Double?
    let bits: Int
    var out: Int { side - kernel + 1 }
    var inputs: Int { channels * kernel * kernel }

    init(
      seed: Int, channels: Int, side: Int, kernel: Int, filters: Int, tile: Int, lsb: Float?, bits readoutBits: Int = 7, samples: Int = 3
    )
      throws
    {
      self.bits = readoutBits
      var random = Seeded(seed)
      var graph = Graph(name: "noisy")
      let codes = try Networks.codes(&graph, [Shape.free, channels, side, side], bits: 7, isSigned: seed % 2 == 0)
      let bits = random.bits([filters, channels, kernel, kernel])
      var a = BinaryConv(window: Window())
      a.tile = tile
      if let lsb { a.readout = .adc(bits: readoutBits, lsb: lsb) }
      let sums = try graph.append1(.binaryConv(a), [codes, graph.addConstant(bits)], origin: "layer")
      let one = graph.addConstant(.vector([Float](repeating: 1, count: filters)))
      let zero = graph.addConstant(.vector([Float](repeating: 0, count: filters)))
      graph.addOutput("y", try graph.append1(.rescale(Rescale()), [sums, one, zero], origin: "scale"))
      self.graph = graph
      x = random.floats([samples, channels, side, side])
      weights = bits.elements(Int8.self)
      (self.channels, self.side, self.kernel, self.filters, self.tile) = (channels, side, kernel, filters, tile)
      self.lsb = lsb.map(Double.init)
    }

    /// Calls `body` with every output: what the equations give, and the sum of magnitudes that rounding errors are measured against.
    func forEach(_ chip: ScalarChip, _ body: (_ index: Int, _ value: Double, _ size: Double, _ nearestTie: Double) -> Void) {
      let isSigned = graph.type(of: graph.nodes[0].results[0]).element == .int8
      let pixels = x.elements(Float.self)
      let perSample = channels * side * side
      let tiles = (inputs + tile - 1) / tile
      let groups = (filters + 15) / 16
      let width = filters <= 8 ? 8 : 16
      let positions = out * out
      for sample in 0..<x.shape[0] {
        let time = pixels[sample * perSample..<(sample + 1) * perSample].withContiguousStorageIfAvailable {
          bitline_imc_fingerprint($0.baseAddress!, Int64(perSample * 4))
        }!
        let codes = pixels[sample * perSample..<(sample + 1) * perSample].map { pixel -> Double in
          Double(min(max((pixel / Float(Float(1) / 63)).rounded(.toNearestOrEven), isSigned ? -63 : 0), 63))
        }
        for filter in 0..<filters {
          for position in 0..<positions {
            var (total, size, tie) = (0.0, 0.0, 1.0)
            for t in 0..<tiles {
              let slot = filter / 16 * tiles + t
              for plane in 0..<chip.planes {
                var sum = 0.0
                for k in t * tile..<min((t + 1) * tile, inputs) {
                  let (c, r) = (k / (kernel * kernel), k % (kernel * kernel))
                  let at = (c * side + position / out + r / kernel) * side + position % out + r % kernel
                  let code = chip.planes == 1 ? chip.driven(codes[at]) : bit(codes[at], plane)
                  let physical = chip.slot(slot, of: groups * tiles, position: position, of: positions)
                  let w = chip.weight(Double(weights[filter * inputs + k]), slot: physical, array: filter % 16, column: k - t * tile)
                  sum += w * code
                  size += abs(w * code)
                }
                let conversion = (filter / 16 * tiles + t) * chip.planes + plane
                let z = chip.noiseNormal(element: (conversion * positions + position) * width + filter % 16, time: time)
                let cycle = (position * groups * tiles + slot) * chip.planes + plane
                let count = min((t + 1) * tile, inputs) - t * tile
                // An exact readout counts in sums: one step of the chip's converter is 63 N / 63.
                let code = chip.reading(
                  sum, lsb: lsb ?? 1, tile: count, array: filter % 16, isOddCycle: cycle % 2 == 1,
                  noise: lsb == nil ? z * Double(chip.meanColumns ?? count) : z
                )
                let worth = Double(1 << plane)
                if lsb == nil {
                  total += code * worth
                } else if self.bits == 1 {
                  tie = min(tie, abs(code))
                  total += (code < 0 ? -1 : 1) * worth
                } else {
                  tie = min(tie, abs(abs(code) - abs(code).rounded(.down) - 0.5))
                  total += min(max(code.rounded(.toNearestOrEven), -63), 63) * worth
                }
              }
            }
            body((sample * filters + filter) * positions + position, total / (lsb == nil || chip.planes == 1 ? 1 : 63), size, tie)
          }
        }
      }
    }

    private func bit(_ code: Double, _ plane: Int) -> Double {
      let bit = Double(Int(abs(code)) >> plane & 1)
      return code < 0 ? -bit : bit
    }
  }

  private func run(_ sample: Case, _ given: [(key: String, value: String)], threads: Int = 1) throws -> [Float] {
    let backend = IMCBackend()
    return try backend.compile(sample.graph, options(backend, given)).run([sample.x], taps: [], threads: threads).outputs[0].floats
  }

  /// Sums before any converter: to 1e-5 of the magnitudes that were added.
  @Test(arguments: [(6, 25, 1), (16, 27, 3), (40, 18, 2), (3, 64, 9)]) func sumsAgree(_ filters: Int, _ tile: Int, _ channels: Int) throws {
    let sample = try Case(
      seed: filters, channels: channels, side: 7, kernel: channels == 1 ? 5 : 3, filters: filters, tile: tile, lsb: nil)
    var chip = ScalarChip()
    (chip.seed, chip.chip, chip.cell, chip.dacGain, chip.dacBow, chip.offset, chip.noise) = (77, 5, 0.03, 0.02, 0.4, 0.01, 0.5)
    let got = try run(
      sample,
      [
        ("seed", "77"), ("chip", "5"), ("mismatch", "0.03"), ("dac-gain", "0.02"), ("dac-bow", "0.4"), ("offset", "10"), ("noise", "0.5"),
      ])
    sample.forEach(chip) { index, value, size, _ in
      #expect(abs(Double(got[index]) - value) <= 1e-5 * max(size, 1), "\(index): \(got[index]), \(value)")
    }
  }

  /// Weights as pairs of devices, with errors so large that many would fall below 0.
  @Test func pairsAgree() throws {
    let sample = try Case(seed: 12, channels: 3, side: 7, kernel: 3, filters: 20, tile: 27, lsb: nil)
    var chip = ScalarChip()
    (chip.seed, chip.chip, chip.cell, chip.isPaired) = (9, 2, 0.6, true)
    let got = try run(sample, [("seed", "9"), ("chip", "2"), ("mismatch", "0.6"), ("cells", "pair")])
    sample.forEach(chip) { index, value, size, _ in
      #expect(abs(Double(got[index]) - value) <= 1e-5 * max(size, 1), "\(index): \(got[index]), \(value)")
    }
  }

  /// Copies of a layer of nine positions on several macros, no more than make the largest share smaller, have cells of their own, and positions of their own; noise is that of the conversion.
  @Test(arguments: [(2, 2), (4, 3), (7, 5), (9, 9)]) func copiesAgree(_ macros: Int, _ copies: Int) throws {
    let sample = try Case(seed: 8, channels: 1, side: 7, kernel: 5, filters: 6, tile: 25, lsb: nil)
    var chip = ScalarChip()
    (chip.cell, chip.noise, chip.macros, chip.copies) = (0.1, 0.5, macros, copies)
    let got = try run(sample, [("mismatch", "0.1"), ("noise", "0.5"), ("macros", "\(macros)")])
    sample.forEach(chip) { index, value, size, _ in
      #expect(abs(Double(got[index]) - value) <= 1e-5 * max(size, 1), "\(index): \(got[index]), \(value)")
    }
    #expect(try run(sample, [("mismatch", "0.1"), ("noise", "0.5"), ("macros", "\(macros)")], threads: 2) == got)
    // Without errors copies are alike.
    #expect(try run(sample, [("macros", "\(macros)")]) == run(sample, []))
  }

  /// What converters gave, tile by tile, beside sums that are counted here.
  @Test(arguments: ["parallel", "bit-serial"], [1, 2]) func convertersAreCounted(_ inputs: String, _ threads: Int) throws {
    let sample = try Case(seed: 7, channels: 2, side: 6, kernel: 3, filters: 20, tile: 9, lsb: 1.5, samples: 20)
    let backend = IMCBackend()
    let given = [("inputs", inputs), ("macros", "3")]
    let executable = try #require(try backend.compile(sample.graph, options(backend, given)) as? any ConvertingExecutable)
    let (outputs, uses) = try executable.runCounting([sample.x], threads: threads)
    #expect(try outputs[0] == executable.run([sample.x], taps: [], threads: 1).outputs[0])
    var expected = [[Int]](repeating: [Int](repeating: 0, count: 129), count: 2)
    let pixels = sample.x.elements(Float.self)
    let planes = inputs == "parallel" ? 1 : 6
    for image in 0..<20 {
      for filter in 0..<20 {
        for position in 0..<16 {
          for tile in 0..<2 {
            for plane in 0..<planes {
              var sum = 0
              for k in 0..<9 {
                let pixel = pixels[((image * 2 + tile) * 6 + position / 4 + k / 3) * 6 + position % 4 + k % 3]
                let code = Int(min(max((pixel / Float(Float(1) / 63)).rounded(.toNearestOrEven), 0), 63))
                sum += Int(sample.weights[filter * 18 + tile * 9 + k]) * (planes == 1 ? code : 63 * (code >> plane & 1))
              }
              let code = Int((Float(sum) / 1.5).rounded(.toNearestOrEven))
              expected[tile][min(max(code, -64), 64) + 64] += 1
            }
          }
        }
      }
    }
    #expect(uses.map(\.counts) == expected)
    #expect(uses.allSatisfy { $0.conversions == 20 * 20 * 16 * planes && $0.clipped > 0 && $0.top == 63 && $0.lsb == 1.5 })
    #expect(uses[0].reason == "set in the graph by calibration data: 16.7 % of the chip's own")
  }

  /// Codes behind a converter: equal, but where the model stands within 1e-3 of a tie.
  @Test(arguments: ["equal", "charge-share"], ["parallel", "bit-serial"]) func codesAgree(_ step: String, _ inputs: String) throws {
    for (filters, tile, channels, side, kernel) in [(6, 25, 1, 7, 5), (40, 20, 4, 7, 3), (45, 18, 5, 3, 3), (20, 2, 4, 7, 1)] {
      let sample = try Case(
        seed: filters + 1, channels: channels, side: side, kernel: kernel, filters: filters, tile: tile, lsb: 9.5, samples: 5)
      var chip = ScalarChip()
      (chip.cell, chip.dacGain, chip.offset, chip.adcGain, chip.noise) = (0.03, 0.02, 0.004, 0.03, 0.7)
      chip.sharesCharge = step == "charge-share"
      chip.planes = inputs == "bit-serial" ? 6 : 1
      let got = try run(
        sample,
        [
          ("mismatch", "0.03"), ("dac-gain", "0.02"), ("offset", "4"), ("adc-gain", "0.03"), ("noise", "0.7"), ("step", step),
          ("inputs", inputs),
        ])
      var compared = 0
      sample.forEach(chip) { index, value, _, tie in
        if tie < 1e-3 { return }
        compared += 1
        #expect(abs(Double(got[index]) - value) < 1e-4, "\(filters) filters, \(index): \(got[index]), \(value)")
      }
      #expect(compared > 100)
    }
  }

  /// Comparators: the sign of what the others round.
  @Test(arguments: ["parallel", "bit-serial"], ["equal", "charge-share"]) func comparatorsAgree(_ inputs: String, _ step: String) throws {
    for (filters, tile, channels, side, kernel) in [(6, 25, 1, 7, 5), (40, 9, 4, 7, 3), (45, 18, 5, 3, 3)] {
      let sample = try Case(
        seed: filters, channels: channels, side: side, kernel: kernel, filters: filters, tile: tile, lsb: 30, bits: 1, samples: 5)
      var chip = ScalarChip()
      (chip.cell, chip.offset, chip.adcGain, chip.noise) = (0.03, 0.01, 0.03, 0.7)
      chip.planes = inputs == "bit-serial" ? 6 : 1
      let got = try run(
        sample, [("mismatch", "0.03"), ("offset", "10"), ("adc-gain", "0.03"), ("noise", "0.7"), ("step", step), ("inputs", inputs)])
      var compared = 0
      sample.forEach(chip) { index, value, _, tie in
        if tie < 1e-3 { return }
        compared += 1
        #expect(abs(Double(got[index]) - value) < 1e-4, "\(filters) filters, \(index): \(got[index]), \(value)")
      }
      #expect(compared > 100)
    }
  }

  /// A mean over all 64 columns: offsets and noise weigh more in tiles that are shorter.
  @Test(arguments: [nil, 9.5 as Float], ["equal", "charge-share"]) func meansOverAllColumnsAgree(_ lsb: Float?, _ step: String) throws {
    let sample = try Case(seed: 10, channels: 3, side: 7, kernel: 3, filters: 20, tile: 14, lsb: lsb)
    var chip = ScalarChip()
    (chip.offset, chip.noise, chip.meanColumns, chip.sharesCharge) = (0.004, 0.5, 64, step == "charge-share" && lsb != nil)
    let given = [("offset", "4"), ("noise", "0.5"), ("step", step)]
    let got = try run(sample, given + [("mean-over", "columns")])
    var compared = 0
    sample.forEach(chip) { index, value, size, tie in
      if lsb != nil && tie < 1e-3 { return }
      compared += 1
      #expect(abs(Double(got[index]) - value) <= (lsb == nil ? 1e-5 * max(size, 1) : 1e-4), "\(index): \(got[index]), \(value)")
    }
    #expect(compared > 1000)
    #expect(try run(sample, given + [("mean-over", "connected")]) == run(sample, given))
    #expect(try run(sample, given) != got)
  }

  /// One byte stream for 1 and 2 threads, batch 1 and 100, any order of samples.
  @Test(arguments: ["parallel", "bit-serial"]) func splitsDoNotMatter(_ inputs: String) throws {
    let sample = try Case(seed: 3, channels: 2, side: 8, kernel: 3, filters: 20, tile: 18, lsb: 7, samples: 100)
    let given = [("errors", "on"), ("noise", "1"), ("inputs", inputs)]
    let backend = IMCBackend()
    let executable = try backend.compile(sample.graph, options(backend, given))
    let whole = try executable.run([sample.x], taps: [], threads: 1).outputs[0]
    #expect(try executable.run([sample.x], taps: [], threads: 2).outputs[0] == whole)
    let singles = try (0..<100).map { try executable.run([sample.x.slice(batch: $0..<$0 + 1)], taps: [], threads: 1).outputs[0] }
    #expect(Tensor.stacked(batches: singles) == whole)
    let backwards = Tensor.stacked(batches: (0..<100).reversed().map { sample.x.slice(batch: $0..<$0 + 1) })
    let result = try executable.run([backwards], taps: [], threads: 2).outputs[0]
    #expect(Tensor.stacked(batches: (0..<100).reversed().map { result.slice(batch: $0..<$0 + 1) }) == whole)
  }

  /// Sigmas of 0 give the contract's bytes.
  @Test func noErrorIsTheContract() throws {
    let sample = try Case(seed: 4, channels: 3, side: 8, kernel: 3, filters: 20, tile: 27, lsb: 11)
    #expect(try run(sample, [("mismatch", "0"), ("noise", "0")]) == run(sample, []))
    #expect(try run(sample, [("mismatch", "0.05")]) != run(sample, []))
    #expect(try run(sample, [("mismatch", "0.05"), ("chip", "1")]) != run(sample, [("mismatch", "0.05")]))
    #expect(try run(sample, [("mismatch", "0.05"), ("seed", "2")]) != run(sample, [("mismatch", "0.05")]))
  }

  /// Whatever makes values differ from the contract is said.
  @Test func errorsAreSaid() throws {
    let backend = IMCBackend()
    let sample = try Case(seed: 5, channels: 1, side: 6, kernel: 3, filters: 4, tile: 9, lsb: 5)
    func notes(_ given: [(key: String, value: String)]) throws -> [String] {
      try backend.compile(sample.graph, options(backend, given)).mapping?.notes ?? []
    }
    #expect(try !notes([]).contains { $0.contains("not the contract's") })
    #expect(try notes([("mismatch", "0.03")]).contains("circuit errors are on, values are not the contract's: cell 0.03"))
    #expect(throws: Diagnostic.self) { try options(backend, [("errors", "maybe")]) }
    #expect(throws: Diagnostic.self) { try backend.compile(sample.graph, options(backend, [("errors", "on"), ("hardware", "ideal")])) }
    #expect(throws: Diagnostic.self) { try backend.compile(sample.graph, options(backend, [("mismatch", "-1")])) }
  }
}
