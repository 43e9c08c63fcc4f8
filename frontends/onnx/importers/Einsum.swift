import GraphIR

extension OperatorTable {
  /// Sums of products along named axes: transposes, matrix products and reductions.
  static let einsum: [OperatorEntry] = [
    OperatorEntry("Einsum", .since(12), inputs: 1...OperatorEntry.many, ["equation": .string]) { node, builder in
      let text = node.attributes.string("equation", default: "")
      let equation = try Equation(text, ranks: try node.all.map(builder.rank))
      var terms = try zip(try node.all, equation.operands).map { try builder.withoutRepeats($0, $1) }
      while terms.count > 1 {
        let (a, b) = (terms.removeFirst(), terms.removeFirst())
        let needed = Set(equation.result + terms.flatMap(\.labels))
        terms.insert(try builder.contracted(a, b, keeping: needed), at: 0)
      }
      let only = try builder.summed(terms[0], keeping: Set(equation.result))
      guard only.labels.count == equation.result.count else {
        throw Diagnostic(.badInput, "the result of '\(text)' has an axis of its own")
      }
      let order = equation.result.compactMap { only.labels.firstIndex(of: $0) }
      return [try builder.transpose(only.value, order)]
    }
  ]
}

/// A value whose axes have names.
private struct LabelledTerm {
  var value: ValueID
  var labels: [String]
}

/// An equation, with the axes that `...` stands for named by their place from the right.
private struct Equation {
  private(set) var operands: [[String]] = []
  private(set) var result: [String] = []

  init(_ text: String, ranks: [Int]) throws {
    let plain = text.filter { $0 != " " }
    let sides = plain.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let left = sides.count == 2 ? String(sides[0].dropLast()) : sides[0]
    let parts = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == ranks.count, sides.count == 1 || sides[0].hasSuffix("-") else {
      throw Diagnostic(.badInput, "equation '\(text)' does not fit \(ranks.count) operands")
    }
    for (part, rank) in zip(parts, ranks) {
      let letters = part.filter { $0 != "." }.count
      operands.append(try Equation.labels(part, others: rank - letters))
      guard operands.last?.count == rank else { throw Diagnostic(.badInput, "'\(part)' names not \(rank) axes") }
    }
    let widest = operands.joined().filter { $0.hasPrefix(".") }.compactMap { Int($0.dropFirst()) }.max() ?? 0
    if sides.count == 2 {
      result = try Equation.labels(sides[1], others: widest)
    } else {
      let all = operands.flatMap { $0 }
      result = (1...widest + 1).dropLast().reversed().map { ".\($0)" }
      result += Set(all).filter { label in !label.hasPrefix(".") && all.count { $0 == label } == 1 }.sorted()
    }
    let known = Set(operands.joined())
    guard Set(result).count == result.count, result.allSatisfy(known.contains) else {
      throw Diagnostic(.badInput, "the result of '\(text)' has an axis twice, or one that no operand has")
    }
  }

  private static func labels(_ part: String, others: Int) throws -> [String] {
    guard let dots = part.range(ofDots: 3) else {
      guard part.allSatisfy(\.isLetter) else { throw Diagnostic(.badInput, "'\(part)' is not a list of axes") }
      return part.map(String.init)
    }
    let (before, after) = (part[..<dots.lowerBound], part[dots.upperBound...])
    guard (before + after).allSatisfy(\.isLetter), others >= 0 else { throw Diagnostic(.badInput, "'\(part)' is not a list of axes") }
    return before.map(String.init) + (0..<others).map { ".\(others - $0)" } + after.map(String.init)
  }
}

extension String {
  /// The first run of so many dots.
  fileprivate func range(ofDots count: Int) -> Range<String.Index>? {
    guard let start = firstIndex(of: ".") else { return nil }
    guard let end = index(start, offsetBy: count, limitedBy: endIndex), self[start..<end].allSatisfy({ $0 == "." }) else { return nil }
    return start..<end
  }
}

extension GraphBuilder {
  /// The diagonal along axes of one name.
  fileprivate mutating func withoutRepeats(_ id: ValueID, _ labels: [String]) throws -> LabelledTerm {
    var term = LabelledTerm(value: id, labels: labels)
    while let second = term.labels.indices.first(where: { term.labels[..<$0].contains(term.labels[$0]) }),
      let first = term.labels.firstIndex(of: term.labels[second])
    {
      let others = term.labels.indices.filter { $0 != first && $0 != second }
      let shape = shape(term.value).dimensions
      guard shape[first] == shape[second] else { throw Diagnostic(.badInput, "axis '\(term.labels[first])' has two extents") }
      let moved = try transpose(term.value, [first, second] + others)
      let flat = try reshape(moved, [shape[first] * shape[first]] + others.map { shape[$0] })
      let places = list([shape[first]], (0..<shape[first]).map { $0 * (shape[first] + 1) })
      term = LabelledTerm(value: try gather(flat, places, axis: 0), labels: [term.labels[first]] + others.map { term.labels[$0] })
    }
    return term
  }

  fileprivate mutating func summed(_ term: LabelledTerm, keeping needed: Set<String>) throws -> LabelledTerm {
    let axes = term.labels.indices.filter { !needed.contains(term.labels[$0]) }
    return LabelledTerm(value: try reduce(term.value, .sum, axes, keepAxes: false), labels: term.labels.filter(needed.contains))
  }

  /// The product of two terms, summed along axes that only they have: `[both kept, a's own, summed] x [both kept, summed, b's own]`.
  fileprivate mutating func contracted(_ a: LabelledTerm, _ b: LabelledTerm, keeping needed: Set<String>) throws -> LabelledTerm {
    let a = try summed(a, keeping: needed.union(b.labels))
    let b = try summed(b, keeping: needed.union(a.labels))
    let shared = a.labels.filter(b.labels.contains)
    let (kept, inner) = (shared.filter(needed.contains), shared.filter { !needed.contains($0) })
    let (left, right) = (a.labels.filter { !b.labels.contains($0) }, b.labels.filter { !a.labels.contains($0) })
    func extents(_ term: LabelledTerm, _ labels: [String]) -> [Int] {
      labels.compactMap { term.labels.firstIndex(of: $0) }.map { shape(term.value)[$0] }
    }
    let (rows, columns) = (extents(a, left), extents(b, right))
    // Axes behind `...` may be 1 in one of the two.
    let batch = zip(extents(a, kept), extents(b, kept)).map { $0 == 1 ? $1 : $0 }
    guard extents(a, inner) == extents(b, inner) else {
      throw Diagnostic(.badInput, "summed axes differ: \(extents(a, inner)) and \(extents(b, inner))")
    }
    let depth = extents(a, inner).reduce(1, *)
    let x = try transpose(a.value, (kept + left + inner).compactMap { a.labels.firstIndex(of: $0) })
    let y = try transpose(b.value, (kept + inner + right).compactMap { b.labels.firstIndex(of: $0) })
    let product = try matmul(
      try reshape(x, extents(a, kept) + [rows.reduce(1, *), depth]), try reshape(y, extents(b, kept) + [depth, columns.reduce(1, *)]))
    return LabelledTerm(value: try reshape(product, batch + rows + columns), labels: kept + left + right)
  }
}
