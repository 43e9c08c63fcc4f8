import Calibration
import GraphIR
import PluginAPI

/// Which layer is made binary how, and what came of it.
struct LayerPlan {
  /// The number of each layer.
  let numbers: [NodeID: Int]
  let isCalibrated: Bool
  private let options: BinarizeOptions
  private let codes: CodeSettings
  private let context: PassContext
  private var replay: Replay
  /// Inputs of layers that have been given codes, by value of the graph being built.
  private var coded: [ValueID: Coded] = [:]
  private var table = BinarizeReport()

  private struct Coded {
    var numbers: ValueID
    var choice: CodeChoice
    var source: String
  }

  init(_ graph: Graph, _ layers: [NodeID], _ options: BinarizeOptions, _ context: PassContext) throws {
    numbers = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($0.element, $0.offset) })
    self.options = options
    self.context = context
    codes = try CodeSettings(context)
    isCalibrated = options.method?.needsData ?? false
    replay = Replay(graph, context, byteLimit: isCalibrated ? 768 << 20 : 0)
  }

  /// The bases of a layer by its weights alone, and a word to the user about them; nil when the layer is left as it is.
  func solution(of layer: Layer, _ squares: LeastSquares? = nil) -> LayerSolution? {
    if let exact = Binarizer.twoValued(layer.weights) {
      context.note("\(layer.name): exact, the weights have two values in each filter")
      return LayerSolution(bases: exact, bias: nil)
    }
    if let reason = reasonToKeep(layer) {
      context.note("\(layer.name): kept in float (\(reason))")
      return nil
    }
    let bases = options.choice(layer: layer.number, of: numbers.count).bases
    guard let wanted = options.method ?? (bases > 0 ? .sign : nil) else { return nil }
    let method = LayerPlan.method(wanted, squares)
    let solution = method.solve(
      LayerProblem(weights: layer.weights, bases: bases, squares: squares, seed: options.seed &* 1009 &+ UInt64(layer.number)))
    let how = bases == 1 ? method.name : "\(method.name), \(bases) bases"
    if !isCalibrated {
      context.note("\(layer.name): \(how), weights off by \(percent(relativeError(of: solution.bases, from: layer.weights)))")
    }
    return solution
  }

  /// The method that was asked for; where it needs squares and there are none, one that looks at the weights alone.
  private static func method(_ wanted: Binarizer, _ squares: LeastSquares?) -> Binarizer {
    wanted.needsData && squares == nil ? .alternating : wanted
  }

  private func reasonToKeep(_ layer: Layer) -> String? {
    let choice = options.choice(layer: layer.number, of: numbers.count)
    if choice.bases == 0 { return choice.reason }
    if case .conv(let a) = layer.candidate.node.op, a.groups != 1 { return "\(a.groups) groups" }
    if layer.weights.count == 0 || !layer.weights.floats.allSatisfy(\.isFinite) { return "the weights are not finite" }
    return nil
  }

  /// One layer by what the networks do on calibration data: its results in the new graph; nil when it stays as it is.
  mutating func calibrated(_ layer: Layer, _ new: inout Graph, _ old: Graph) throws -> [ValueID]? {
    let node = layer.candidate.node
    let isExact = Binarizer.twoValued(layer.weights) != nil
    if !isExact, reasonToKeep(layer) != nil {
      let isFitted = options.refitsLast && layer.number == numbers.count - 1 && !table.rows.isEmpty
      let isTooWide = layer.inputs > LeastSquares.mostToSolve
      if isFitted && isTooWide {
        context.note("\(layer.name): not fitted to the layers before it, \(layer.inputs) inputs are too many to solve for")
      }
      guard isFitted, !isTooWide, let windows = InputWindows(node, in: old), let biases = try plainBiases(node, old),
        layer.weights.floats.allSatisfy(\.isFinite)
      else {
        _ = solution(of: layer)
        return nil
      }
      return try refitted(layer, windows, biases, &new, old)
    }
    guard let windows = InputWindows(node, in: old), let biases = try plainBiases(node, old) else {
      context.note("\(layer.name): kept in float (its bias is computed, or it works in groups)")
      return nil
    }
    let input = try replay.pair(node.operands[0], layer.candidate.operands[0], in: new)
    let coded = try code(layer, input, &new)
    let targets = try plainOutputs(layer, biases, old)
    let codeTensors = input.builtTensors.map { $0.coded(coded.choice) }
    let isTooWide = !isExact && layer.inputs > LeastSquares.mostInputs
    if isTooWide { context.note("\(layer.name): by its weights alone, \(layer.inputs) inputs are too many to fit to calibration data") }
    let squares =
      isExact || isTooWide
      ? nil
      : LeastSquares(
        sums(codeTensors, targets, windows, layer), unit: Double(coded.choice.scale), weights: layer.weights,
        ridge: options.ridge)
    guard let solution = solution(of: layer, squares) else { return nil }
    var operands = [coded.numbers]
    operands.append(try addWeights(solution.bases, inPlaceOf: layer.candidate.operands[1], origin: node.origin, &new))
    if let bias = solution.bias {
      operands.append(new.addConstant(.vector(bias)))
    } else {
      operands += layer.candidate.operands.dropFirst(2)
    }
    let results = try new.append(node.op, operands, origin: node.origin)
    let outputs = try keepOutputs(layer, targets, results[0], new)
    let method = isExact ? "exact" : options.method.map { LayerPlan.method($0, squares).name }
    table.add(layer, solution, method ?? "", coded.choice, input.builtTensors, codeTensors, outputs)
    if !isExact { context.note("\(layer.name): \(table.summary)\(coded.source)") }
    return results
  }

  /// A last layer that is kept, its weights and bias of least squared error on what it is given now.
  private mutating func refitted(_ layer: Layer, _ windows: InputWindows, _ biases: [Tensor], _ new: inout Graph, _ old: Graph) throws
    -> [ValueID]?
  {
    let node = layer.candidate.node
    let input = try replay.pair(node.operands[0], layer.candidate.operands[0], in: new)
    let targets = try plainOutputs(layer, biases, old)
    let squares = LeastSquares(
      sums(input.builtTensors, targets, windows, layer), unit: 1, weights: layer.weights, ridge: 10 * options.ridge)
    guard let factor = squares.factor() else { return nil }
    let filters = (0..<squares.filters).map { squares.best(filter: $0, factor: factor) }
    let weights = new.addConstant(Tensor(.float32, layer.weights.shape, filters.flatMap { $0.map(Float.init) }))
    let bias = new.addConstant(.vector(filters.indices.map { filter in squares.bias(filter: filter) { filters[filter][$0] } }))
    context.note("\(layer.name): kept in float, fitted to the layers before it")
    return try new.append(node.op, [layer.candidate.operands[0], weights, bias], origin: node.origin)
  }

  /// Whether nothing is left to find for a layer: weights of two values, and codes that are not whole multiples of a step.
  func isSettled(_ layer: Layer, in new: Graph) -> Bool {
    let input = layer.candidate.operands[0]
    return new.codes(behind: input) != nil && ownCodes(of: input, in: new) == nil && Binarizer.twoValued(layer.weights) != nil
  }

  /// The codes in front of a layer; those that it has are kept, unless data shows some that are beyond the largest.
  private mutating func code(_ layer: Layer, _ input: Replay.Pair, _ new: inout Graph) throws -> Coded {
    let value = layer.candidate.operands[0]
    if let there = coded[value] { return there }
    let own = ownCodes(of: value, in: new)
    let largest = Float(codes.largest) + 0.5
    if let own, input.builtTensors.allSatisfy({ $0.floats.allSatisfy { $0.magnitude < largest * own.choice.scale } }) { return own }
    let known = try KnownRange.one(of: value, hasCodes: own != nil, label: layer.name, in: new, codes) {
      var seen = Observation()
      for tensor in input.builtTensors { seen.add(tensor) }
      return seen
    }
    let choice = CodeChoice(for: known, codes)
    let (_, numbers) = try choice.add(for: value, origin: layer.candidate.node.origin, to: &new)
    let made = Coded(
      numbers: numbers, choice: choice,
      source: "; codes \(choice.codes.lo)...\(choice.codes.hi) of \(choice.scale), \(known.source)")
    coded[value] = made
    return made
  }

  /// Codes that the network makes itself; nil where 0 has another code than 0, or scales differ by channel.
  private func ownCodes(of value: ValueID, in new: Graph) -> Coded? {
    guard let codes = new.codes(behind: value), let quantizer = new.quantizer(of: codes), case .quantize(let a) = new[quantizer].op,
      let operands = new.definition(of: value)?.operands, let scale = new.constant(operands[1])?.floats, scale.count == 1,
      scale[0] > 0 && scale[0].isFinite,
      operands.count < 3 || new.constant(operands[2])?.integers?.allSatisfy({ $0 == 0 }) == true
    else { return nil }
    return Coded(numbers: value, choice: CodeChoice(codes: a, scale: scale[0]), source: "; codes of its own, of \(scale[0])")
  }

  /// What the original layer computes in the original network, before its activation.
  private mutating func plainOutputs(_ layer: Layer, _ biases: [Tensor], _ old: Graph) throws -> [Tensor] {
    let node = layer.candidate.node
    var part = Graph(name: old.name)
    let x = part.addInput("x", old.type(of: node.operands[0]))
    let rest = ([layer.weights] + biases).map { part.addConstant($0) }
    let y = try part.append1(node.op.withoutActivation.op, [x] + rest, origin: node.origin)
    part.addOutput("y", y)
    return try replay.originals(of: node.operands[0]).map { try context.evaluate(part, [$0], [y])[0] }
  }

  /// The bias in a list, which is empty where a layer has none; nil where it is computed.
  private func plainBiases(_ node: Node, _ old: Graph) throws -> [Tensor]? {
    let biases = try node.operands.dropFirst(2).compactMap { try plainNumbers($0, in: old) }
    return biases.count == node.operands.count - 2 ? biases : nil
  }

  /// Runs the new layer, and keeps both networks' results for what follows. Returns both, after the activation.
  private mutating func keepOutputs(_ layer: Layer, _ plain: [Tensor], _ built: ValueID, _ new: Graph) throws -> Replay.Pair {
    let activation = layer.candidate.node.op.withoutActivation.activation
    let original = plain.map { tensor in
      var result = tensor
      result.withMutableElements(Float.self) { for index in $0.indices { $0[index] = activation($0[index]) } }
      return result
    }
    let pair = Replay.Pair(built: built, originalTensors: original, builtTensors: try replay.builts(of: built, in: new))
    replay.keep(layer.candidate.node.results[0], pair)
    replay.forget(after: layer.candidate.id)
    return pair
  }

  private func sums(_ inputs: [Tensor], _ targets: [Tensor], _ windows: InputWindows, _ layer: Layer) -> RawSums {
    var sums = RawSums(inputs: layer.inputs, filters: layer.weights.shape[0])
    let available = inputs.reduce(0) { $0 + $1.shape[0] } * windows.offsets.count
    let share = Double(RawSums.rowLimit(inputs: layer.inputs, available: available)) / Double(max(1, available))
    for (x, y) in zip(inputs, targets) { sums.add(x, y, windows, share: share) }
    return sums
  }

  /// Hands on the report, when there is one.
  func tell() { if !table.rows.isEmpty { table.tables.forEach(context.report) } }
}

extension Tensor {
  /// The codes of f32 numbers, as `quantize` makes them.
  fileprivate func coded(_ choice: CodeChoice) -> Tensor {
    let (lo, hi, scale) = (Float(choice.codes.lo), Float(choice.codes.hi), choice.scale)
    func code(_ number: Float) -> Float {
      let code = (number / scale).rounded(.toNearestOrEven)
      return code.isNaN ? 0 : min(max(code, lo), hi)
    }
    return withElements(Float.self) { numbers in
      choice.codes.to == .int8
        ? Tensor(.int8, shape, numbers.map { Int8(code($0)) }) : Tensor(.uint8, shape, numbers.map { UInt8(code($0)) })
    }
  }
}

/// A share, such as `43.2 %`.
func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
