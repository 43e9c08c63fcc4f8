import GraphIR

/// The cases that every backend must pass.
public enum ConformanceSuite {
  /// All of them, always the same: one family after the other, each graph with a free batch and then with that batch bound.
  public static let cases: [ConformanceCase] = families.flatMap { family in
    family.blueprints.flatMap { $0.cases(family: family.name) }
  }

  private static let families: [(name: String, blueprints: [Blueprint])] = [
    ("unary", elementwiseUnary), ("binary", elementwiseBinary), ("cast", casts), ("conv", convolutions), ("dense", denseLayers),
    ("matmul", matrixProducts), ("pool", pools), ("reduce", reductions), ("search", searches), ("movement", movements),
    ("quantize", quantizations),
    ("binary_conv", binaryConvolutions), ("binary_dense", binaryDenseLayers), ("rescale", rescales), ("network", networks),
  ]
}

/// A case to be: its name within the family, and how its graph is built.
struct Blueprint: Sendable {
  let name: String
  let batch: Int
  let build: @Sendable (inout CaseBuilder) throws -> Void

  init(_ name: String, batch: Int = 3, build: @escaping @Sendable (inout CaseBuilder) throws -> Void) {
    self.name = name
    self.batch = batch
    self.build = build
  }

  /// The case with a free batch, and with the batch bound where there was one.
  func cases(family: String) -> [ConformanceCase] {
    let fullName = "\(family)/\(name)"
    do {
      var builder = CaseBuilder(fullName, batch: batch)
      try build(&builder)
      let free = ConformanceCase(name: fullName, graph: builder.graph, inputs: builder.inputs)
      guard let batch = free.batch else { return [free] }
      return [free, ConformanceCase(name: "\(fullName)/bound", graph: try builder.graph.bound(batch: batch), inputs: builder.inputs)]
    } catch { fatalError("the case '\(fullName)' does not build: \(error)") }
  }
}
