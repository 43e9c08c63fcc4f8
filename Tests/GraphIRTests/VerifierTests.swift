import GraphIR
import Testing

/// Every invariant of the verifier's header has an example that breaks it.
@Suite struct VerifierTests {
  private let vector = TensorType(.float32, [4])

  private func faults(_ build: (inout Graph) throws -> Void) rethrows -> String {
    var graph = Graph(name: "broken")
    try build(&graph)
    return Verifier.faults(in: graph).map(\.description).joined(separator: "\n")
  }

  @Test func invariant1NamesExist() {
    let text = faults { graph in
      let x = graph.addInput("x", vector)
      graph.addOutput("y", graph.append(.unary(.relu), [ValueID(9)], resultTypes: [vector], origin: "a", names: [])[0])
      graph.addOutput("z", x)
    }
    #expect(text.contains("names a value that does not exist"))
    #expect(faults { $0.addOutput("y", ValueID(3)) }.contains("names no value"))
  }

  @Test func invariant2UseAfterDefinition() {
    let text = faults { graph in
      let first = graph.append(.unary(.relu), [ValueID(1)], resultTypes: [vector], origin: "a", names: [])
      let second = graph.append(.unary(.relu), first, resultTypes: [vector], origin: "b", names: [])
      graph.addOutput("y", second[0])
    }
    #expect(text.contains("uses %1 before it is computed"))
  }

  @Test func invariant3TypesAreInferred() {
    let text = faults { graph in
      let x = graph.addInput("x", vector)
      graph.addOutput("y", graph.append(.unary(.relu), [x], resultTypes: [TensorType(.float32, [5])], origin: "a", names: [])[0])
    }
    #expect(text.contains("the op makes"))
  }

  @Test func invariant4ShapesAreShapes() {
    let text = faults { graph in graph.addOutput("y", graph.addInput("x", TensorType(.float32, [2, -1]))) }
    #expect(text.contains("is not a shape"))
    let other = faults { graph in graph.addOutput("y", graph.addInput("x", TensorType(.float32, [-2, 3]))) }
    #expect(other.contains("is not a shape"))
  }

  @Test func invariant5OutputNames() {
    #expect(faults { _ = $0.addInput("x", vector) }.contains("there is no output"))
    let text = faults { graph in
      let x = graph.addInput("x", vector)
      graph.addOutput("y", x)
      graph.addOutput("y", x)
      graph.addOutput("", x)
    }
    #expect(text.contains("output name 'y' is empty or used twice"))
    #expect(text.contains("output name '' is empty or used twice"))
  }

  @Test func invariant6InputNames() {
    let text = faults { graph in
      graph.addOutput("y", graph.addInput("x", vector))
      _ = graph.addInput("x", vector)
    }
    #expect(text.contains("input name 'x' is used twice"))
  }

  @Test func invariant7OrderIsAPermutation() throws {
    let text = try faults { graph in
      let codes = graph.addInput("codes", TensorType(.uint8, [1, 3]))
      let weights = graph.addConstant(Tensor.integers(.bit, [2, 3], [1, 1, -1, -1, 1, 1]))
      let order = graph.addConstant(Tensor.integers(.int32, [3], [0, 2, 2]))
      graph.addOutput("y", try graph.append1(.binaryDense(BinaryDense()), [codes, weights, order], origin: "d"))
    }
    #expect(text.contains("not a permutation"))
  }
}
