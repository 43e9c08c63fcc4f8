import Datasets
import GraphIR
import Testing

@Suite struct DrawnDigitsTests {
  @Test func sameBytesOnEveryMachine() {
    let digits = DrawnDigits(seed: 1)
    let pixels = (0..<40).flatMap { digits.pixels(of: $0) }
    #expect(Tensor(.uint8, [40, 28, 28], pixels).digest == "0b49f2078e45bde3")
  }

  @Test func digitsAreFramedAsMnistFramesThem() {
    for seed in [1, 2, 99] as [UInt64] {
      for index in 0..<200 {
        let pixels = DrawnDigits(seed: seed).pixels(of: index)
        let mass = pixels.reduce(0) { $0 + Double($1) }
        let x = pixels.indices.reduce(0) { $0 + Double(pixels[$1]) * (Double($1 % 28) + 0.5) } / mass
        let y = pixels.indices.reduce(0) { $0 + Double(pixels[$1]) * (Double($1 / 28) + 0.5) } / mass
        let used = pixels.indices.filter { pixels[$0] > 0 }
        let (columns, rows) = (used.map { $0 % 28 }, used.map { $0 / 28 })
        let where_: Comment = "digit \(index) of seed \(seed)"
        // Half a pixel of shift, and what rounding to whole pixels moves.
        #expect(abs(x - 14) < 0.6 && abs(y - 14) < 0.6, where_)
        // 20 pixels, and one of smoothing at each side.
        #expect(columns.max()! - columns.min()! < 22 && rows.max()! - rows.min()! < 22, where_)
        #expect(rows.max()! - rows.min()! >= 12, where_)
        #expect((0.03...0.3).contains(mass / 255 / 784), where_)
        #expect(pixels[0] == 0 && pixels.max()! >= 200, where_)
      }
    }
  }

  @Test func aDataSetOfThem() throws {
    let set = try LabelledDataset(spelling: "digits:25,7")
    #expect(set.arrays[0].values.shape == [25, 1, 28, 28] && set.classes.count == 10)
    #expect(set.name == "25 drawn digits, seed 7 (not MNIST)")
    #expect(set.labels == (0..<25).map { $0 % 10 })
    let digit = DrawnDigits(seed: 7).pixels(of: 13)
    #expect(set.arrays[0].values.samples(in: 13..<14) == Tensor(.float32, [1, 1, 28, 28], digit.map { Float($0) / 255 }))
    #expect(
      try LabelledDataset(spelling: "digits:3").arrays[0].values.samples(in: 0..<3)
        == LabelledDataset(spelling: "digits:3,1").arrays[0].values.samples(in: 0..<3))
  }

  @Test func noTwoAlike() {
    let drawn = (0..<2).flatMap { seed in (0..<300).map { DrawnDigits(seed: seed).pixels(of: $0) } }
    #expect(Set(drawn).count == drawn.count)
  }
}
