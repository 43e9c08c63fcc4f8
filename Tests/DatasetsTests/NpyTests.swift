import Datasets
import GraphIR
import Testing

@Suite struct NpyTests {
  private func read(_ bytes: [UInt8]) throws -> Tensor { try NpyFormat.tensor(from: bytes[...]) }

  @Test(arguments: [DataType.float64, .float32, .float16, .int64, .int32, .int16, .int8, .uint64, .uint32, .uint16, .uint8, .bool])
  func roundTrip(_ element: DataType) throws {
    for shape in [[], [3], [2, 3], [0, 4], [2, 1, 3, 2]] as [Shape] {
      let tensor = Tensor(element, shape) { out in
        for index in out.indices { out[index] = element == .bool ? UInt8(index & 1) : UInt8(truncatingIfNeeded: index &* 37 &+ 5) }
      }
      #expect(try read(NpyFormat.bytes(of: tensor)) == tensor)
    }
  }

  @Test func writesWhatNumpyWrites() throws {
    let bytes = NpyFormat.bytes(of: Tensor(.float32, [1, 2], [1, -2] as [Float]))
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
    #expect(bytes == npy(header + String(repeating: " ", count: 117 - header.utf8.count) + "\n", [0, 0, 128, 63, 0, 0, 0, 192]))
    #expect(bytes.count == 128 + 8)
  }

  @Test func bfloat16GoesOutAsItsBitsAndBitAsInt8() throws {
    let brain = Tensor(.bfloat16, [2], [0x3f80, 0xc040] as [UInt16])
    #expect(try read(NpyFormat.bytes(of: brain)) == Tensor(.uint16, [2], [0x3f80, 0xc040] as [UInt16]))
    let bits = Tensor(.bit, [2], [1, -1] as [Int8])
    #expect(try read(NpyFormat.bytes(of: bits)) == Tensor(.int8, [2], [1, -1] as [Int8]))
  }

  @Test(arguments: [1, 2, 3] as [UInt8])
  func readsEveryVersion(_ major: UInt8) throws {
    let bytes = npy("{\"shape\": (2L,), 'fortran_order': False, 'descr': '|u1'}  \n", [7, 8], major: major)
    #expect(try read(bytes) == Tensor(.uint8, [2], [7, 8] as [UInt8]))
  }

  @Test func readsBigEndian() throws {
    let bytes = npy("{'descr': '>i4', 'fortran_order': False, 'shape': (2,)}", [0, 0, 1, 2, 255, 255, 255, 254])
    #expect(try read(bytes) == Tensor(.int32, [2], [258, -2] as [Int32]))
  }

  @Test func transposesFortranOrder() throws {
    let bytes = npy("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3, 2)}", [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11])
    #expect(try read(bytes) == Tensor(.int8, [2, 3, 2], Array(0..<12) as [Int8]))
    let wide = npy("{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2)}", [0, 1, 0, 3, 0, 2, 0, 4])
    #expect(try read(wide) == Tensor(.uint16, [2, 2], [1, 2, 3, 4] as [UInt16]))
  }

  /// What is wrong with each file, and a part of what must be said.
  @Test(arguments: [
    ("{'descr': '<U5', 'fortran_order': False, 'shape': (1,)}", "holds strings, dtype '<U5'"),
    ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "Python objects"),
    ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "complex numbers"),
    ("{'descr': '<V2', 'fortran_order': False, 'shape': (1,)}", "such as bfloat16"),
    ("{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,)}", "records of several fields"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "larger than any memory"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,)}", "larger than any memory"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", "larger than any memory"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "too large"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "not a whole number of 0 or more"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}", "not a whole number of 0 or more"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "lacks 'shape'"),
    ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "lacks 'fortran_order'"),
    ("{'descr': '<f4', 'shape': (1,)}", "lacks 'fortran_order'"),
    ("{'fortran_order': False, 'shape': (1,)}", "lacks the type"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "unknown key 'x'"),
    ("{'descr': '<f4', 'descr': '<f4'}", "says 'descr' twice"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} ()", "goes on after its end"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1", "lacks a ',' or ')'"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-,)}", "number -"),
    ("{'descr: 1", "string without an end"),
    ("{1: 2}", "a key that is no string"),
    ("((((((((1", "nested too deeply"),
    ("[1]", "not a dictionary"),
    ("", "not a Python literal"),
    ("\u{93}", "not a Python literal"),
  ])
  func refusesHostileHeaders(_ header: String, _ message: String) throws {
    let fault = try fault { _ = try read(npy(header, [0, 0, 0, 0])) }
    #expect(fault.kind == .badInput)
    #expect(fault.description.contains(message), "\(fault)")
  }

  @Test func refusesWrongLengths() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"
    #expect(try fault { _ = try read(npy(header, [0, 0, 0])) }.message.contains("needs 4 bytes and 3 follow"))
    #expect(try fault { _ = try read(npy(header, [0, 0, 0, 0, 0])) }.message.contains("is too long"))
    #expect(try fault { _ = try read(npy(header, major: 9)) }.message.contains("version 9.0"))
    #expect(try fault { _ = try read(npy(String(repeating: " ", count: 70_000), major: 2)) }.message.contains("header of 70000 bytes"))
    #expect(try fault { _ = try read(Array("not a tensor".utf8)) }.message.contains("not a .npy file"))
    #expect(try fault { _ = try read([]) }.message.contains("not a .npy file"))
    let bool = npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", [1, 2])
    #expect(try fault { _ = try read(bool) }.description.contains("element 1: has a bool that is neither 0 nor 1"))
  }

  @Test func refusesEveryCutFile() throws {
    let whole = NpyFormat.bytes(of: .vector([1, 2, 3]))
    for length in 0..<whole.count { #expect(throws: Diagnostic.self) { try read(Array(whole[..<length])) } }
  }

  @Test func survivesEveryFlippedByte() throws {
    let whole = NpyFormat.bytes(of: .vector([1]))
    for index in whole.indices {
      for flip in [0x01, 0x80, 0xff] as [UInt8] {
        var bytes = whole
        bytes[index] ^= flip
        do { _ = try read(bytes) } catch is Diagnostic {}
      }
    }
  }

  @Test func namesTheFile() throws {
    try TemporaryFolder.use { folder in
      let path = try folder.write("a.npy", npy("[]"))
      #expect(try fault { _ = try NpyFormat().read(path: path) }.description == "\(path): the header is not a dictionary")
    }
  }
}
