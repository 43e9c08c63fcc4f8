import CIMCKernels
import Testing

/// Random numbers are what their definition says, on every instruction level.
@Suite struct DrawTests {
  /// Known answers of the Random123 library, for the scalar model that the kernels are compared with.
  @Test func philoxKnownAnswers() {
    #expect(ScalarDraws.philox([0, 0, 0, 0], key: [0, 0]) == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
    let ones = [UInt32](repeating: .max, count: 4)
    #expect(ScalarDraws.philox(ones, key: [.max, .max]) == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
  }

  @Test(arguments: levels) func agreesWithTheDefinition(_ level: String) {
    let numbers = kernelNormals(level, quads: 40, place: 7, purpose: 3, chip: 12, time: 0x1234_5678_9abc_def0, seed: 0xfeed_beef_cafe)
    for (place, number) in numbers.enumerated() {
      let expected = ScalarDraws.normal(
        place: 7 + place / 64, element: place % 64, purpose: 3, chip: 12, time: 0x1234_5678_9abc_def0, seed: 0xfeed_beef_cafe)
      // f32 logarithm, root and circle functions: some units in the last place.
      #expect(abs(Double(number) - expected) < 2e-6 * max(1, abs(expected)), "\(level), number \(place)")
    }
  }

  @Test func levelsGiveTheSameBytes() {
    let all = levels.map { kernelNormals($0, quads: 100, purpose: 1, chip: 0, time: 9, seed: 1) }
    for numbers in all { #expect(numbers.map(\.bitPattern) == all[0].map(\.bitPattern)) }
  }

  /// Moments of 10^6 numbers within four standard errors; neighbours, halves of a pair and lanes are uncorrelated.
  @Test func statistics() {
    let quads = 15_625
    let z = kernelNormals(levels[levels.count - 1], quads: quads, purpose: 6, chip: 3, time: 0, seed: 42).map(Double.init)
    let n = Double(z.count)
    func mean(_ f: (Int) -> Double) -> Double { z.indices.reduce(0) { $0 + f($1) } / n }
    #expect(abs(mean { z[$0] }) < 4 / n.squareRoot())
    #expect(abs(mean { z[$0] * z[$0] } - 1) < 4 * (2 / n).squareRoot())
    #expect(abs(mean { z[$0] * z[$0] * z[$0] }) < 4 * (15 / n).squareRoot())
    #expect(abs(mean { z[$0] * z[$0] * z[$0] * z[$0] } - 3) < 4 * (96 / n).squareRoot())
    for distance in [1, 16, 32, 64, 1024] {
      let product = z.indices.dropLast(distance).reduce(0) { $0 + z[$1] * z[$1 + distance] } / n
      #expect(abs(product) < 4 / n.squareRoot(), "distance \(distance)")
    }
  }

  @Test func keysAreIndependent() {
    let base = kernelNormals("portable", quads: 1, purpose: 1, chip: 0, time: 0, seed: 1)
    for other in [
      kernelNormals("portable", quads: 1, purpose: 2, chip: 0, time: 0, seed: 1),
      kernelNormals("portable", quads: 1, purpose: 1, chip: 1, time: 0, seed: 1),
      kernelNormals("portable", quads: 1, purpose: 1, chip: 0, time: 1 << 32, seed: 1),
      kernelNormals("portable", quads: 1, purpose: 1, chip: 0, time: 0, seed: 1 << 32),
      kernelNormals("portable", quads: 1, place: 1, purpose: 1, chip: 0, time: 0, seed: 1),
    ] { #expect(zip(base, other).allSatisfy { $0 != $1 }) }
  }
}
