import CIMCKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The C kernels of one instruction level; every level gives the same bytes.
struct Kernels: @unchecked Sendable {
  private let table: UnsafePointer<bitline_imc_kernels>

  /// The best level of this machine, or the one that `BITLINE_ISA` names if the machine has it.
  static let best: Kernels = {
    if let wanted = getenv("BITLINE_ISA"), let table = bitline_imc_choose(wanted) { return Kernels(table: table) }
    guard let table = bitline_imc_choose(nil) else { preconditionFailure("there is always a portable level") }
    return Kernels(table: table)
  }()

  /// A level by name; nil when this machine has not got it.
  static func level(_ name: String) -> Kernels? { bitline_imc_choose(name).map { Kernels(table: $0) } }

  private init(table: UnsafePointer<bitline_imc_kernels>) { self.table = table }

  var name: String { String(cString: table.pointee.name) }

  func gaussians(_ draw: bitline_imc_draw, _ quads: Int32, _ out: UnsafeMutablePointer<Float>) { table.pointee.gaussians(draw, quads, out) }

  var functions: bitline_imc_kernels { table.pointee }
}
