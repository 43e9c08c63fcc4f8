extension MacroDescription {
  /// How the circuits of a macro err, kind by kind: standard deviations, one curve, and the voltage that they are measured against.
  ///
  /// None of these has been published for the shipped chips; their marks say A, assumed. They strike at three times: a chip is made with
  /// gains, offsets and cells of its own; a weight may be written wrongly; and every evaluation has its own noise.
  public struct Errors: Hashable, Sendable {
    /// Voltage of the largest input code, which is also that of the largest mean.
    public let fullScaleVoltage: Fact
    /// Relative gain of one column's input converter; made with the chip.
    public let dacGain: Fact
    /// Bow of the input converters' transfer at mid-scale, in input steps; the same for all columns.
    public let dacBow: Fact
    /// Relative contribution of one cell: the ratio of its bit-line capacitance; made with the chip.
    public let cell: Fact
    /// Offset of one comparator, swapped on alternate cycles; made with the chip.
    public let comparatorOffset: Fact
    /// Relative step of one output converter; made with the chip.
    public let converterGain: Fact
    /// Error of one cell that strikes when its weight is written.
    public let weightWrite: Fact
    /// Noise of one evaluation at the averaged rails.
    public let thermal: Fact

    init(reading root: SheetReader.Section, by reader: inout SheetReader) {
      let body = reader.section(root, "errors", fields: Errors.fields)
      fullScaleVoltage = reader.quantity(body, "full_scale_voltage", .voltage, in: 1e-3...10)
      dacGain = reader.quantity(body, "dac_gain", .ratio, in: 0...1)
      dacBow = reader.quantity(body, "dac_bow", .ratio, in: -64...64)
      cell = reader.quantity(body, "cell", .ratio, in: 0...1)
      comparatorOffset = reader.quantity(body, "comparator_offset", .voltage, in: 0...1)
      converterGain = reader.quantity(body, "converter_gain", .ratio, in: 0...1)
      weightWrite = reader.quantity(body, "weight_write", .ratio, in: 0...1)
      thermal = reader.quantity(body, "thermal", .voltage, in: 0...1)
    }

    static let fields = [
      "full_scale_voltage", "dac_gain", "dac_bow", "cell", "comparator_offset", "converter_gain", "weight_write", "thermal",
    ]
  }
}
