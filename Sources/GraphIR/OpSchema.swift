/// One row for each op name of the text form: what it takes, what it is, how to build it.
public struct OpSchema: Sendable {
  /// The name in the text form.
  public let name: String
  /// How many operands it takes.
  public let operands: ClosedRange<Int>
  /// One line for lists.
  public let summary: String
  /// The names of its attributes.
  public let attributeNames: [String]
  /// The op with these attributes.
  public let make: @Sendable ([(name: String, value: AttributeValue)]) throws -> Op

  private static func row<A: Attributes>(
    _ name: String, _ operands: ClosedRange<Int>, _ summary: String, _ build: @escaping @Sendable (A) -> Op
  ) -> OpSchema {
    OpSchema(name: name, operands: operands, summary: summary, attributeNames: A.fields.map(\.name)) { build(try A($0)) }
  }

  private static func plain(_ name: String, _ operands: ClosedRange<Int>, _ summary: String, _ op: Op) -> OpSchema {
    row(name, operands, summary) { (_: NoAttributes) in op }
  }

  /// All ops, in the order of `Op`.
  public static let all: [OpSchema] =
    UnaryKind.allCases.map { plain($0.rawValue, 1...1, "element-wise \($0.rawValue)", .unary($0)) }
    + BinaryKind.allCases.map { plain($0.rawValue, 2...2, "element-wise \($0.rawValue), broadcasting", .binary($0)) }
    + [
      plain("select", 3...3, "condition ? then : else, broadcasting", .select),
      row("clip", 1...1, "bounds on every element", Op.clip),
      row("cast", 1...1, "another element type", Op.cast),
      row("conv", 2...3, "convolution: x, weights, bias", Op.conv),
      row("dense", 2...3, "dense layer: x, weights, bias", Op.dense),
      plain("matmul", 2...2, "matrix product, broadcasting outer axes", .matmul),
      row("pool", 1...1, "maximum or average over windows", Op.pool),
      row("reduce", 1...1, "sum, mean, maximum, minimum or product along axes", Op.reduce),
      row("softmax", 1...1, "exp(x - max) over its sum, along an axis", Op.softmax),
      row("cumulate", 1...1, "running sums or products along an axis", Op.cumulate),
      row("top_k", 1...1, "places of the greatest or least elements along an axis", Op.topK),
      row("reshape", 1...1, "the same elements in another shape", Op.reshape),
      row("transpose", 1...1, "a permutation of axes", Op.transpose),
      row("expand", 1...1, "broadcast to a shape", Op.expand),
      row("concat", 1...65536, "operands joined along an axis", Op.concat),
      row("slice", 1...1, "a strided part", Op.slice),
      row("pad", 1...1, "padding or cropping of every axis", Op.pad),
      row("gather", 2...2, "rows of data chosen by indices, along an axis", Op.gather),
      row("scatter", 3...3, "rows replaced by, or joined with, updates: data, indices, updates", Op.scatter),
      row("quantize", 2...3, "numbers to codes: x, scale, zero", Op.quantize),
      row("dequantize", 2...3, "codes to numbers: q, scale, zero", Op.dequantize),
      row("binary_conv", 2...3, "convolution of codes with ±1 weights, by tiles: codes, weights, order", Op.binaryConv),
      row("binary_dense", 2...3, "dense layer of codes with ±1 weights, by tiles: codes, weights, order", Op.binaryDense),
      row("rescale", 3...65537, "tile sums to numbers: P0, m0, P1, m1, …, c", Op.rescale),
      row("custom", 0...65536, "an op of a foreign plug-in", Op.custom),
    ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The row for a name.
  public static func named(_ name: String) -> OpSchema? { byName[name] }
}

extension Op {
  /// The name in the text form.
  public var name: String {
    switch self {
    case .unary(let kind): kind.rawValue
    case .binary(let kind): kind.rawValue
    case .select: "select"
    case .clip: "clip"
    case .cast: "cast"
    case .conv: "conv"
    case .dense: "dense"
    case .matmul: "matmul"
    case .pool: "pool"
    case .reduce: "reduce"
    case .softmax: "softmax"
    case .cumulate: "cumulate"
    case .topK: "top_k"
    case .reshape: "reshape"
    case .transpose: "transpose"
    case .expand: "expand"
    case .concat: "concat"
    case .slice: "slice"
    case .pad: "pad"
    case .gather: "gather"
    case .scatter: "scatter"
    case .quantize: "quantize"
    case .dequantize: "dequantize"
    case .binaryConv: "binary_conv"
    case .binaryDense: "binary_dense"
    case .rescale: "rescale"
    case .custom: "custom"
    }
  }

  /// The row that describes this op.
  public var schema: OpSchema {
    guard let schema = OpSchema.named(name) else { preconditionFailure("op '\(name)' has no row in OpSchema.all") }
    return schema
  }

  /// The attributes that differ from their defaults.
  public var attributes: [(name: String, value: AttributeValue)] {
    switch self {
    case .unary, .binary, .select, .matmul: []
    case .clip(let a): a.nonDefault
    case .cast(let a): a.nonDefault
    case .conv(let a): a.nonDefault
    case .dense(let a): a.nonDefault
    case .pool(let a): a.nonDefault
    case .reduce(let a): a.nonDefault
    case .softmax(let a), .concat(let a), .gather(let a), .dequantize(let a): a.nonDefault
    case .cumulate(let a): a.nonDefault
    case .topK(let a): a.nonDefault
    case .scatter(let a): a.nonDefault
    case .reshape(let a), .expand(let a): a.nonDefault
    case .transpose(let a): a.nonDefault
    case .slice(let a): a.nonDefault
    case .pad(let a): a.nonDefault
    case .quantize(let a): a.nonDefault
    case .binaryConv(let a): a.nonDefault
    case .binaryDense(let a): a.nonDefault
    case .rescale(let a): a.nonDefault
    case .custom(let a): a.nonDefault
    }
  }
}
