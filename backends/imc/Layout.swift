import GraphIR

/// Where the elements of one sample lie: as in the tensor, or sixteen channels side by side.
///
/// In lanes, element (channel, position) stands at `(channel / 16 · positions + position) · width + channel % 16`; width is 8 where there
/// are no more channels than that, else 16.
struct Layout: Hashable, Sendable {
  /// Elements of the sample.
  let count: Int
  /// Positions of one channel; nil when elements lie as in the tensor.
  let positions: Int?
  let width: Int
  /// Floats that one sample takes.
  let storage: Int

  static func plain(_ count: Int) -> Layout { Layout(count: count, positions: nil, width: 1, storage: count) }

  static func lanes(channels: Int, positions: Int) -> Layout {
    let width = channels <= 8 ? 8 : 16
    return Layout(count: channels * positions, positions: positions, width: width, storage: (channels + 15) / 16 * positions * width)
  }

  /// Where an element of the tensor lies.
  func offset(_ element: Int) -> Int {
    guard let positions else { return element }
    return offset(channel: element / positions, position: element % positions, of: positions)
  }

  /// Where (channel, position) lies when each channel has `plane` positions, as in a padded copy.
  func offset(channel: Int, position: Int, of plane: Int) -> Int {
    guard positions != nil else { return channel * plane + position }
    return (channel / 16 * plane + position) * width + channel % 16
  }

  /// Whether windows can be laid over it: its channels are those of the shape.
  func fits(_ shape: Shape) -> Bool {
    guard let positions else { return true }
    return positions == shape.dimensions.dropFirst(2).reduce(1, *) && count == positions * shape[1]
  }
}
