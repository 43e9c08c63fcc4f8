import GraphIR
import OnnxFrontend
import PluginAPI
import ReferenceKernels
import Testing

/// What a model is run on is used where a shape depends on it, and only there.
@Suite struct SpecialisationTests {
  private let sketch = ModelSketch(
    [
      SketchedNode("Cast", ["s"], ["shape"], name: "/cast", [("to", .int(7))]),
      SketchedNode("Reshape", ["x", "shape"], ["y"], name: "/reshape"),
    ],
    inputs: [("x", [.fixed(2), .fixed(3)]), ("s", [.fixed(2)])])

  private func imported(_ given: GivenInputs) throws -> ImportedModel {
    var request = ImportRequest(path: "sketch")
    request.given = given
    return try OnnxFrontend().importModel(bytes: sketch.bytes, request)
  }

  @Test func aShapeThatIsGivenBecomesAConstant() throws {
    var given = GivenInputs()
    given.inOrder = [
      ("", GivenInputs.Item(tensor: Tensor(zeros: .float32, [2, 3]), file: "x.npy")),
      ("", GivenInputs.Item(tensor: .vector([3, 2]), file: "s.npy")),
    ]
    let model = try imported(given)
    #expect(model.boundInputs == ["s"] && model.inputNames == ["x", "s"])
    #expect(model.graph.inputs.map { model.graph[$0].name } == ["x"])
    #expect(model.graph.type(of: model.graph.outputs[0].value) == TensorType(.float32, [3, 2]))
    #expect(model.notes.count == 1)
  }

  @Test func aShapeThatIsNotGivenIsRefused() throws {
    let fault = #expect(throws: Diagnostic.self) { try imported(GivenInputs()) }
    #expect(fault?.kind == .unsupported && fault?.message == "the new shape depends on input 's'")
  }

  @Test func namesGoFirst() {
    var given = GivenInputs()
    let items = (0..<3).map { GivenInputs.Item(tensor: .scalar(Float($0)), file: "\($0)") }
    given.named["b"] = items[0]
    given.inOrder = [("", items[1]), ("", items[2])]
    let (inputs, rest) = given.assigned(to: ["a", "b"])
    #expect(inputs["a"]?.file == "1" && inputs["b"]?.file == "0" && rest.map(\.file) == ["2"])
  }
}
