/// What a file may cost before it is refused. The message that refuses names the limit.
package struct ImportLimits: Hashable, Sendable {
  /// An upper bound on memory taken while importing, in bytes.
  package var memory: Int
  /// How deep messages may nest. Other readers of the format stop there too, and the C unpacker recurses.
  package static let depth = 100
  /// The largest model file, in bytes: the format's own bound.
  package static let fileBytes = Int(Int32.max)

  /// What unpacking may take whatever the file's size is, in bytes, and by how much more it may grow for each byte of the file.
  /// A usual node takes fifteen times its bytes; an empty one would take a hundred times.
  package static let smallMemory = 32 << 20
  package static let growth = 20

  package init(memory: Int) { self.memory = memory }
}
