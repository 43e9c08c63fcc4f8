import GraphIR

/// Samples with the class of each: what accuracy is measured on.
///
/// Values are held as their file has them; `fitted(to:)` says how the inputs of a graph take them.
public struct LabelledDataset: Sendable {
  /// What the samples are, for reports: `MNIST-like test images of ../data/mnist`.
  public let name: String
  /// The arrays, each with one entry for each sample along dimension 0: images, or what each input of a graph takes.
  public let arrays: [(name: String, values: Tensor)]
  /// The class of each sample.
  public let labels: [Int]
  /// The names of the classes; every label is an index into it.
  public let classes: [String]

  /// The number of samples.
  public var count: Int { labels.count }

  /// Every label must be an index of `classes`, and every array must hold that many samples.
  package init(name: String, arrays: [(name: String, values: Tensor)], labels: [Int], classes: [String]) {
    precondition(labels.allSatisfy(classes.indices.contains), "a label of '\(name)' has no class")
    precondition(!arrays.isEmpty && arrays.allSatisfy { $0.values.shape.dimensions.first == labels.count }, "'\(name)' is uneven")
    self.name = name
    self.arrays = arrays
    self.labels = labels
    self.classes = classes
  }

  /// Samples along dimension 0 of one tensor, whose labels are not known (0).
  package init(name: String, unlabelled samples: Tensor) {
    self.init(name: name, arrays: [("images", samples)], labels: [Int](repeating: 0, count: samples.shape[0]), classes: ["0"])
  }

  /// Images of bytes, each `shape`.
  init(name: String, shape: Shape, pixels: [UInt8], labels: [Int], classes: [String]) {
    let images = Tensor(.uint8, Shape([labels.count] + shape.dimensions), pixels)
    self.init(name: name, arrays: [("images", images)], labels: labels, classes: classes)
  }
}

extension Tensor {
  /// Entries `range` along dimension 0 as samples: a byte becomes byte / 255, rounded to f32, and other values are taken as they are.
  package func samples(in range: Range<Int>) -> Tensor {
    let slice = slice(batch: range)
    guard element == .uint8 else { return slice }
    return Tensor(.float32, slice.shape) { out in
      let floats = out.bindMemory(to: Float.self)
      slice.withElements(UInt8.self) { bytes in
        for (index, byte) in bytes.enumerated() { floats[index] = Self.fractions[Int(byte)] }
      }
    }
  }

  /// byte / 255 for every byte.
  private static let fractions = (0...255).map { Float($0) / 255 }
}
