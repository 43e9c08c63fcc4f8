/// What was set once on one made chip, and what it was set by.
///
/// Physics is in the hardware file and the seed of a simulation in its options; this is the third thing, and it belongs to one chip.
public struct ChipCalibration: Hashable, Sendable {
  /// What a controller set on one macro, in the steps of its trims.
  public struct Trims: Hashable, Sendable {
    /// The steps that a trim has to either side; ours, far beyond any real one's.
    public static let mostSteps = 100_000

    /// The macro's number.
    public var macro: Int
    /// What the input converters' full scale was found to be, as a share of what it should be; they are set back by that.
    public var fullScale: Double
    /// By local array, steps taken off the comparator's offset.
    public var offsets: [Int]
    /// By local array, steps taken off the converter's step.
    public var gains: [Int]

    /// Creates one from its parts.
    public init(macro: Int, fullScale: Double, offsets: [Int], gains: [Int]) {
      (self.macro, self.fullScale, self.offsets, self.gains) = (macro, fullScale, offsets, gains)
    }
  }

  /// The converter range of one layer.
  public struct Range: Hashable, Sendable {
    /// The importer's name of the layer.
    public var layer: String
    /// Bits of the converter.
    public var bits: Int
    /// The sum that one code stands for.
    public var lsb: Float

    /// Creates one from its parts.
    public init(layer: String, bits: Int, lsb: Float) { (self.layer, self.bits, self.lsb) = (layer, bits, lsb) }
  }

  /// Samples of which something was learnt.
  public struct Data: Hashable, Sendable {
    /// How the set is spelled on the command line.
    public var set: String
    /// Samples taken of it.
    public var samples: Int

    /// Creates one from its parts.
    public init(set: String, samples: Int) { (self.set, self.samples) = (set, samples) }
  }

  /// The chip's hardware file, by name.
  public var hardware: String
  /// The circuits that trims are set on, and how far they err, in words: on others the trims would be wrong.
  public var circuits: String
  /// The seed that made it.
  public var seed: Int
  /// Its number among the chips of the seed.
  public var chip: Int
  /// What was set on each macro. Trims are measured with test inputs of the controller's own, not with data.
  public var trims: [Trims]
  /// The ranges that the network's layers were read with.
  public var ranges: [Range]
  /// What the ranges saw; nil when they are the chip's own.
  public var rangeData: Data?
  /// What the trimmed chip was measured on, and what it did before and after: lines for people.
  public var checked: Data?
  /// What trims bought on `checked`, for people.
  public var bought: [String]

  /// Creates one from its parts.
  public init(
    hardware: String, circuits: String, seed: Int, chip: Int, trims: [Trims], ranges: [Range], rangeData: Data? = nil, checked: Data? = nil,
    bought: [String] = []
  ) {
    (self.hardware, self.circuits, self.seed, self.chip, self.trims, self.ranges) = (hardware, circuits, seed, chip, trims, ranges)
    (self.rangeData, self.checked, self.bought) = (rangeData, checked, bought)
  }
}
