import GraphIR

/// One input of the fuzzer: a graph in the text form. Whatever it is, it is parsed or refused; what was parsed prints and parses to itself.
@_cdecl("LLVMFuzzerTestOneInput")
public func parseText(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let graph = try? Parser.parse(Array(UnsafeBufferPointer(start: start, count: count)), memoryLimit: 1 << 24) else { return 0 }
  _ = Verifier.faults(in: graph)
  guard Printer.constants(of: graph).isEmpty else { return 0 }
  let text = Printer.print(graph)
  do {
    let again = Printer.print(try Parser.parse(Array(text.utf8)))
    precondition(again == text, "printed twice:\n\(text)\n\(again)")
  } catch {
    preconditionFailure("what was printed does not parse: \(error)\n\(text)")
  }
  return 0
}
