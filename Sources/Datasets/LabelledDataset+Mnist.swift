import GraphIR
import PluginAPI

extension LabelledDataset {
  /// The IDX files of MNIST or one of its like in `folder`, gzipped or not.
  init(mnist folder: String, _ split: Split) throws {
    let prefix = split == .test ? "t10k" : "train"
    let imagesPath = try Self.find("\(prefix)-images", "idx3-ubyte", in: folder)
    let labelsPath = try Self.find("\(prefix)-labels", "idx1-ubyte", in: folder)
    let images = try IdxFile(path: imagesPath, rank: 3)
    let labels = try IdxFile(path: labelsPath, rank: 1)
    guard images.extents[0] == labels.extents[0] else {
      throw Diagnostic(
        .badInput, "has \(labels.extents[0]) labels for the \(images.extents[0]) images of \(imagesPath)", file: labelsPath,
        hint: "both files must come from the same set")
    }
    let classCount = max(10, Int(labels.elements.max() ?? 0) + 1)
    self.init(
      name: "MNIST-like \(split.rawValue) images of \(folder)", shape: [1, images.extents[1], images.extents[2]],
      pixels: images.elements, labels: labels.elements.map { Int($0) }, classes: (0..<classCount).map(String.init))
  }

  /// The file of that name in one of the ways it is spread: with a dash or a dot, gzipped or not.
  private static func find(_ stem: String, _ ending: String, in folder: String) throws -> String {
    let names = ["-", "."].flatMap { ["\(stem)\($0)\(ending)", "\(stem)\($0)\(ending).gz"] }
    guard let name = names.first(where: { Files.exists("\(folder)/\($0)") }) else {
      throw Diagnostic(.badInput, "is no folder of MNIST files", file: folder, hint: "\(names[0]) or \(names[1]) should be there")
    }
    return "\(folder)/\(name)"
  }
}
