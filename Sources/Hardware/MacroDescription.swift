import GraphIR

/// An in-memory-compute macro: one array with its periphery, as a hardware file describes it.
///
/// Geometry is in plain numbers; costs are facts, because they may be unknown. `facts` holds every statement of the file.
public struct MacroDescription: Hashable, Sendable {
  /// What the columns without an input do to the mean.
  public enum MeanOver: String, Sendable, CaseIterable {
    /// They are disconnected: the mean is over the tile.
    case connected
    /// They are held at zero: the mean is over all columns.
    case columns
  }

  /// How an input's bits are used.
  public enum Encoding: String, Sendable, CaseIterable {
    case signMagnitude = "sign-magnitude"
    case unsigned
    /// One bit: +1 or -1.
    case binary
    /// +1, 0 or -1.
    case ternary
    /// One evaluation for each bit; of signed codes, for each bit of the magnitude, driven with the sign.
    case bitSerial = "bit-serial"
  }

  /// What else can happen while a row is written.
  public enum Writes: String, Sendable, CaseIterable {
    /// Nothing.
    case alone
    /// Other rows of the same macro are evaluated.
    case beside
  }

  /// What stands at the end of a local array.
  public enum Readout: String, Sendable, CaseIterable {
    /// A converter of so many bits.
    case converter
    /// The sum itself, as if read without error.
    case exact
  }

  /// What a converter of one bit, a comparator, decides against.
  public enum Reference: String, Sendable, CaseIterable {
    /// 0: the sign of the sum.
    case zero
    /// A number of each filter's own, so that it decides whatever a layer's scale, bias and sign would.
    case filter
  }

  /// The output converter of each local array.
  public struct Converter: Hashable, Sendable {
    /// Bits of its signed code; 1 is a comparator, whose codes are -1 and +1.
    public var bits: Int
    /// Its largest code: that of its bits, or less where it has fewer levels.
    public var top: Int
    /// What the largest code stands for, as a multiple of (mean denominator x largest input code).
    public var fullScale: Double
    /// What the mean is over when a tile has fewer inputs than there are columns.
    public var meanOver: MeanOver
    /// What a comparator decides against; `zero` when the file does not say.
    public var reference: Reference
  }

  /// Energy of one output by the code that it becomes: base + step x distance.
  public struct OutputByCode: Hashable, Sendable {
    /// Where distances are counted from.
    public enum Origin: String, Sendable, CaseIterable {
      /// A code of 0, as in converters that step towards the sum.
      case zero
      /// The smallest code.
      case lowest
    }

    /// Energy at a distance of 0.
    public let base: Fact
    /// Energy of each further code.
    public let step: Fact
    /// Where distances are counted from.
    public let origin: Origin

    /// Energy of outputs, counted by code from `-top` upwards; nil when base or step is unknown.
    public func picojoules(counts: [Int], top: Int) -> Double? {
      guard let base = base.number, let step = step.number else { return nil }
      return counts.enumerated().reduce(0) { sum, each in
        let distance = origin == .lowest ? each.offset : abs(each.offset - top)
        return sum + Double(each.element) * (base + step * Double(distance))
      }
    }
  }

  /// The name that it is loaded by.
  public let name: String
  /// What it is, in one line.
  public let summary: String
  /// Dot products in one evaluation.
  public let localArrays: Int
  /// Weight vectors that each local array keeps.
  public let rows: Int
  /// Inputs in one evaluation.
  public let columns: Int
  /// Bits of an input, its sign counted.
  public let inputBits: Int
  /// A narrower mode that the macro has: bits of an input and of an output.
  public let reducedBits: Int
  /// How an input's bits are used.
  public let encoding: Encoding
  /// Bits of the widest weight; 1 is +1 or -1. Wider weights are kept as bit slices, side by side in local arrays, each read by itself.
  public let weightBits: Int
  /// nil: the sum itself is read.
  public let converter: Converter?

  /// Time of one evaluation.
  public let cycle: Fact
  /// Time to write one row of all local arrays.
  public let rowWriteTime: Fact
  /// Whether evaluations go on while rows are written; `alone` when the file does not say.
  public let writes: Writes
  /// Energy by component.
  public let energy: Energy
  /// Area of the array with its converters.
  public let area: Fact
  /// How its circuits err; nil when the file says nothing about it.
  public let errors: Errors?
  /// Every statement of the file, in the order in which it is documented.
  public let facts: [Fact]

  /// What each thing that happens takes.
  public struct Energy: Hashable, Sendable {
    /// One input conversion: one column, driven once for all local arrays.
    public let dacConversion: Fact
    /// Averaging, conversion and control for one output.
    public let output: Fact
    /// The same by the code that comes; nil when the file does not say.
    public let outputByCode: OutputByCode?
    /// One addition of a partial sum, outside the array.
    public let partialSumAdd: Fact
    /// Fetching one input code from a buffer.
    public let inputFetch: Fact
    /// Writing one row of one local array.
    public let rowWrite: Fact
  }

  /// The largest magnitude of a code of so many bits, its sign counted: sign and magnitude.
  public static func largestCode(bits: Int) -> Int { (1 << (bits - 1)) - 1 }

  /// The codes that an input of so many bits can have.
  public func codes(bits: Int) -> ClosedRange<Int> {
    switch encoding {
    case .signMagnitude: -MacroDescription.largestCode(bits: bits)...MacroDescription.largestCode(bits: bits)
    case .unsigned: 0...(1 << bits) - 1
    // Bits of the magnitude, driven with the code's sign.
    case .bitSerial: -((1 << bits) - 1)...(1 << bits) - 1
    case .binary, .ternary: -1...1
    }
  }

  /// The statement under a path such as `published.cycle_energy`.
  public func fact(_ path: String) -> Fact? { facts.first { $0.path == path } }
}

extension MacroDescription {
  /// Reads a file of kind `macro`.
  init(reading root: SheetReader.Section, by reader: inout SheetReader) throws {
    name = reader.text(root, "name")
    summary = reader.text(root, "summary")
    let technology = reader.section(root, "technology", fields: ["node", "supply", "area"])
    _ = reader.quantity(technology, "node", .length, in: 1...1000)
    _ = reader.quantity(technology, "supply", .voltage, in: 0.1...10)
    area = reader.quantity(technology, "area", .area)

    let geometry = reader.section(root, "geometry", fields: ["local_arrays", "rows", "columns"])
    localArrays = reader.count(geometry, "local_arrays", in: 1...4096)
    rows = reader.count(geometry, "rows", in: 1...65536)
    columns = reader.count(geometry, "columns", in: 1...65536)

    let input = reader.section(root, "input", fields: ["bits", "reduced_bits", "encoding"])
    inputBits = reader.count(input, "bits", .bits, in: 1...8)
    reducedBits = input.entries["reduced_bits"] == nil ? inputBits : reader.count(input, "reduced_bits", .bits, in: 1...8)
    encoding = reader.word(input, "encoding", Encoding.self) ?? .signMagnitude
    weightBits = reader.count(reader.section(root, "weight", fields: ["bits"]), "bits", .bits, in: 1...8)

    converter = MacroDescription.converter(root, &reader)

    let timing = reader.section(root, "timing", fields: ["cycle", "row_write", "writes"])
    cycle = reader.quantity(timing, "cycle", .time, in: 1e-3...1e9)
    rowWriteTime = reader.quantity(timing, "row_write", .time)
    writes = timing.entries["writes"] == nil ? .alone : reader.word(timing, "writes", Writes.self) ?? .alone

    let body = reader.section(
      root, "energy", fields: ["dac_conversion", "output", "output_by_code", "partial_sum_add", "input_fetch", "row_write"])
    energy = Energy(
      dacConversion: reader.quantity(body, "dac_conversion", .energy), output: reader.quantity(body, "output", .energy),
      outputByCode: MacroDescription.outputByCode(body, &reader), partialSumAdd: reader.quantity(body, "partial_sum_add", .energy),
      inputFetch: reader.quantity(body, "input_fetch", .energy),
      rowWrite: reader.quantity(body, "row_write", .energy))
    errors = root.entries["errors"] == nil ? nil : Errors(reading: root, by: &reader)
    if root.entries["published"] != nil { MacroDescription.readPublished(root, &reader) }
    if reducedBits > inputBits {
      reader.report("'input.reduced_bits' is more than 'input.bits'", line: input.line, hint: "at most \(inputBits)")
    }
    facts = reader.facts
  }

  private static func converter(_ root: SheetReader.Section, _ reader: inout SheetReader) -> Converter? {
    let all = ["readout", "bits", "levels", "full_scale", "mean_over", "reference"]
    let output = reader.section(root, "output", fields: all)
    guard let readout = reader.word(output, "readout", Readout.self) else { return nil }
    switch readout {
    case .exact:
      for field in all.dropFirst() {
        guard let node = output.entries[field] else { continue }
        reader.report(
          "'output.\(field)' says something that an exact readout has not", line: node.line, hint: "leave it out")
      }
      return nil
    case .converter:
      let bits = reader.count(output, "bits", .bits, in: 1...24)
      let top = largestCode(of: output, bits: bits, &reader)
      let fullScale = reader.quantity(output, "full_scale", .ratio, in: 1e-6...1e6)
      let meanOver = reader.word(output, "mean_over", MeanOver.self)
      if fullScale.number == nil && output.entries["full_scale"] != nil {
        reader.report("'output.full_scale' cannot be unknown", line: output.line, hint: "state the assumed one with mark A")
      }
      let reference = output.entries["reference"].map { (node: $0, word: reader.word(output, "reference", Reference.self)) }
      if let reference, bits > 1 {
        reader.report(
          "'output.reference' is what a comparator decides against, the converter has \(bits) bits",
          line: reference.node.line, hint: "leave it out")
      }
      return Converter(
        bits: bits, top: top, fullScale: fullScale.number ?? 1, meanOver: meanOver ?? .connected,
        reference: (reference?.word).flatMap { $0 } ?? .zero
      )
    }
  }

  /// The largest code of a converter; levels, where they are given, are an odd number that its bits hold: -top to top.
  private static func largestCode(of output: SheetReader.Section, bits: Int, _ reader: inout SheetReader) -> Int {
    let whole = GraphIR.Readout.largestCode(bits: bits)
    guard let node = output.entries["levels"] else { return whole }
    let levels = reader.count(output, "levels", in: 2...(1 << 24))
    if bits == 1 && levels == 2 { return whole }
    guard levels % 2 == 1, levels > 1, (levels - 1) / 2 <= whole, bits > 1 else {
      reader.report(
        "'output.levels' is \(levels), which \(bits) bits do not hold around 0", line: node.line,
        hint: bits == 1 ? "a comparator has 2" : "wanted: an odd number from 3 to \(2 * whole + 1)")
      return whole
    }
    return (levels - 1) / 2
  }

  private static func outputByCode(_ energy: SheetReader.Section, _ reader: inout SheetReader) -> OutputByCode? {
    guard energy.entries["output_by_code"] != nil else { return nil }
    let body = reader.section(energy, "output_by_code", fields: ["base", "step", "from"])
    let (base, step) = (reader.quantity(body, "base", .energy), reader.quantity(body, "step", .energy))
    return OutputByCode(base: base, step: step, origin: reader.word(body, "from", OutputByCode.Origin.self) ?? .zero)
  }

  /// Points that were published, kept for comparison; nothing is computed from them.
  private static func readPublished(_ root: SheetReader.Section, _ reader: inout SheetReader) {
    let body = reader.section(root, "published", fields: ["inputs", "output_energy", "cycle_energy", "throughput", "efficiency"])
    _ = reader.quantity(body, "inputs", .count)
    _ = reader.quantity(body, "output_energy", .energy)
    _ = reader.quantity(body, "cycle_energy", .energy)
    _ = reader.quantity(body, "throughput", .throughput)
    _ = reader.quantity(body, "efficiency", .efficiency)
  }

  static let fields = [
    "kind", "name", "summary", "technology", "geometry", "input", "weight", "output", "timing", "energy", "errors", "published",
  ]
}
