import GraphIR

/// The codes that a value can hold, as far as the graph proves it.
struct CodeRange: Hashable, Sendable {
  var lo: Int
  var hi: Int

  /// The range of a u8 or i8 value: what its quantize allows, followed through ops that only move, drop or bound codes.
  static func of(_ value: ValueID, in graph: Graph) -> CodeRange {
    let whole = CodeRange(of: graph.type(of: value).element)
    if let tensor = graph.constant(value) {
      guard let codes = tensor.integers, let lo = codes.min(), let hi = codes.max() else { return whole }
      return CodeRange(lo: lo, hi: hi)
    }
    guard let producer = graph.producer(of: value) else { return whole }
    let node = graph[producer]
    func operand(_ place: Int = 0) -> CodeRange { of(node.operands[place], in: graph) }
    switch node.op {
    case .quantize(let a): return CodeRange(lo: a.lo, hi: a.hi)
    case .reshape, .transpose, .expand, .slice, .gather: return operand()
    case .pool: return operand()
    case .unary(.relu): return CodeRange(lo: max(0, operand().lo), hi: max(0, operand().hi))
    case .pad(let a): return a.mode == .constant ? operand().joined(with: CodeRange(of: a.value, within: whole)) : operand()
    case .concat: return node.operands.indices.dropFirst().reduce(operand()) { $0.joined(with: operand($1)) }
    case .unary, .binary, .select, .clip, .cast, .conv, .dense, .matmul, .reduce, .softmax, .cumulate, .topK, .scatter, .dequantize,
      .binaryConv, .binaryDense, .rescale, .custom:
      return whole
    }
  }

  init(lo: Int, hi: Int) {
    self.lo = lo
    self.hi = hi
  }

  /// All codes of an element type.
  private init(of element: DataType) {
    let range = element.integerRange ?? Int.min...Int.max
    self.init(lo: range.lowerBound, hi: range.upperBound)
  }

  /// A padding value; all of `whole` when it is no code.
  private init(of value: Float, within whole: CodeRange) {
    guard let code = Int(exactly: value), code >= whole.lo, code <= whole.hi else {
      self = whole
      return
    }
    self.init(lo: code, hi: code)
  }

  private func joined(with other: CodeRange) -> CodeRange { CodeRange(lo: min(lo, other.lo), hi: max(hi, other.hi)) }
}
