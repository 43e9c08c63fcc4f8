import GraphIR

extension OperatorTable {
  /// Losses of classification: a log-probability is gathered by each label, weighted, and reduced.
  static let losses: [OperatorEntry] = [
    OperatorEntry("NegativeLogLikelihoodLoss", .since(12), inputs: 2...3, ["ignore_index": .int, "reduction": .string]) { node, builder in
      [try likelihoodLoss(node, of: node[0], &builder)]
    },
    OperatorEntry(
      "SoftmaxCrossEntropyLoss", .since(12), inputs: 2...3, outputs: 1...2, ["ignore_index": .int, "reduction": .string]
    ) { node, builder in
      let logarithms = try builder.logSoftmax(node[0], axis: 1)
      return [try likelihoodLoss(node, of: logarithms, &builder), logarithms]
    },
  ]

  /// - Parameter logarithms: `[N, C, d…]`; labels are `[N, d…]`, weights `[C]`.
  private static func likelihoodLoss(_ node: ImportedNode, of logarithms: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
    let (shape, labels) = (builder.shape(logarithms).dimensions, builder.shape(try node[1]).dimensions)
    guard shape.count >= 2, labels == [shape[0]] + shape[2...] else {
      throw Diagnostic(.badInput, "labels \(Shape(labels)) do not fit \(Shape(shape))")
    }
    var classes = try builder.cast(node[1], to: .int64)
    var isIgnored: ValueID?
    if node.attributes.values["ignore_index"] != nil {
      let ignored = try builder.binary(.equal, classes, Double(node.attributes.int("ignore_index", default: 0)))
      // Any class will do: its loss counts nothing.
      classes = try builder.select(ignored, try builder.scalar(0, like: classes), classes)
      isIgnored = ignored
    }
    let picked = try builder.gatherElements(logarithms, builder.reshape(classes, [shape[0], 1] + shape[2...]), axis: 1)
    var loss = try builder.unary(.neg, builder.reshape(picked, labels))
    var weights: ValueID?
    if let given = node.optional(2) {
      guard builder.shape(given) == [shape[1]] else {
        throw Diagnostic(.badInput, "weights \(builder.shape(given)) for \(shape[1]) classes")
      }
      weights = try builder.gather(given, classes, axis: 0)
    }
    if let isIgnored {
      let counted = try weights ?? builder.scalar(1, like: loss)
      weights = try builder.select(isIgnored, try builder.scalar(0, like: loss), counted)
    }
    if let weights { loss = try builder.binary(.mul, loss, weights) }
    let axes = Array(labels.indices)
    switch node.attributes.string("reduction", default: "mean") {
    case "none": return loss
    case "sum": return try builder.reduce(loss, .sum, axes, keepAxes: false)
    case "mean":
      guard let weights else { return try builder.reduce(loss, .mean, axes, keepAxes: false) }
      let sum = try builder.reduce(loss, .sum, axes, keepAxes: false)
      return try builder.binary(.div, sum, builder.reduce(weights, .sum, axes, keepAxes: false))
    case let word: throw Diagnostic(.badInput, "attribute 'reduction' is '\(word)'", hint: "none, sum or mean")
    }
  }
}

extension GraphBuilder {
  /// The logarithm of softmax along an axis, without forming the quotient.
  mutating func logSoftmax(_ x: ValueID, axis: Int) throws -> ValueID {
    let shifted = try binary(.sub, x, try reduce(x, .max, [axis], keepAxes: true))
    let sum = try reduce(try unary(.exp, shifted), .sum, [axis], keepAxes: true)
    return try binary(.sub, shifted, try unary(.log, sum))
  }
}
