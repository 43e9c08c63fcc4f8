import GraphIR

/// What the in-memory machine can take in one evaluation: facts that passes cut a network to.
public struct Target: Hashable, Sendable {
  /// A finite converter behind every tile.
  public struct Converter: Hashable, Sendable {
    /// Bits of its signed result; 1 is a comparator.
    public var bits: Int
    /// Its largest code: that of its bits, or less where it has fewer levels.
    public var top: Int
    /// What one full-scale code stands for on the chip itself, as a multiple of (inputs that the mean is over x largest input code).
    public var fullScale: Double
    /// Inputs that a mean is over, however long a tile is; nil: those of the tile.
    public var meanInputs: Int?
    /// Whether a comparator has a reference of each filter's own, so that it decides a layer's sign itself.
    public var hasReferences: Bool
    /// Whether each layer gets a full scale of its own, from calibration data, instead of the chip's.
    public var isCalibrated: Bool

    /// Creates one from its parts.
    public init(
      bits: Int, top: Int? = nil, fullScale: Double, meanInputs: Int? = nil, hasReferences: Bool = false, isCalibrated: Bool = false
    ) {
      self.bits = bits
      self.top = top ?? Readout.largestCode(bits: bits)
      self.fullScale = fullScale
      self.meanInputs = meanInputs
      self.hasReferences = hasReferences
      self.isCalibrated = isCalibrated
    }
  }

  /// The name on the command line.
  public var name: String
  /// Inputs that one evaluation sums.
  public var columns: Int
  /// Dot products that one evaluation makes.
  public var localArrays: Int
  /// Weight vectors that each local array keeps.
  public var rows: Int
  /// The largest magnitude of an input code.
  public var largestCode: Int
  /// The codes that its inputs can have.
  public var codes: ClosedRange<Int>
  /// Whether inputs come bit by bit: each bit drives a column as the largest code does, and what it adds up to is read by itself.
  public var isBitSerial: Bool
  /// Bits of the widest weight that it takes; 1: -1 and +1 only.
  public var weightBits: Int
  /// nil: the sum itself is read.
  public var converter: Converter?

  /// Creates one from its parts; without `codes` they are those of either sign.
  public init(
    name: String, columns: Int, localArrays: Int, rows: Int, largestCode: Int, codes: ClosedRange<Int>? = nil, isBitSerial: Bool = false,
    weightBits: Int = 1, converter: Converter?
  ) {
    self.name = name
    self.columns = columns
    self.localArrays = localArrays
    self.rows = rows
    self.largestCode = largestCode
    self.codes = codes ?? -largestCode...largestCode
    self.isBitSerial = isBitSerial
    self.weightBits = weightBits
    self.converter = converter
  }
}

/// What a pass may look at besides the graph.
public struct PassContext: Sendable {
  /// The options it takes.
  public var options: Options
  /// The machine that the network is cut for; nil when none was named.
  public var target: Target?
  /// Inputs for calibration: batches, each with one tensor for every graph input. Empty when none were given.
  public var calibration: [[Tensor]]
  /// Runs a graph on one batch and hands back the values asked for.
  public var evaluate: @Sendable (_ graph: Graph, _ inputs: [Tensor], _ values: [ValueID]) throws -> [Tensor]
  /// Tells the user something about what the pass chose.
  public var note: @Sendable (String) -> Void
  /// Hands on figures about what the pass did, for a report.
  public var report: @Sendable (Table) -> Void
  /// Tells how far a long pass is, in steps of its own such as layers. Nobody listens until whoever runs passes says so.
  public var progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }

  /// Creates one from its parts.
  public init(
    options: Options, target: Target?, calibration: [[Tensor]],
    evaluate: @escaping @Sendable (Graph, [Tensor], [ValueID]) throws -> [Tensor], note: @escaping @Sendable (String) -> Void,
    report: @escaping @Sendable (Table) -> Void
  ) {
    self.options = options
    self.target = target
    self.calibration = calibration
    self.evaluate = evaluate
    self.note = note
    self.report = report
  }
}

/// A step from graph to graph: a value with a spelling, one sentence, its options, and a closure.
public struct Pass: Sendable {
  /// The spelling on the command line, such as `fold-constants`.
  public let name: String
  /// One line for lists.
  public let summary: String
  /// The options it takes.
  public let options: [OptionSpec]
  /// The step itself.
  public let run: @Sendable (Graph, PassContext) throws -> Graph

  /// Creates one from its parts.
  public init(_ name: String, _ summary: String, options: [OptionSpec] = [], run: @escaping @Sendable (Graph, PassContext) throws -> Graph)
  {
    self.name = name
    self.summary = summary
    self.options = options
    self.run = run
  }
}
