import GraphIR

/// Nodes with bodies: a branch that is known, a loop whose steps are.
extension ModelImporter {
  /// Imports a body for values of its inputs. What it computes is kept under its own names until it is imported again.
  private mutating func results(of body: SourceBody, _ inputs: [ValueID]) throws -> [ValueID] {
    guard inputs.count == body.inputs.count else {
      throw Diagnostic(.badInput, "the body takes \(body.inputs.count) inputs, not \(inputs.count)")
    }
    for (name, value) in zip(body.inputs, inputs) { values[name] = value }
    for (name, tensor, element) in body.initializers {
      let value = builder.constant(tensor)
      builder.setCodeType(element, of: value)
      values[name] = value
    }
    for node in body.nodes {
      if let fault = node.needs.compactMap({ withheld[$0] }).first { throw fault }
      let entry = try table.entry(for: node)
      try Diagnostics.throwIfAny(entry.faults(in: node))
      try importNode(node, entry)
    }
    return try body.outputs.map { name in
      if let value = values[name] { return value }
      if sequences[name] != nil { throw Diagnostic(.unsupported, "the body's output '\(name)' is a sequence") }
      throw withheld[name] ?? Diagnostic(.badInput, "the body's output '\(name)' is not computed")
    }
  }

  /// The branch of an If whose condition is known.
  mutating func chosenBranch(_ node: ImportedNode) throws -> [ValueID] {
    let condition = try builder.number(node[0], "the condition")
    let name = condition != 0 ? "then_branch" : "else_branch"
    guard let body = node.source.bodies[name] else { throw Diagnostic(.badInput, "attribute '\(name)' is missing") }
    return try results(of: body, [])
  }

  /// A Scan, step by step.
  mutating func unrolledScan(_ node: ImportedNode) throws -> [ValueID] {
    guard let body = node.source.bodies["body"] else { throw Diagnostic(.badInput, "attribute 'body' is missing") }
    let operands = try node.all
    let scanned = node.attributes.int("num_scan_inputs", default: 0)
    let states = operands.count - scanned
    let collected = body.outputs.count - states
    guard scanned >= 1, states >= 0, collected >= 0 else {
      throw Diagnostic(.badInput, "\(scanned) of \(operands.count) inputs are scanned")
    }
    func setting(_ name: String, _ count: Int) throws -> [Int] {
      let values = node.attributes.ints(name) ?? Array(repeating: 0, count: count)
      guard values.count == count else { throw Diagnostic(.badInput, "attribute '\(name)' has \(values.count) entries, not \(count)") }
      return values
    }
    let axes = try zip(setting("scan_input_axes", scanned), operands.dropFirst(states)).map {
      try normalizedAxis($0, rank: builder.rank($1))
    }
    let (directions, backward) = try (setting("scan_input_directions", scanned), setting("scan_output_directions", collected))
    let outputAxes = try setting("scan_output_axes", collected)
    let extents = Set(zip(axes, operands.dropFirst(states)).map { builder.shape($1)[$0] })
    guard extents.count == 1, let steps = extents.first, (1...OperatorTable.stepLimit).contains(steps) else {
      throw Diagnostic(.unsupported, "a scan over axes of \(extents.sorted()); 1 to \(OperatorTable.stepLimit) steps are written out")
    }
    var state = Array(operands[..<states])
    var outputs = Array(repeating: [ValueID](), count: collected)
    for step in 0..<steps {
      var inputs = state
      for (place, operand) in operands.dropFirst(states).enumerated() {
        inputs.append(try builder.pick(operand, axis: axes[place], directions[place] == 0 ? step : steps - 1 - step))
      }
      let results = try results(of: body, inputs)
      state = Array(results[..<states])
      for place in 0..<collected { outputs[place].append(results[states + place]) }
    }
    let joined = try outputs.enumerated().map { place, parts -> ValueID in
      let axis = try normalizedAxis(outputAxes[place], rank: builder.rank(parts[0]) + 1)
      let rows = try (backward[place] == 0 ? parts : parts.reversed()).map { try builder.withNewAxis($0, at: axis) }
      return try builder.concat(rows, axis: axis)
    }
    return state + joined
  }

  /// A Loop, step by step, as long as its condition is known.
  mutating func unrolledLoop(_ node: ImportedNode) throws -> [ValueID] {
    guard let body = node.source.bodies["body"] else { throw Diagnostic(.badInput, "attribute 'body' is missing") }
    var state = try node.operands.indices.dropFirst(2).map { try node[$0] }
    let collected = body.outputs.count - 1 - state.count
    guard collected >= 0 else { throw Diagnostic(.badInput, "the body has \(body.outputs.count) outputs for \(state.count) states") }
    let limit = try node.optional(0).map { try builder.number($0, "the number of steps") } ?? .infinity
    var goesOn = try node.optional(1).map { try builder.number($0, "the condition") != 0 } ?? true
    var outputs = Array(repeating: [ValueID](), count: collected)
    var step = 0
    while goesOn, Double(step) < limit {
      guard step < OperatorTable.stepLimit else {
        throw Diagnostic(.unsupported, "more than \(OperatorTable.stepLimit) steps, which are all that are written out")
      }
      let condition = builder.constant(.integers(.bool, [], [1]))
      let results = try results(of: body, [builder.constant(.integers(.int64, [], [step])), condition] + state)
      goesOn = try builder.number(results[0], "the condition") != 0
      state = Array(results[1..<1 + state.count])
      for place in 0..<collected { outputs[place].append(results[1 + state.count + place]) }
      step += 1
    }
    let joined = try outputs.map { parts -> ValueID in
      guard !parts.isEmpty else { throw Diagnostic(.unsupported, "a loop of no steps has no shape for what it collects") }
      return try builder.concat(try parts.map { try builder.withNewAxis($0, at: 0) }, axis: 0)
    }
    return state + joined
  }
}
