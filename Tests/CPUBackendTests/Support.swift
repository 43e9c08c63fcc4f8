import CCPUKernels
import CPUBackend
import GraphIR
import Testing

/// SplitMix64: the same numbers on every machine.
struct Generator: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(bitPattern: Int64(seed)) &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }

  mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
  mutating func flag() -> Bool { next() & 1 == 1 }
  mutating func floats(_ count: Int, _ range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
  mutating func signs(_ count: Int) -> [Int8] { (0..<count).map { _ in next() & 1 == 1 ? 1 : -1 } }
}

/// Memory aligned to 64 bytes, between two lines of canaries.
///
/// A class because it owns memory.
final class Guarded<Element: BitwiseCopyable> {
  private static var line: Int { 64 }
  private let raw: UnsafeMutableRawBufferPointer
  let count: Int

  init(_ count: Int) {
    self.count = count
    let size = count * MemoryLayout<Element>.stride
    raw = .allocate(byteCount: size + 2 * Guarded.line, alignment: Guarded.line)
    raw.initializeMemory(as: UInt8.self, repeating: 0xa5)
  }

  convenience init(_ elements: [Element]) {
    self.init(elements.count)
    elements.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: raw[Guarded.line..<Guarded.line + $0.count]).copyMemory(from: $0) }
  }

  deinit { raw.deallocate() }

  var base: UnsafeMutablePointer<Element> { (raw.baseAddress! + Guarded.line).assumingMemoryBound(to: Element.self) }
  var elements: [Element] { Array(UnsafeBufferPointer(start: base, count: count)) }

  /// Whether nobody wrote beside the memory.
  var isIntact: Bool {
    let end = Guarded.line + count * MemoryLayout<Element>.stride
    return raw[..<Guarded.line].allSatisfy { $0 == 0xa5 } && raw[end...].allSatisfy { $0 == 0xa5 }
  }
}

/// A random window over random extents, as the C kernels take it.
struct WindowCase: CustomStringConvertible {
  var shape: bitline_conv_shape
  var batch: Int
  let seed: Int

  init(_ generator: inout Generator, seed: Int, grouped: Bool) {
    self.seed = seed
    var groups = 1
    var (channels, filters) = (generator.int(1...9), generator.int(1...20))
    if seed % 11 == 0 { channels = 80 }
    if grouped && seed % 5 == 0 {
      groups = generator.int(2...4)
      (channels, filters) = (groups * generator.int(1...3), groups * generator.int(1...10))
    }
    if grouped && seed % 7 == 0 {
      groups = generator.int(2...8)
      (channels, filters) = (groups, groups * generator.int(1...2))
    }
    // Every third is 1x1 without padding: the kernels do not copy its input.
    let isPoint = seed % 3 == 0
    let (kernelHeight, kernelWidth) = isPoint ? (1, 1) : (generator.int(1...4), generator.int(1...4))
    let (stride, dilation) = isPoint ? (1, 1) : (generator.int(1...3), generator.int(1...2))
    let pads = isPoint ? (0, 0) : (generator.int(0...2), generator.int(0...2))
    let (height, width) = (kernelHeight * dilation + generator.int(0...11), kernelWidth * dilation + generator.int(0...39))
    let out = [(height, kernelHeight, pads.0), (width, kernelWidth, pads.1)].map { extent, kernel, pad in
      (extent + 2 * pad - (kernel - 1) * dilation - 1) / stride + 1
    }
    shape = bitline_conv_shape(
      channels: Int32(channels), height: Int32(height), width: Int32(width), filters: Int32(filters), groups: Int32(groups),
      kernel_height: Int32(kernelHeight), kernel_width: Int32(kernelWidth), stride_height: Int32(stride), stride_width: Int32(stride),
      dilation_height: Int32(dilation), dilation_width: Int32(dilation), pad_top: Int32(pads.0), pad_left: Int32(pads.1),
      out_height: Int32(out[0]), out_width: Int32(out[1]))
    batch = generator.int(1...6)
  }

  var description: String { "seed \(seed), batch \(batch), \(shape)" }

  var inputs: Int { Int(shape.channels / shape.groups * shape.kernel_height * shape.kernel_width) }
  var inputCount: Int { batch * Int(shape.channels * shape.height * shape.width) }
  var filters: Int { Int(shape.filters) }
  var positions: Int { Int(shape.out_height * shape.out_width) }
  var outputCount: Int { batch * filters * positions }

  /// For each result, the flat input index of each of its K inputs; nil in the padding.
  func forEachResult(_ body: (_ result: Int, _ filter: Int, _ inputs: [Int?]) -> Void) {
    let s = shape
    let (channels, filters) = (Int(s.channels / s.groups), Int(s.filters / s.groups))
    var result = 0
    for sample in 0..<batch {
      for filter in 0..<Int(s.filters) {
        for y in 0..<Int(s.out_height) {
          for x in 0..<Int(s.out_width) {
            var found: [Int?] = []
            for channel in 0..<channels {
              for ky in 0..<Int(s.kernel_height) {
                for kx in 0..<Int(s.kernel_width) {
                  let row = y * Int(s.stride_height) + ky * Int(s.dilation_height) - Int(s.pad_top)
                  let column = x * Int(s.stride_width) + kx * Int(s.dilation_width) - Int(s.pad_left)
                  let plane = sample * Int(s.channels) + filter / filters * channels + channel
                  let isInside = (0..<Int(s.height)).contains(row) && (0..<Int(s.width)).contains(column)
                  found.append(isInside ? (plane * Int(s.height) + row) * Int(s.width) + column : nil)
                }
              }
            }
            body(result, filter, found)
            result += 1
          }
        }
      }
    }
  }
}

/// Whether two lists of floats have the same bits; every NaN is like every other.
func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

let noActivation = bitline_activation(kind: BITLINE_ACTIVATION_NONE, lo: 0, hi: 0)
let relu = bitline_activation(kind: BITLINE_ACTIVATION_RELU, lo: 0, hi: 0)
func clip(_ lo: Float, _ hi: Float) -> bitline_activation { bitline_activation(kind: BITLINE_ACTIVATION_CLIP, lo: lo, hi: hi) }

func activate(_ a: bitline_activation, _ x: Float) -> Float {
  switch a.kind {
  case BITLINE_ACTIVATION_RELU: x < 0 ? 0 : x
  case BITLINE_ACTIVATION_CLIP: x < a.lo ? a.lo : x > a.hi ? a.hi : x
  default: x
  }
}
