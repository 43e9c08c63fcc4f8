import Foundation
import Testing

/// What the program says of a model beside its answers.
@Suite struct FiguresTests {
  private let model = "models/lenet5-bw-qdq6.onnx"

  /// LeNet-5 has 44,426 weights and biases; its quantizers' scales and zero points are no parameters.
  @Test func parametersAreWeightsAndBiases() throws {
    let outcome = try Bitline.run(["inspect", model, "--format", "json"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("44426") && !outcome.output.contains("44444"))
  }

  /// A chip that reads each bit of its inputs does not compute the sums that the graph says. One that reads them exactly does.
  @Test func aWrittenModelIsNoBitSerialChip() throws {
    let path = try Bitline.folder().appendingPathComponent("out.onnx").path
    func notes(_ backend: String) throws -> String {
      let outcome = try Bitline.run(["compile", model, "--stage", "lowered", "--backend", backend, "--emit", "onnx", "-o", path])
      #expect(outcome.status == 0)
      return outcome.error
    }
    #expect(try notes("imc{hardware=jia-65nm}").contains("inputs come bit by bit"))
    #expect(try notes("imc{errors=on}").contains("circuit errors are on"))
    for backend in ["imc", "imc{hardware=colonnade}"] { #expect(!(try notes(backend)).contains("it does not answer as 'run'")) }
  }

  @Test func largeConstantsNeedAFileName() throws {
    let text = """
      graph "g" {
        %0 = input "x" : f32[17]
        %1 = constant #0123456789abcdef : f32[17] "w"
        %2 = add(%0, %1) : f32[17] "y"
        output "y" = %2
      }
      """
    let outcome = try Bitline.run(["opt", "--passes", "canonicalize"], input: text)
    #expect(outcome.status == 4 && outcome.error.contains("name the file"))
    #expect(try Bitline.run(["opt", "--help"]).output.contains("file beside the graph"))
  }
}
