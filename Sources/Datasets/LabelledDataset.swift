import GraphIR

/// Images with the class of each: what accuracy is measured on.
///
/// Pixels are held as the bytes of the file (f32 images of a .npz as they are) and become f32 in [0, 1] only where `images` hands them out.
public struct LabelledDataset: Sendable {
  enum Pixels: Sendable {
    /// One byte a pixel, 255 being 1.0.
    case bytes([UInt8])
    /// f32 of shape n, C, H, W, taken as they are.
    case floats(Tensor)
  }

  /// What the images are, for reports: `MNIST-like test images of ../data/mnist`.
  public let name: String
  /// C, H, W of one image.
  public let imageShape: Shape
  /// The class of each image.
  public let labels: [Int]
  /// The names of the classes; every label is an index into it.
  public let classes: [String]
  private let pixels: Pixels

  /// The number of images.
  public var count: Int { labels.count }

  /// Every label must be an index of `classes`, and `pixels` must hold that many images.
  init(name: String, imageShape: Shape, labels: [Int], classes: [String], pixels: Pixels) {
    precondition(labels.allSatisfy(classes.indices.contains), "a label of '\(name)' has no class")
    self.name = name
    self.imageShape = imageShape
    self.labels = labels
    self.classes = classes
    self.pixels = pixels
    precondition(pixelCount == count * imageSize, "\(pixelCount) pixels are not \(count) images of \(imageShape)")
  }

  /// Images `range` as f32 of shape n, C, H, W; a byte becomes byte / 255, rounded to f32.
  public func images(in range: Range<Int>) -> Tensor {
    switch pixels {
    case .floats(let images): return images.slice(batch: range)
    case .bytes(let bytes):
      let source = bytes[range.lowerBound * imageSize..<range.upperBound * imageSize]
      return Tensor(.float32, Shape([range.count] + imageShape.dimensions)) { out in
        let floats = out.bindMemory(to: Float.self)
        for (index, byte) in source.enumerated() { floats[index] = Self.fractions[Int(byte)] }
      }
    }
  }

  /// byte / 255 for every byte.
  private static let fractions = (0...255).map { Float($0) / 255 }

  private var imageSize: Int { imageShape.dimensions.reduce(1, *) }

  private var pixelCount: Int {
    switch pixels {
    case .bytes(let bytes): bytes.count
    case .floats(let images): images.count
    }
  }
}
