import GraphIR
import PluginAPI

extension LabelledDataset {
  /// A label beyond this is taken for a fault.
  private static let mostClasses = 100_000

  /// The arrays `images` (u8 or f32; n, H, W or n, C, H, W) and `labels` (n whole numbers) of a .npz file; where there need be no labels and
  /// are none, they are 0.
  init(npz path: String, needsLabels: Bool) throws {
    let tensors = try NpzFormat().read(path: path)
    self = try blaming(path) { try LabelledDataset(path, tensors, needsLabels: needsLabels) }
  }

  private init(_ path: String, _ tensors: [(name: String, tensor: Tensor)], needsLabels: Bool) throws {
    let images = try Self.array("images", of: tensors)
    let isLabelled = needsLabels || tensors.contains { $0.name == "labels" }
    let labels =
      try isLabelled ? Self.labels(Self.array("labels", of: tensors)) : [Int](repeating: 0, count: images.shape.dimensions.first ?? 0)
    let shape = images.shape.dimensions
    guard shape.count == 3 || shape.count == 4 else {
      throw Diagnostic(.badInput, "'images' has the shape \(images.shape)", hint: "n x H x W or n x C x H x W would be right")
    }
    guard shape[0] == labels.count, shape[0] > 0 else {
      throw Diagnostic(.badInput, "'images' has \(shape[0]) images and 'labels' has \(labels.count)", hint: "as many, and one at least")
    }
    let imageShape = Shape(shape.count == 3 ? [1] + shape[1...] : Array(shape[1...]))
    let pixels: Pixels
    switch images.element {
    case .uint8: pixels = .bytes(images.elements(UInt8.self))
    case .float32: pixels = .floats(images.reshaped(Shape([labels.count] + imageShape.dimensions)))
    default:
      throw Diagnostic(
        .badInput, "'images' holds \(images.element.rawValue)", hint: "u8 of 0 to 255, or f32 as the network wants them")
    }
    self.init(
      name: path, imageShape: imageShape, labels: labels, classes: (0...(labels.max() ?? 0)).map(String.init), pixels: pixels)
  }

  private static func array(_ name: String, of tensors: [(name: String, tensor: Tensor)]) throws -> Tensor {
    guard let found = tensors.first(where: { $0.name == name }) else {
      let names = tensors.isEmpty ? "nothing" : tensors.map { "'\($0.name)'" }.joined(separator: ", ")
      throw Diagnostic(.badInput, "has no array '\(name)', only \(names)", hint: "np.savez(FILE, images=..., labels=...)")
    }
    return found.tensor
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
