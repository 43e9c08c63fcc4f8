import GraphIR

/// What the output converters behind one tile of one layer did with the samples that they were shown.
public struct ConverterUse: Hashable, Sendable {
  /// The importer's name of the layer.
  public var origin: String
  /// Which of the layer's tiles.
  public var tile: Int
  /// Inputs that one sum of the tile has.
  public var inputs: Int
  /// The sum that one code stands for.
  public var lsb: Double
  /// Why the range is what it is.
  public var reason: String
  /// Conversions by what they gave: what rounds to less than the smallest code, each code upwards, what rounds to more than the largest.
  public var counts: [Int]
  /// Energy of these conversions by the codes that they gave; nil where the machine's description does not say.
  public var picojoules: Double?

  /// Creates one from its parts.
  public init(origin: String, tile: Int, inputs: Int, lsb: Double, reason: String, counts: [Int], picojoules: Double? = nil) {
    self.origin = origin
    self.tile = tile
    self.inputs = inputs
    self.lsb = lsb
    self.reason = reason
    self.counts = counts
    self.picojoules = picojoules
  }

  /// The largest code; the smallest is its negative.
  public var top: Int { (counts.count - 3) / 2 }

  /// Conversions seen.
  public var conversions: Int { counts.reduce(0, +) }

  /// Conversions that the range cut off.
  public var clipped: Int { (counts.first ?? 0) + (counts.last ?? 0) }

  /// Conversions by code, those that were cut off at the codes that they became.
  public var countsByCode: [Int] {
    var codes = Array(counts.dropFirst().dropLast())
    if !codes.isEmpty {
      codes[0] += counts[0]
      codes[codes.count - 1] += counts[counts.count - 1]
    }
    return codes
  }

  /// The smallest and largest code that came; nil before anything was converted.
  public var codeRange: ClosedRange<Int>? {
    let codes = countsByCode
    guard let first = codes.firstIndex(where: { $0 > 0 }), let last = codes.lastIndex(where: { $0 > 0 }) else { return nil }
    return first - top...last - top
  }

  /// Takes in what the same converters did with other samples.
  public mutating func add(_ other: ConverterUse) {
    for place in counts.indices { counts[place] += other.counts[place] }
    picojoules = picojoules.flatMap { own in other.picojoules.map { own + $0 } }
  }
}

/// An executable of a machine whose converters can be watched.
public protocol ConvertingExecutable: Executable {
  /// Runs one batch as `run` does, and counts what each converter gave. Layers that are read exactly have no converter and are left out.
  func runCounting(_ inputs: [Tensor], threads: Int) throws -> (outputs: [Tensor], uses: [ConverterUse])
}
