/// Names files that are often handed in by mistake, from their first bytes.
enum Impostor {
  /// What the file really is, when it is surely no protobuf message.
  static func named(_ bytes: UnsafeRawBufferPointer) -> String? {
    if bytes.isEmpty { return "the file is empty" }
    return signatures.first { signature, offset, _ in
      bytes.count >= offset + signature.count && zip(bytes[offset...], signature).allSatisfy { lowercased($0) == lowercased($1) }
    }?.meaning
  }

  /// Whether the first bytes could be prose or source: asked when the bytes turned out to be no message.
  static func looksLikeText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.prefix(512).allSatisfy { (0x20...0x7e).contains($0) || (0x09...0x0d).contains($0) }
  }

  private static let signatures: [(bytes: [UInt8], offset: Int, meaning: String)] = [
    (Array("version https://git-lfs".utf8), 0, "this is a Git LFS pointer, not the model itself; fetch it with 'git lfs pull'"),
    (Array("<!doctype".utf8), 0, "this is an HTML page, not a model; the download went wrong"),
    (Array("<html".utf8), 0, "this is an HTML page, not a model; the download went wrong"),
    (Array("<?xml".utf8), 0, "this is an XML file, not an ONNX model"),
    ([0x1f, 0x8b], 0, "this is a gzip file; unpack it first"),
    ([0x28, 0xb5, 0x2f, 0xfd], 0, "this is a zstd file; unpack it first"),
    (Array("PK\u{3}\u{4}".utf8), 0, "this is a zip file (a PyTorch or Keras file is one too), not an ONNX model"),
    ([0x89] + Array("HDF".utf8), 0, "this is an HDF5 file, not an ONNX model"),
    ([0x93] + Array("NUMPY".utf8), 0, "this is a NumPy file, not a protobuf message"),
    (Array("TFL3".utf8), 4, "this is a TensorFlow Lite model, not an ONNX model"),
    (Array("ORTM".utf8), 4, "this is a model in ONNX Runtime's own format; export it as .onnx"),
  ]

  private static func lowercased(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte + 0x20 : byte }
}
