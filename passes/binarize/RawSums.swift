import CBinarizeKernels
import Dispatch
import GraphIR

/// Sums over calibration data, from which least squares are made: products of a layer's inputs with each other and with its targets.
///
/// Rows are taken in blocks: whole codes multiply without rounding, and all else is summed in one fixed order, so the sums are the same for
/// any number of threads and at every instruction level.
struct RawSums {
  let inputs: Int
  let filters: Int
  /// Columns of the matrix: inputs, rounded up to whole panels.
  let stride: Int
  private(set) var rows = 0
  private(set) var gram: [Double]
  private(set) var cross: [Double]
  private(set) var input: [Double]
  private(set) var target: [Double]
  private(set) var square: [Double]

  init(inputs: Int, filters: Int) {
    (self.inputs, self.filters) = (inputs, filters)
    let panel = Int(BITLINE_PANEL)
    stride = (inputs + panel - 1) / panel * panel
    gram = [Double](repeating: 0, count: stride * stride)
    cross = [Double](repeating: 0, count: filters * stride)
    input = [Double](repeating: 0, count: stride)
    target = [Double](repeating: 0, count: filters)
    square = [Double](repeating: 0, count: filters)
  }

  /// How many of `available` rows are worth their time for so many inputs.
  static func rowLimit(inputs: Int, available: Int) -> Int {
    min(available, max(8 * inputs, min(200_000, 40_000_000_000 / (inputs * inputs))))
  }

  /// Takes in one batch: every `1/share` of its rows, spread evenly.
  mutating func add(_ x: Tensor, _ y: Tensor, _ windows: InputWindows, share: Double) {
    let places = windows.offsets.count
    let available = x.shape[0] * places
    let wanted = min(available, Int((Double(available) * share).rounded(.up)))
    guard wanted > 0 else { return }
    let block = Int(BITLINE_BLOCK)
    let numbers = x.codesAsFloats
    let panels = UnsafeMutableBufferPointer<Float>.aligned(count: block * stride)
    let targets = UnsafeMutableBufferPointer<Float>.aligned(count: block * filters)
    defer {
      panels.deallocate()
      targets.deallocate()
    }
    for first in Swift.stride(from: 0, to: wanted, by: block) {
      let chosen = (first..<min(first + block, wanted)).map { $0 * available / wanted }
      fill(panels, numbers, windows, chosen, sample: numbers.count / x.shape[0])
      y.withElements(Float.self) { y in
        for filter in 0..<filters {
          for (row, index) in chosen.enumerated() {
            targets[filter * chosen.count + row] = y[(index / places * filters + filter) * places + index % places]
          }
        }
      }
      addBlock(panels, targets, rows: chosen.count)
      rows += chosen.count
    }
  }

  /// Writes the inputs of the chosen rows into panels, zeros into columns beyond them.
  private func fill(
    _ panels: UnsafeMutableBufferPointer<Float>, _ numbers: [Float], _ windows: InputWindows, _ chosen: [Int], sample: Int
  ) {
    let (panel, places, taps) = (Int(BITLINE_PANEL), windows.offsets.count, windows.taps)
    numbers.withUnsafeBufferPointer { numbers in
      for (row, index) in chosen.enumerated() {
        let start = index / places * sample
        windows.offsets[index % places].withUnsafeBufferPointer { offsets in
          var (channel, tap) = (0, 0)
          for column in 0..<stride {
            let place = (column / panel * chosen.count + row) * panel + column % panel
            guard column < inputs else {
              panels[place] = 0
              continue
            }
            panels[place] = offsets[tap] < 0 ? 0 : numbers[start + channel * windows.plane + offsets[tap]]
            tap += 1
            if tap == taps { (channel, tap) = (channel + 1, 0) }
          }
        }
      }
    }
  }

  private mutating func addBlock(_ panels: UnsafeMutableBufferPointer<Float>, _ targets: UnsafeMutableBufferPointer<Float>, rows: Int) {
    let (panel, stride, filters) = (Int(BITLINE_PANEL), stride, filters)
    nonisolated(unsafe) let inputs = UnsafePointer(panels.baseAddress!)
    nonisolated(unsafe) let wanted = UnsafePointer(targets.baseAddress!)
    for column in 0..<self.inputs {
      var sum = 0.0
      for row in 0..<rows { sum += Double(inputs[(column / panel * rows + row) * panel + column % panel]) }
      input[column] += sum
    }
    for filter in 0..<filters {
      for row in 0..<rows {
        let number = Double(wanted[filter * rows + row])
        target[filter] += number
        square[filter] += number * number
      }
    }
    gram.withUnsafeMutableBufferPointer { gram in
      cross.withUnsafeMutableBufferPointer { cross in
        nonisolated(unsafe) let gram = gram.baseAddress
        nonisolated(unsafe) let cross = cross.baseAddress!
        let blocks = stride / panel
        // The longest rows of the triangle first, so that threads end together.
        DispatchQueue.concurrentPerform(iterations: blocks + filters) { task in
          if task < blocks {
            let last = Int64(blocks - task)
            bitline_gram_add(inputs, Int64(rows), Int64(stride), last - 1, last, gram)
          } else {
            let filter = task - blocks
            bitline_cross_add(inputs, Int64(rows), Int64(stride), wanted + filter * rows, 1, cross + filter * stride)
          }
        }
      }
    }
  }
}

extension UnsafeMutableBufferPointer where Element == Float {
  /// Memory on a boundary that any vector unit takes.
  fileprivate static func aligned(count: Int) -> Self {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Float>.stride, alignment: 64)
    return Self(start: raw.bindMemory(to: Float.self, capacity: count), count: count)
  }
}

extension Tensor {
  /// Codes or numbers as f32.
  fileprivate var codesAsFloats: [Float] {
    switch element {
    case .uint8: withElements(UInt8.self) { $0.map(Float.init) }
    case .int8: withElements(Int8.self) { $0.map(Float.init) }
    default: floats
    }
  }
}
