import GraphIR

/// The codes that a value is given: their type, their ends, and what one step is worth.
package struct CodeChoice {
  package var codes: Quantize
  package var scale: Float

  /// Codes whose largest stands for the largest magnitude of `range`: u8 when they are unsigned, else i8, which ends at ±127.
  init(covering range: ValueRange, _ settings: CodeSettings) {
    let isSigned = settings.isSigned ?? (range.lo < 0)
    let most = isSigned ? max(range.lo.magnitude, range.hi.magnitude) : max(range.hi, 0)
    let hi = isSigned ? min(settings.largest, 127) : settings.largest
    codes = Quantize(to: isSigned ? .int8 : .uint8, lo: isSigned ? -hi : 0, hi: hi)
    let step = Float(Double(most) / Double(hi))
    scale = step >= Float.leastNormalMagnitude ? step : 1
  }

  /// Codes that a graph has already.
  package init(codes: Quantize, scale: Float) {
    self.codes = codes
    self.scale = scale
  }

  /// Codes for what is known of a value: its own where it is made of signs.
  package init(for known: KnownRange, _ settings: CodeSettings) {
    guard let step = known.step else {
      self.init(covering: known.range, settings)
      return
    }
    self.init(codes: known.range.lo < 0 ? Quantize(to: .int8, lo: -1, hi: 1) : Quantize(to: .uint8, lo: 0, hi: 1), scale: step)
  }

  /// Adds the codes of a value to a graph, and the numbers that they stand for.
  package func add(for value: ValueID, origin: String, to graph: inout Graph) throws -> (codes: ValueID, numbers: ValueID) {
    let scale = graph.addConstant(.scalar(self.scale))
    let name = graph[value].name.isEmpty ? "" : "\(graph[value].name).codes"
    let codes = try graph.append1(.quantize(self.codes), [value, scale], origin: origin, name: name)
    return (codes, try graph.append1(.dequantize(AxisAttribute()), [codes, scale], origin: origin))
  }
}
