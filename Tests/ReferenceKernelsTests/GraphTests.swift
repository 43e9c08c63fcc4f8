import GraphIR
import ReferenceKernels
import Testing

struct GraphTests {
  /// relu(x) + 1 over a free batch.
  private func graph() throws -> Graph {
    var graph = Graph(name: "small")
    let x = graph.addInput("x", TensorType(.float32, [Shape.free, 2]))
    let positive = try graph.append1(.unary(.relu), [x], origin: "relu")
    let one = graph.addConstant(.scalar(1))
    graph.addOutput("y", try graph.append1(.binary(.add), [positive, one], origin: "add"))
    return graph
  }

  @Test func runGivesEveryValue() throws {
    let values = try Reference.run(try graph(), [floats([2, 2], [-1, 2, 3, -4])])
    #expect(values.map(\.floats) == [[-1, 2, 3, -4], [0, 2, 3, 0], [1], [1, 3, 4, 1]])
  }

  @Test func runRefusesWrongInputs() throws {
    let graph = try graph()
    #expect(throws: Diagnostic.self) { try Reference.run(graph, []) }
    #expect(throws: Diagnostic.self) { try Reference.run(graph, [floats([2, 3], [1, 2, 3, 4, 5, 6])]) }
    #expect(throws: Diagnostic.self) { try Reference.run(graph, [.integers(.int32, [1, 2], [1, 2])]) }
  }

  @Test func foreignOpsHaveNoReference() {
    #expect(throws: Diagnostic.self) { try evaluate(.custom(Custom()), .scalar(1)) }
  }

  @Test func wrongOperandsAreDiagnosed() {
    #expect(throws: Diagnostic.self) { try evaluate(.binary(.add), .scalar(1)) }
    #expect(throws: Diagnostic.self) { try evaluate(.matmul, .scalar(1), .scalar(1)) }
    #expect(throws: Diagnostic.self) { try evaluate(.expand(Reshape(shape: [1 << 40, 1 << 40])), .scalar(1)) }
  }
}
