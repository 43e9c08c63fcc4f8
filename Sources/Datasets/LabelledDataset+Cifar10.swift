import GraphIR
import PluginAPI

extension LabelledDataset {
  /// One label byte, then red, green and blue planes of 32 x 32.
  private static let cifarRecord = 1 + 3 * 32 * 32

  private static let cifarClasses = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]

  /// The binary batches of CIFAR-10 in `folder`; of the five training batches, those that are there.
  init(cifar10 folder: String, _ split: Split) throws {
    let names = split == .test ? ["test_batch.bin"] : (1...5).map { "data_batch_\($0).bin" }
    let present = names.filter { Files.exists("\(folder)/\($0)") }
    guard !present.isEmpty else { throw Self.noBatch(names, in: folder) }
    var labels: [Int] = []
    var pixels: [UInt8] = []
    for name in present {
      let path = "\(folder)/\(name)"
      let batch = try Files.read(path)
      try blaming(path) { try Self.append(batch, &labels, &pixels) }
    }
    let part = split == .train && present.count < names.count ? " (\(present.count) of \(names.count) batches)" : ""
    self.init(
      name: "CIFAR-10 \(split.rawValue) images of \(folder)\(part)", shape: [3, 32, 32], pixels: pixels, labels: labels,
      classes: Self.cifarClasses)
  }

  private static func append(_ batch: [UInt8], _ labels: inout [Int], _ pixels: inout [UInt8]) throws {
    guard !batch.isEmpty && batch.count % cifarRecord == 0 else {
      throw Diagnostic(
        .badInput, "is no CIFAR-10 batch, or is cut off: \(batch.count) bytes are not a whole number of records of \(cifarRecord) bytes")
    }
    pixels.reserveCapacity(pixels.count + batch.count)
    for start in stride(from: 0, to: batch.count, by: cifarRecord) {
      let label = Int(batch[start])
      guard cifarClasses.indices.contains(label) else {
        throw Diagnostic(.badInput, "has the label \(label), which is not one of 0 to 9", place: "record \(start / cifarRecord)")
      }
      labels.append(label)
      pixels += batch[(start + 1)..<(start + cifarRecord)]
    }
  }

  private static func noBatch(_ names: [String], in folder: String) -> Diagnostic {
    guard let packed = names.first(where: { Files.exists("\(folder)/\($0).xz") }) else {
      let looked = names.count == 1 ? names[0] : "\(names[0]) to \(names[names.count - 1])"
      return Diagnostic(.badInput, "is no folder of CIFAR-10 binary batches", file: folder, hint: "\(looked) should be there")
    }
    return Diagnostic(
      .badInput, "is packed by xz, which is not read here", file: "\(folder)/\(packed).xz",
      hint: "unpack it with: xz -dk \(folder)/\(packed).xz; from a read-only folder: xz -dkc \(folder)/\(packed).xz > ELSEWHERE/\(packed)")
  }
}
