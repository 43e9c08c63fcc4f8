import Calibration
import GraphIR
import PluginAPI

extension Pass {
  /// Puts the target's converter behind every tile of every binary layer, and what one code is worth into the rescale that follows.
  ///
  ///     %p = binary_conv(%q, %bits) {tile=50}                            // before
  ///     %y = rescale(%p, %m, %c)
  ///
  ///     %p = binary_conv(%q, %bits) {tile=50, readout=adc(7, 50.0)}      // after; m1 = m · 50
  ///     %y = rescale(%p, %m1, %c)
  ///
  /// The lsb is the chip's own (`scale=chip`: its largest code stands for the full scale of a tile as long as the layer's first), or so that
  /// tiles' sums in calibration data are read with the least squared error, or the largest of them (or a `percentile`) meets the largest
  /// code (`scale=calibrated`), but not below 1: sums are whole. Where inputs come bit by bit, what is read is the sums of single bits. Each new m is `m · lsb` in f64, rounded once. A layer that has a readout keeps it.
  ///
  /// A converter of one bit is a comparator: each tile is read as its sign, worth the lsb (of least error: the mean magnitude), and signs are
  /// added up. Where the target's comparators have a reference for each filter, a layer of one tile whose rescaled sums are only compared with
  /// constants is read exactly: what is decided there is what such a comparator decides.
  public static let readout = Pass(
    "readout", "puts the target's finite converter behind every tile",
    options: [
      OptionSpec("bits", .int(1...24), default: nil, "bits of the converter's signed result; the target's when absent"),
      OptionSpec(
        "levels", .int(3...(1 << 24) - 1), default: nil, "how many codes it has, an odd number; as many as its bits hold when absent"),
      OptionSpec(
        "scale", .word(["chip", "calibrated", "exact"]), default: nil,
        "full scale: the chip's, by calibration data, or no converter; what the target says when absent"),
      OptionSpec(
        "range", .word(ReadoutRange.allCases.map(\.rawValue)), default: nil,
        "where a calibrated full scale lies: max, least squared error, percentile; error when absent, percentile where one is given"),
      OptionSpec(
        "percentile", .number, default: nil, "the share of calibration tile sums within full scale, in percent; 99.99 when absent"),
      OptionSpec("samples", .int(1...(1 << 20)), default: "64", "calibration samples that are looked at"),
    ]
  ) { graph, context in
    guard context.options[text: "scale"] != "exact" else { return graph }
    guard let codes = try readoutCodes(context) else {
      context.note("the target reads sums as they are")
      return graph
    }
    var layers = readableLayers(graph, context.target, context.note)
    if codes.isComparator, context.target?.converter?.hasReferences == true {
      let deciding = Set(
        layers.filter { id in
          TiledLayer(graph[id], in: graph).map { $0.tile >= $0.inputs } == true && graph.isOnlyCompared(graph[id].results[0])
        })
      for id in layers where deciding.contains(id) {
        context.note("\(graph[id].label): its comparators decide what its sums are compared for")
      }
      layers.removeAll(where: deciding.contains)
    }
    let steps = try stepSizes(of: layers, in: graph, codes, context)
    var read: [ValueID: Float] = [:]
    return try graph.rewritten { candidate, new, _ in
      let node = candidate.node
      if let lsb = steps[candidate.id] {
        context.note("\(node.label): read in \(codes) of \(lsb)")
        let sums = try new.append1(node.op.read(by: codes.readout(lsb: lsb)), candidate.operands, origin: node.origin)
        read[sums] = lsb
        return [sums]
      }
      guard case .rescale = node.op, candidate.operands.contains(where: { read[$0] != nil }) else { return nil }
      return try new.append(node.op, scaled(candidate.operands, read, &new), origin: node.origin)
    }
  }
}

/// The binary layers that may get a readout: those without one, whose sums go to rescales with constant factors only, and whose codes the target
/// takes: others run on the host, which has no converters.
private func readableLayers(_ graph: Graph, _ target: Target?, _ note: (String) -> Void) -> [NodeID] {
  let ranges = ValueRange.all(in: graph, inputs: .unbounded)
  var isRescaledOnly = [Bool](repeating: true, count: graph.values.count)
  for output in graph.outputs { isRescaledOnly[Int(output.value.index)] = false }
  for node in graph.nodes {
    for (place, operand) in node.operands.enumerated() {
      if case .rescale = node.op, place % 2 == 0, place < node.operands.count - 1, graph.constant(node.operands[place + 1]) != nil {
        continue
      }
      isRescaledOnly[Int(operand.index)] = false
    }
  }
  return graph.nodeIDs.filter { id in
    let node = graph[id]
    guard let shape = TiledLayer(node, in: graph) else { return false }
    if shape.readout != .exact {
      note("\(node.label): has a readout already")
    } else if !isRescaledOnly[Int(node.results[0].index)] {
      note("\(node.label): read exactly, its sums are used by more than a rescale")
      return false
    } else if let target, !target.takes(ranges[Int(node.operands[0].index)]) {
      let range = ranges[Int(node.operands[0].index)]
      note(
        "\(node.label): read exactly by the host, its codes reach \(Int(range.lo))...\(Int(range.hi)), "
          + "'\(target.name)' takes \(target.codes.lowerBound)...\(target.codes.upperBound)")
      return false
    }
    return shape.readout == .exact
  }
}

/// The converter's codes: as options say, else the target's; nil where sums are read as they are.
private func readoutCodes(_ context: PassContext) throws -> ReadoutCodes? {
  let own = context.target?.converter
  guard let bits = context.options[int: "bits"] ?? own?.bits else { return nil }
  let whole = Readout.largestCode(bits: bits)
  guard let levels = context.options[int: "levels"] else {
    return ReadoutCodes(bits: bits, top: bits == own?.bits ? own?.top ?? whole : whole)
  }
  guard levels % 2 == 1, (levels - 1) / 2 <= whole, bits > 1 else {
    throw Diagnostic(.usage, "\(bits) bits do not hold \(levels) levels around 0", hint: "an odd number, at most \(2 * whole + 1)")
  }
  return ReadoutCodes(bits: bits, top: (levels - 1) / 2)
}

/// What one code of each layer's converter is worth.
private func stepSizes(of layers: [NodeID], in graph: Graph, _ codes: ReadoutCodes, _ context: PassContext) throws -> [NodeID: Float] {
  let isCalibrated = context.options[text: "scale"].map { $0 == "calibrated" } ?? context.target?.converter?.isCalibrated ?? false
  if isCalibrated { return try calibratedSteps(of: layers, in: graph, codes: codes, context) }
  guard let target = context.target else {
    throw Diagnostic(.usage, "the chip's full scale is not known without a target", hint: "name a target, or say readout{scale=calibrated}")
  }
  return Dictionary(
    uniqueKeysWithValues: layers.compactMap { id in
      TiledLayer(graph[id], in: graph).map { (id, Float(target.step(tile: $0.tile, codes))) }
    })
}

/// What one code is worth by calibration data; reports what that gains over the chip's full scale and the largest sum.
private func calibratedSteps(of layers: [NodeID], in graph: Graph, codes: ReadoutCodes, _ context: PassContext) throws -> [NodeID: Float] {
  let options = context.options
  let percentile = options[number: "percentile"] ?? 99.99
  guard percentile > 0 && percentile <= 100 else {
    throw Diagnostic(.usage, "a percentile of \(percentile) is not a share", hint: "more than 0, at most 100")
  }
  let range = options[text: "range"].flatMap(ReadoutRange.init) ?? (options[number: "percentile"] == nil ? .error : .percentile)
  let sums = try tileSums(of: layers, in: graph, context)
  var table = Table(
    "Readout of \(layers.count) binary sums (\(range.rawValue))", key: "readout",
    columns: ["layer", "lsb", "saturated %", "SQNR dB", "to the largest dB", "chip's full scale dB"],
    notes: [
      context.target?.isBitSerial == true
        ? "SQNR: sums of the inputs' bits over what reading them spoils, each by what its bit is worth, on calibration data"
        : "SQNR: tile sums over what reading them spoils, on calibration data"
    ])
  for layer in layers {
    guard let spectrum = sums[layer] else { continue }
    let step = spectrum.stepSize(range, percentile: percentile, codes: codes)
    let largest = spectrum.stepSize(.max, percentile: 100, codes: codes)
    let chip = context.target.flatMap { target in
      TiledLayer(graph[layer], in: graph).map { target.step(tile: $0.tile, codes) }
    }
    table.rows.append([
      .text(graph[layer].label), .number(step, digits: 3), .number(100 * spectrum.saturation(step: step, codes: codes), digits: 3),
      .number(spectrum.decibels(step: step, codes: codes), digits: 1), .number(spectrum.decibels(step: largest, codes: codes), digits: 1),
      chip.map { .number(spectrum.decibels(step: $0, codes: codes), digits: 1) } ?? .none,
    ])
  }
  context.report(table)
  return sums.mapValues { Float($0.stepSize(range, percentile: percentile, codes: codes)) }
}

/// A rescale's operands, with each factor multiplied by the lsb of the sums before it.
private func scaled(_ operands: [ValueID], _ read: [ValueID: Float], _ graph: inout Graph) -> [ValueID] {
  var result = operands
  for place in stride(from: 0, to: operands.count - 1, by: 2) {
    guard let lsb = read[operands[place]], let factors = graph.constant(operands[place + 1]) else { continue }
    let products = factors.floats.map { Float(Double($0) * Double(lsb)) }
    result[place + 1] = graph.addConstant(.vector(products), name: graph[operands[place + 1]].name)
  }
  return result
}

extension Target {
  /// Whether its inputs can have all codes of a range.
  fileprivate func takes(_ range: ValueRange) -> Bool { range.lo >= Float(codes.lowerBound) && range.hi <= Float(codes.upperBound) }

  /// The sum that one code stands for on the chip itself, in a layer of such tiles.
  fileprivate func step(tile: Int, _ codes: ReadoutCodes) -> Double {
    Double(converter?.meanInputs ?? tile) * (Double(largestCode) * (converter?.fullScale ?? 1)) / codes.largest
  }
}

extension Op {
  /// A binary layer with a readout behind its tiles; anything else as it is.
  fileprivate func read(by readout: Readout) -> Op {
    switch self {
    case .binaryConv(var a):
      a.readout = readout
      return .binaryConv(a)
    case .binaryDense(var a):
      a.readout = readout
      return .binaryDense(a)
    default: return self
    }
  }
}
