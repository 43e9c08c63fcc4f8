import CCPUKernels
import GraphIR

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An instruction level of the C kernels, known to be present on this machine.
package struct InstructionLevel: Hashable, Sendable, CustomStringConvertible {
  package let isa: bitline_isa

  /// A level by name; `best` is what `BITLINE_ISA` names, or the most that this machine has.
  package init(named name: String) throws {
    if name != "best" {
      self = try InstructionLevel.present(name, said: "option 'isa'")
      return
    }
    if let forced = getenv("BITLINE_ISA") { _ = try InstructionLevel.present(String(cString: forced), said: "BITLINE_ISA") }
    isa = bitline_isa_active()
  }

  private init(_ isa: bitline_isa) { self.isa = isa }

  /// All levels that this machine has, from the plainest on.
  package static var all: [InstructionLevel] {
    let known = [BITLINE_ISA_PORTABLE, BITLINE_ISA_AVX2, BITLINE_ISA_AVX512, BITLINE_ISA_NEON]
    return known.filter { bitline_isa_supported($0) != 0 }.map { InstructionLevel($0) }
  }

  private static func present(_ name: String, said source: String) throws -> InstructionLevel {
    guard let level = all.first(where: { $0.description == name }) else {
      let known = all.map(\.description).joined(separator: ", ")
      throw Diagnostic(.usage, "\(source) names the instruction level '\(name)', which this machine does not have", hint: "it has \(known)")
    }
    return level
  }

  package var description: String { String(cString: bitline_isa_name(isa)) }
}
