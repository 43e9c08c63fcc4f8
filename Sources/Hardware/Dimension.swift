/// What a quantity of a hardware file measures, and the units it may be written in.
struct Dimension: Sendable {
  /// The name in an error message.
  let name: String
  /// Units, each with its size in the base unit, which stands first.
  let units: [(name: String, size: Double)]

  /// The unit that every quantity of this dimension is kept in.
  var base: String { units[0].name }

  static let time = Dimension(name: "a time", units: [("ns", 1), ("ps", 1e-3), ("us", 1e3), ("ms", 1e6), ("s", 1e9)])
  static let energy = Dimension(name: "an energy", units: [("pJ", 1), ("fJ", 1e-3), ("nJ", 1e3), ("uJ", 1e6)])
  static let energyPerBit = Dimension(name: "an energy for each bit", units: [("pJ/bit", 1), ("fJ/bit", 1e-3)])
  static let length = Dimension(name: "a length", units: [("nm", 1), ("um", 1e3), ("mm", 1e6)])
  static let area = Dimension(name: "an area", units: [("mm2", 1), ("um2", 1e-6)])
  static let voltage = Dimension(name: "a voltage", units: [("V", 1), ("mV", 1e-3)])
  static let frequency = Dimension(name: "a frequency", units: [("MHz", 1), ("kHz", 1e-3), ("GHz", 1e3), ("Hz", 1e-6)])
  static let capacity = Dimension(name: "a capacity", units: [("B", 1), ("KB", 1024), ("MB", 1_048_576)])
  static let count = Dimension(name: "a count", units: [("count", 1)])
  static let bits = Dimension(name: "a number of bits", units: [("bit", 1)])
  static let ratio = Dimension(name: "a ratio", units: [("ratio", 1)])
  static let throughput = Dimension(name: "a throughput", units: [("GOPS", 1), ("TOPS", 1e3)])
  static let efficiency = Dimension(name: "an efficiency", units: [("TOPS/W", 1)])
}
