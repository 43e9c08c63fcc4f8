extension OperatorTable {
  /// Everything that is read, a family of operators a file.
  static let standard = OperatorTable(
    elementwise + comparisons + activations + convolutions + pooling + normalization + products + reductions + softmax + reshaping + slicing
      + joining + constants + quantization + integerArithmetic + resizing + selection + indexing + scattering + bitOperators
      + dataDependent + attention + recurrent + signals + sampling + einsum + matrices + losses + sequences + controlFlow + olderVersions
      + quantDialect + runtimeDialect)
}

extension ClosedRange<Int> {
  /// From one version to the newest that is known.
  static func since(_ version: Int) -> ClosedRange<Int> { version...OpsetImports.newest }
}
