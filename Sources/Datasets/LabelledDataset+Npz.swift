import GraphIR
import PluginAPI

extension LabelledDataset {
  /// A label beyond this is taken for a fault.
  private static let mostClasses = 100_000

  /// The array `labels` (n whole numbers) of a .npz file and all others as samples (n along dimension 0); where there need be no labels
  /// and are none, they are 0.
  init(npz path: String, needsLabels: Bool) throws {
    let tensors = try NpzFormat().read(path: path)
    self = try blaming(path) { try LabelledDataset(path, tensors, needsLabels: needsLabels) }
  }

  private init(_ path: String, _ tensors: [(name: String, tensor: Tensor)], needsLabels: Bool) throws {
    let arrays = tensors.filter { $0.name != "labels" }
    guard let first = arrays.first else { throw Self.lacking("images", tensors.map(\.name)) }
    let given = try tensors.first { $0.name == "labels" }.map { try Self.labels($0.tensor) }
    guard given != nil || !needsLabels else { throw Self.lacking("labels", tensors.map(\.name)) }
    let count = given?.count ?? first.tensor.shape.dimensions.first ?? 0
    for (name, tensor) in arrays {
      guard tensor.shape.rank >= 2 else {
        throw Diagnostic(.badInput, "'\(name)' has the shape \(tensor.shape)", hint: "n x the extents of one sample would be right")
      }
      guard tensor.shape[0] == count, tensor.count > 0 else {
        let other = given == nil ? "'\(first.name)'" : "'labels'"
        throw Diagnostic(.badInput, "'\(name)' has \(tensor.shape[0]) samples and \(other) has \(count)", hint: "as many, and one at least")
      }
    }
    let labels = given ?? [Int](repeating: 0, count: count)
    self.init(
      name: path, arrays: arrays.map { ($0.name, $0.tensor) }, labels: labels, classes: (0...(labels.max() ?? 0)).map(String.init))
  }

  private static func lacking(_ name: String, _ present: [String]) -> Diagnostic {
    let names = present.isEmpty ? "nothing" : present.map { "'\($0)'" }.joined(separator: ", ")
    return Diagnostic(.badInput, "has no array '\(name)', only \(names)", hint: "np.savez(FILE, images=..., labels=...)")
  }

  private static func labels(_ tensor: Tensor) throws -> [Int] {
    guard tensor.shape.rank == 1, tensor.element.isInteger, let labels = tensor.integers else {
      throw Diagnostic(.badInput, "'labels' is \(tensor.type)", hint: "one whole number an image would be right")
    }
    if let bad = labels.firstIndex(where: { !(0..<mostClasses).contains($0) }) {
      throw Diagnostic(.badInput, "'labels' has the label \(labels[bad])", place: "image \(bad)", hint: "classes count from 0")
    }
    return labels
  }
}
