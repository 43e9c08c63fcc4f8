import CZlib
import GraphIR

/// Unpacks what deflate packed, through the system's zlib, never beyond a bound that the caller sets.
package enum Inflate {
  /// What stands around the deflated bytes.
  package enum Wrapper: Int32 {
    /// Nothing, as in a zip entry.
    case none = -15
    /// A gzip header and checksum, as in a .gz file; several such members may follow each other.
    case gzip = 31
  }

  /// Whether the bytes start as a gzip file does.
  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// The first `limit` bytes of what is packed, or all where there are fewer. Bytes beyond the limit are not looked at.
  package static func bytes(_ packed: ArraySlice<UInt8>, _ wrapper: Wrapper, limit: Int) throws -> [UInt8] {
    var stream = z_stream()
    guard inflateInit2_(&stream, wrapper.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Diagnostic(.internal, "zlib does not start")
    }
    defer { inflateEnd(&stream) }
    var unpacked: [UInt8] = []
    let chunk = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: min(max(limit, 1), 1 << 18))
    defer { chunk.deallocate() }
    try packed.withUnsafeBytes { input in
      var offset = 0
      while unpacked.count < limit {
        let given = min(input.count - offset, Int(UInt32.max))
        // zlib does not write through next_in; its type only lacks the const.
        stream.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self).advanced(by: offset)
        stream.avail_in = UInt32(given)
        stream.next_out = chunk.baseAddress
        stream.avail_out = UInt32(min(chunk.count, limit - unpacked.count))
        let room = stream.avail_out
        let status = inflate(&stream, Z_NO_FLUSH)
        offset += given - Int(stream.avail_in)
        unpacked.append(contentsOf: chunk[..<Int(room - stream.avail_out)])
        switch status {
        case Z_OK: continue
        case Z_STREAM_END where wrapper == .gzip && isGzip(Array(input[offset...].prefix(2))): inflateReset(&stream)
        case Z_STREAM_END: return
        case Z_BUF_ERROR: throw Diagnostic(.badInput, "is cut off: the packed bytes end too early", place: "byte \(offset)")
        default: throw Diagnostic(.badInput, "is damaged: \(reason(stream))", place: "byte \(offset)")
        }
      }
    }
    return unpacked
  }

  private static func reason(_ stream: z_stream) -> String {
    stream.msg.map { String(cString: $0) } ?? "zlib cannot unpack it"
  }
}
