import ArgumentParser
import Datasets
import Driver
import GraphIR
import PluginAPI

struct DataCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Reads a data set: prints what it is, shows samples, or writes them as .npz.")

  @Argument(help: "mnist:FOLDER, cifar10:FOLDER, npz:FILE or digits:COUNT[,SEED] (drawn digits).")
  var data: String

  @Option(help: "Prints so many samples as characters.")
  var show: Int = 0

  @Option(name: .shortAndLong, help: "Writes images and labels into an .npz file.")
  var output: String?

  func execute(_ registry: Registry) throws {
    let set = try LabelledDataset(spelling: data)
    let arrays = set.arrays.map { ($0.name, $0.values.samples(in: 0..<set.count)) }
    let shapes = arrays.map { name, values in
      (arrays.count > 1 ? "\(name) " : "") + "\(Shape(Array(values.shape.dimensions.dropFirst())))"
    }
    writeOut("\(set.name): \(set.count) samples of \(shapes.joined(separator: ", "))\n")
    for index in 0..<min(show, set.count) {
      writeOut("\nlabel \(set.labels[index])\n")
      for (_, values) in arrays { writeOut(Self.drawing(values.slice(batch: index..<index + 1))) }
    }
    if let output {
      let labels = Tensor.integers(.int64, [set.count], set.labels)
      try Files.write(NpzFormat.bytes(of: arrays + [("labels", labels)]), to: output)
      writeOut("wrote \(output)\n")
    }
  }

  /// The first plane of a sample, 0 to 1 in ten shades; what lies outside is drawn as the nearer end.
  private static func drawing(_ sample: Tensor) -> String {
    let shades = Array(" .:-=+*#%@")
    let columns = sample.shape[sample.shape.rank - 1]
    let rows = sample.shape.rank > 2 ? sample.shape[sample.shape.rank - 2] : 1
    let values = sample.doubles.prefix(rows * columns)
    return values.enumerated().map { place, value in
      String(shades[value > 0 ? Int(10 * min(value, 0.99)) : 0]) + ((place + 1) % columns == 0 ? "\n" : "")
    }.joined()
  }
}
