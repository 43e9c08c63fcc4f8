import Driver
import GraphIR
import PluginAPI

/// Finds a tensor for every input of a graph among files given in order or by name.
struct InputReader {
  private let graph: Graph
  /// The names of the model's inputs, of which the graph may have fewer.
  private let names: [String]

  /// A reader for a graph that was imported from a model with inputs of these names.
  init(_ graph: Graph, modelInputs names: [String]) {
    self.graph = graph
    self.names = names
  }

  /// Reads the files of `--input` options, before it is known what the model takes.
  static func read(_ given: [String], _ registry: Registry) throws -> GivenInputs {
    var inputs = GivenInputs()
    for text in given {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2, !Files.exists(text) {
        guard inputs.named[parts[0]] == nil else { throw Diagnostic(.usage, "--input gives '\(parts[0])' twice") }
        let tensors = try registry.readTensors(parts[1])
        guard let tensor = tensors.first?.tensor else { throw Diagnostic(.badInput, "holds no tensor", file: parts[1]) }
        guard tensors.count == 1 else {
          let names = tensors.map { "'\($0.name)'" }.joined(separator: ", ")
          throw Diagnostic(
            .usage, "holds \(tensors.count) arrays, \(names), and input '\(parts[0])' takes one", file: parts[1],
            hint: "--input FILE without a name gives each array to the input of its name")
        }
        inputs.named[parts[0]] = GivenInputs.Item(tensor: tensor, file: parts[1])
        continue
      }
      for (name, tensor) in try registry.readTensors(text) {
        inputs.inOrder.append((Files.fileExtension(text) == "npz" ? name : "", GivenInputs.Item(tensor: tensor, file: text)))
      }
    }
    return inputs
  }

  /// The same. Where a file cannot be read and the model is not supported either, that is said instead: no other file would help.
  static func read(_ given: [String], _ registry: Registry, for model: ModelFlags) throws -> GivenInputs {
    do {
      return try read(given, registry)
    } catch let unreadable {
      do {
        _ = try registry.importModel(model.request())
      } catch let fault as Diagnostic where fault.kind == .unsupported {
        throw fault
      } catch let faults as Diagnostics where faults.kind == .unsupported {
        throw faults
      } catch {
        throw unreadable
      }
      throw unreadable
    }
  }

  /// One tensor for each graph input, of its type; throws one diagnostic for each that is missing or does not fit.
  func tensors(of given: GivenInputs) throws -> [Tensor] {
    if let unknown = given.named.keys.sorted().first(where: { !names.contains($0) }) {
      throw Diagnostic(.usage, "the model has no input '\(unknown)'", hint: "it has \(names.joined(separator: ", "))")
    }
    let (found, rest) = given.assigned(to: names)
    if let extra = rest.first {
      throw Diagnostic(
        .usage, "is one input too many", file: extra.file, hint: "the model has \(names.count): \(names.joined(separator: ", "))")
    }
    var faults: [Diagnostic] = []
    var tensors: [Tensor] = []
    for id in graph.inputs {
      let (name, type) = (graph[id].name, graph.type(of: id))
      guard let item = found[name] else {
        faults.append(Diagnostic(.usage, "input '\(name)' : \(type) is missing", hint: "give --input FILE or --input \(name)=FILE"))
        continue
      }
      guard let fitting = item.tensor.fitting(type) else {
        faults.append(Diagnostic(.badInput, "is \(item.tensor.type), input '\(name)' takes \(type)", file: item.file))
        continue
      }
      tensors.append(fitting)
    }
    try Diagnostics.throwIfAny(faults)
    let batches = Set(zip(graph.inputs, tensors).filter { graph.type(of: $0.0).shape.hasFreeBatch }.map { $0.1.shape[0] })
    if batches.count > 1 { throw Diagnostic(.badInput, "inputs have batches of \(batches.sorted())", hint: "they must agree") }
    return tensors
  }
}
