import GraphIR
import PluginAPI

/// A data set as the inputs of one graph take it.
public struct FittedDataset: Sendable {
  /// What the samples are, for messages.
  private let name: String
  /// The class of each sample.
  public let labels: [Int]
  /// The samples in each batch, where the graph binds that; nil where it takes any number.
  public let boundBatch: Int?
  /// What each input is given, and its type.
  private let feeds: [(values: Tensor, type: TensorType)]

  /// The number of samples.
  public var count: Int { labels.count }

  fileprivate init(_ name: String, _ feeds: [(values: Tensor, type: TensorType)], labels: [Int], boundBatch: Int?) {
    self.name = name
    self.feeds = feeds
    self.labels = labels
    self.boundBatch = boundBatch
  }

  /// Samples `range`, one tensor for each input of the graph.
  public func inputs(in range: Range<Int>) -> [Tensor] {
    feeds.map { feed in
      let samples = feed.type.element == .float32 ? feed.values.samples(in: range) : feed.values.slice(batch: range)
      return samples.reshaped(Shape([range.count] + feed.type.shape.dimensions.dropFirst()))
    }
  }

  /// Throws where one of the first `count` samples has a label that is no class of a network with so many.
  public func requireLabels(below classes: Int, count: Int) throws {
    guard let sample = labels.prefix(count).firstIndex(where: { $0 >= classes }) else { return }
    throw Diagnostic(
      .badInput, "sample \(sample) has label \(labels[sample]), and the network tells \(classes) classes apart", file: name,
      hint: "labels count from 0")
  }

  /// The first `count` samples in whole batches, of `size` where the graph does not bind it. Throws where they do not split into those.
  public func batches(of size: Int, count: Int) throws -> [Range<Int>] {
    let step = boundBatch ?? size
    guard boundBatch == nil || count % step == 0 else {
      throw Diagnostic(.usage, "\(count) samples do not split into the model's batches of \(step)", hint: "take fewer of them")
    }
    return stride(from: 0, to: count, by: step).map { $0..<min($0 + step, count) }
  }
}

extension LabelledDataset {
  /// Finds an array for each input of a graph: the one of its name, or for a graph of one input the images, or the only one.
  ///
  /// An array fits where a sample's extents are the input's but for ones; bytes are taken as fractions of 255 where the input takes f32.
  /// Throws one diagnostic for each input that nothing fits.
  public func fitted(to graph: Graph) throws -> FittedDataset {
    guard !graph.inputs.isEmpty else {
      throw Diagnostic(.usage, "the model takes no inputs, so no data either", hint: "'bitline run' runs it")
    }
    var faults: [Diagnostic] = []
    var feeds: [(values: Tensor, type: TensorType)] = []
    for id in graph.inputs {
      let (input, type) = (graph[id].name, graph.type(of: id))
      guard let values = array(for: input, isOnly: graph.inputs.count == 1) else {
        let names = arrays.map { "'\($0.name)'" }.joined(separator: ", ")
        faults.append(Diagnostic(.badInput, "has no array '\(input)', which the model takes, only \(names)", file: name))
        continue
      }
      let sample = TensorType(values.element, Shape(Array(values.shape.dimensions.dropFirst())))
      let fits = type.element == values.element || type.element == .float32 && values.element == .uint8
      let isAlike =
        type.shape.rank > 0 && type.shape.dimensions.dropFirst().filter { $0 != 1 } == sample.shape.dimensions.filter { $0 != 1 }
      guard fits, isAlike else {
        faults.append(Diagnostic(.badInput, "samples are \(sample), input '\(input)' takes \(type)", file: name))
        continue
      }
      feeds.append((values, type))
    }
    try Diagnostics.throwIfAny(faults)
    let bound = Set(feeds.filter { !$0.type.shape.hasFreeBatch }.map { $0.type.shape[0] })
    guard bound.count <= 1 else {
      throw Diagnostic(.unsupported, "the model's inputs have batches of \(bound.sorted())", hint: "one sample of each input a decision")
    }
    return FittedDataset(name, feeds, labels: labels, boundBatch: bound.first)
  }

  private func array(for input: String, isOnly: Bool) -> Tensor? {
    if let named = arrays.first(where: { $0.name == input }) { return named.values }
    guard isOnly else { return nil }
    return arrays.first { $0.name == "images" }?.values ?? (arrays.count == 1 ? arrays[0].values : nil)
  }
}
