import GraphIR

extension OperatorTable {
  private static let common: [String: AttributeKind] = [
    "activation_alpha": .floats, "activation_beta": .floats, "activations": .strings, "clip": .float, "direction": .string,
    "hidden_size": .int, "layout": .int,
  ]

  /// Recurrent layers, written out step by step, and attention that keeps a state.
  static let recurrent: [OperatorEntry] = [
    OperatorEntry("RNN", 7...13, inputs: 3...6, outputs: 0...2, without("layout")) { try importRecurrent($0, .plain, &$1) },
    OperatorEntry("RNN", .since(14), inputs: 3...6, outputs: 0...2, common) { try importRecurrent($0, .plain, &$1) },
    OperatorEntry("GRU", 7...13, inputs: 3...6, outputs: 0...2, without("layout").merging(["linear_before_reset": .int]) { $1 }) {
      try importRecurrent($0, .gated, &$1)
    },
    OperatorEntry("GRU", .since(14), inputs: 3...6, outputs: 0...2, common.merging(["linear_before_reset": .int]) { $1 }) {
      try importRecurrent($0, .gated, &$1)
    },
    OperatorEntry("LSTM", 7...13, inputs: 3...8, outputs: 0...3, without("layout").merging(["input_forget": .int]) { $1 }) {
      try importRecurrent($0, .longShort, &$1)
    },
    OperatorEntry("LSTM", .since(14), inputs: 3...8, outputs: 0...3, common.merging(["input_forget": .int]) { $1 }) {
      try importRecurrent($0, .longShort, &$1)
    },
    OperatorEntry(
      "LinearAttention", .since(26), inputs: 3...6, outputs: 1...2,
      ["chunk_size": .int, "kv_num_heads": .int, "q_num_heads": .int, "scale": .float, "update_rule": .string], importLinearAttention),
  ]

  private static func without(_ name: String) -> [String: AttributeKind] { common.filter { $0.key != name } }

  /// More steps than this are not written out.
  static let stepLimit = 4096

  private static func importRecurrent(_ node: ImportedNode, _ kind: RecurrentCell.Kind, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let isBatchFirst = try node.attributes.flag("layout", default: false)
    func stepsFirst(_ id: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
      isBatchFirst ? try builder.transpose(id, [1, 0, 2]) : id
    }
    let x = try stepsFirst(node[0], &builder)
    guard builder.rank(x) == 3, builder.shape(x).elementCount != nil, builder.rank(try node[1]) == 3 else {
      throw Diagnostic(.badInput, "it takes [steps, batch, size], not \(builder.shape(x))")
    }
    let (steps, batch) = (builder.shape(x)[0], builder.shape(x)[1])
    guard steps <= stepLimit else { throw Diagnostic(.unsupported, "\(steps) steps; \(stepLimit) are written out at most") }
    let direction = node.attributes.string("direction", default: "forward")
    guard let backward = ["forward": [false], "reverse": [true], "bidirectional": [false, true]][direction] else {
      throw Diagnostic(.badInput, "attribute 'direction' is '\(direction)'")
    }
    guard builder.shape(try node[1])[0] == backward.count else {
      throw Diagnostic(.badInput, "weights \(builder.shape(try node[1])) for \(backward.count) directions")
    }
    var (sequences, lasts, cells) = ([ValueID](), [ValueID](), [ValueID]())
    for (place, isBackward) in backward.enumerated() {
      var cell = try RecurrentCell(node, kind, direction: place, batch: batch, isBatchFirst: isBatchFirst, like: x, &builder)
      var outputs: [ValueID] = []
      let lengths = try node.optional(4).map { try builder.reshape(builder.cast($0, to: .int64), [batch, 1]) }
      for step in 0..<steps {
        let time = isBackward ? steps - 1 - step : step
        let isLive = try lengths.map { try builder.binary(.greater, $0, Double(time)) }
        outputs.append(try cell.advance(by: try builder.pick(x, axis: 0, time), isLive: isLive, &builder))
      }
      if isBackward { outputs.reverse() }
      let size = builder.shape(cell.hidden)[1]
      let rows = try outputs.map { try builder.reshape($0, [1, 1, batch, size]) }
      sequences.append(rows.isEmpty ? try builder.zeros([0, 1, batch, size], like: x) : try builder.concat(rows, axis: 0))
      lasts.append(try builder.reshape(cell.hidden, [1, batch, size]))
      cells.append(try builder.reshape(cell.memory, [1, batch, size]))
    }
    let sequence = try builder.concat(sequences, axis: 1)
    let ends = try [lasts, cells].map { try stepsFirst(try builder.concat($0, axis: 0), &builder) }
    let all = isBatchFirst ? try builder.transpose(sequence, [2, 0, 1, 3]) : sequence
    return kind == .longShort ? [all] + ends : [all, ends[0]]
  }

  private static func importLinearAttention(_ node: ImportedNode, _ builder: inout GraphBuilder) throws -> [ValueID] {
    let heads = (query: node.attributes.int("q_num_heads", default: 0), key: node.attributes.int("kv_num_heads", default: 0))
    let rule = node.attributes.string("update_rule", default: "gated_delta")
    guard ["linear", "gated", "delta", "gated_delta"].contains(rule) else {
      throw Diagnostic(.badInput, "attribute 'update_rule' is '\(rule)'")
    }
    let (isGated, corrects) = (rule.hasPrefix("gated"), rule.hasSuffix("delta"))
    let type = builder.element(try node[0])
    func wide(_ place: Int, _ count: Int, _ builder: inout GraphBuilder) throws -> ValueID {
      try builder.cast(builder.headed(node[place], count), to: .float32)
    }
    let (query, key, value) = (try wide(0, heads.query, &builder), try wide(1, heads.key, &builder), try wide(2, heads.key, &builder))
    let shape = builder.shape(key)
    let (batch, steps, size, width) = (shape[0], shape[2], shape[3], builder.shape(value)[3])
    guard heads.query % heads.key == 0, builder.shape(query)[3] == size, steps <= stepLimit, shape.elementCount != nil,
      isGated == (node.optional(4) != nil), corrects == (node.optional(5) != nil)
    else { throw Diagnostic(.badInput, "queries \(builder.shape(query)), keys \(shape) and the rule '\(rule)' do not fit together") }
    let decay = isGated ? try wide(4, heads.key, &builder) : nil
    let beta = corrects ? try wide(5, builder.shape(try node[5])[2], &builder) : nil
    var state =
      try node.optional(3).map { try builder.cast($0, to: .float32) } ?? builder.zeros([batch, heads.key, size, width], like: key)
    let given = Double(node.attributes.float("scale", default: 0))
    let scale = given == 0 ? 1 / Double(size).squareRoot() : given
    var outputs: [ValueID] = []
    for step in 0..<steps {
      func row(_ x: ValueID) throws -> ValueID { try builder.slice(x, axis: 2, from: step, count: 1) }
      let column = try builder.transpose(row(key), [0, 1, 3, 2])
      if let decay { state = try builder.binary(.mul, state, builder.transpose(builder.unary(.exp, row(decay)), [0, 1, 3, 2])) }
      var update = try row(value)
      if let beta { update = try builder.binary(.mul, row(beta), builder.binary(.sub, update, builder.matmul(row(key), state))) }
      state = try builder.binary(.add, state, builder.binary(.mul, column, update))
      let read = try builder.repeatedEach(state, axis: 1, heads.query / heads.key)
      outputs.append(try builder.binary(.mul, builder.matmul(row(query), read), scale))
    }
    guard !outputs.isEmpty else { throw Diagnostic(.unsupported, "no steps") }
    let result = try builder.unheaded(try builder.concat(outputs, axis: 2))
    return [try builder.cast(result, to: type), try builder.cast(state, to: node.optional(3).map { builder.element($0) } ?? type)]
  }
}
