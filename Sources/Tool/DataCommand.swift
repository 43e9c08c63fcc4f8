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
    writeOut("\(set.name): \(set.count) samples of \(Shape(Array(set.images(in: 0..<min(1, set.count)).shape.dimensions.dropFirst())))\n")
    for index in 0..<min(show, set.count) {
      let image = set.images(in: index..<index + 1)
      let (rows, columns) = (image.shape[2], image.shape[3])
      writeOut("\nlabel \(set.labels[index])\n")
      let pixels = image.floats
      for row in 0..<rows {
        let line = (0..<columns).map { column -> Character in Array(" .:-=+*#%@")[min(9, Int(pixels[row * columns + column] * 10))] }
        writeOut(String(line) + "\n")
      }
    }
    if let output {
      let images = set.images(in: 0..<set.count)
      let labels = Tensor.integers(.int64, [set.count], set.labels)
      try Files.write(NpzFormat.bytes(of: [("images", images), ("labels", labels)]), to: output)
      writeOut("wrote \(output)\n")
    }
  }
}
