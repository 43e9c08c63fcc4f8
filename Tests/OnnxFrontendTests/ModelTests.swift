import GraphIR
import OnnxFrontend
import PluginAPI
import ReferenceKernels
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The trained models that lie beside the repository, if they do.
private let models = "\(repository)/../shared/models"

/// Folders of the format's own test cases, separated by colons, such as `onnx/backend/test/data/node` of an onnx wheel.
private let corpora = getenv("BITLINE_ONNX_CASES").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []

/// The names in a folder, sorted.
private func names(in folder: String) -> [String] {
  (shell("ls '\(folder)'") ?? "").split(separator: "\n").map(String.init)
}

@Suite struct ModelTests {
  @Test(
    .enabled(if: Files.exists(models), "no models in ../shared"),
    arguments: [
      ("lenet5-float.onnx", 12, [Shape.free, 1, 28, 28]), ("lenet5-float-bn.onnx", 20, [Shape.free, 1, 28, 28]),
      ("lenet5-bw.onnx", 12, [Shape.free, 1, 28, 28]), ("lenet5-bw-bn-qdq6.onnx", 30, [Shape.free, 1, 28, 28]),
      ("vgg-small-cifar10-float.onnx", 29, [Shape.free, 3, 32, 32]), ("contract/lenet_bin.onnx", 12, [1, 1, 28, 28]),
    ])
  func trainedModels(file: String, nodes: Int, input: [Int]) throws {
    let model = try OnnxFrontend().importModel(ImportRequest(path: "\(models)/\(file)"))
    #expect(Verifier.faults(in: model.graph).isEmpty)
    #expect(model.graph.nodes.count == nodes)
    #expect(model.graph.inputs.map { model.graph.type(of: $0).shape } == [Shape(input)])
    #expect(model.notes.isEmpty)
  }

  /// What is imported gives the answers that are shipped with the case; what is not is said to be unsupported.
  @Test(.enabled(if: !corpora.isEmpty, "set BITLINE_ONNX_CASES to folders of ONNX test cases"), arguments: corpora)
  func conformanceCases(folder: String) throws {
    var passed = 0
    for name in names(in: folder) {
      do {
        let model = try OnnxFrontend().importModel(ImportRequest(path: "\(folder)/\(name)/model.onnx"))
        for set in names(in: "\(folder)/\(name)") where set.hasPrefix("test_data_set") {
          try check(model.graph, case: name, data: "\(folder)/\(name)/\(set)")
        }
        passed += 1
      } catch let fault as Diagnostic where fault.kind == .unsupported {
      } catch let faults as Diagnostics where faults.kind == .unsupported {
      } catch {
        Issue.record("\(name): \(error)")
      }
    }
    print("\(folder): \(passed) cases imported and right")
  }

  private func check(_ graph: Graph, case name: String, data: String) throws {
    func tensors(_ kind: String, _ count: Int) throws -> [Tensor] {
      try (0..<count).map { try OnnxTensorFormat().read(path: "\(data)/\(kind)_\($0).pb")[0].tensor }
    }
    let values = try Reference.run(graph, try tensors("input", graph.inputs.count))
    for (output, wanted) in zip(graph.outputs, try tensors("output", graph.outputs.count)) {
      let got = values[Int(output.value.index)]
      // The suite's own tolerance.
      let isClose =
        got.type == wanted.type
        && zip(got.doubles, wanted.doubles).allSatisfy { a, b in
          a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-7 + 1e-3 * abs(b)
        }
      #expect(isClose, "\(name): output '\(output.name)' differs")
    }
  }
}
