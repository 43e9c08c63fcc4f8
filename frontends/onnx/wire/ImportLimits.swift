/// What a file may cost before it is refused. The message that refuses names the limit.
package struct ImportLimits: Hashable, Sendable {
  /// An upper bound on memory taken while importing, in bytes.
  package var memory: Int
  /// How deep messages may nest. Other readers of the format stop there too, and the C unpacker recurses.
  package static let depth = 100
  /// The largest model file, in bytes: the format's own bound.
  package static let fileBytes = Int(Int32.max)

  package init(memory: Int) { self.memory = memory }
}
