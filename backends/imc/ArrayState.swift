import CIMCKernels

/// What the cells of all macros hold: one bit a column, a row for each row slot of each local array.
struct ArrayState {
  /// By macro, row slot, local array and word.
  private(set) var cells: [UInt64]
  private let wordsPerSlot: Int
  private let rowsPerMacro: Int

  init(_ program: Program) {
    wordsPerSlot = program.wordsPerPlacement
    rowsPerMacro = program.machine.description.rows
    cells = [UInt64](repeating: 0, count: program.machine.slots * wordsPerSlot)
  }

  /// Where a placement's rows begin in `cells`.
  func offset(of placement: Program.Placement) -> Int { (placement.macro * rowsPerMacro + placement.row) * wordsPerSlot }

  /// Writes the rows of placements.
  mutating func write(_ placements: [Int], _ program: Program) {
    for number in placements {
      let offset = offset(of: program.placements[number])
      cells.replaceSubrange(offset..<offset + wordsPerSlot, with: program.rows[number * wordsPerSlot..<(number + 1) * wordsPerSlot])
    }
  }
}

/// The evaluations of one layer that follow one load: at each position, the tiles that the array holds, each for its groups of filters.
struct Evaluation {
  /// One input drive, and the placements that see it.
  private struct Drive {
    let columns: Range<Int>
    let placements: [Program.Placement]
  }

  private let layer: Layer
  /// By copy of the layer.
  private let drives: [[Drive]]
  /// The positions of each copy.
  private let shares: [Range<Int>]
  private let words: Int
  private let sumRows = bitline_imc_choose_sum_rows()

  init(_ program: Program, _ layer: Layer, number: Int, _ placements: Range<Int>) {
    self.layer = layer
    words = program.machine.wordsPerRow
    let copies = program.assignment.copies[number]
    shares = (0..<copies).map { program.positions(ofLayer: number, copy: $0) }
    drives = (0..<copies).map { copy in
      let own = program.placements(ofLayer: number, copy: copy)
      let evaluated = own[own.indices.clamped(to: placements)]
      return layer.tiles.enumerated().compactMap { number, tile in
        let rows = evaluated.filter { $0.tile == number && !layer.groups[$0.group].filters.isEmpty }
        return rows.isEmpty ? nil : Drive(columns: tile, placements: rows)
      }
    }
  }

  /// Adds what is read to `sums`, `[N, F, positions]`.
  func run(_ codes: UnsafeBufferPointer<UInt8>, samples: Int, _ array: ArrayState, into sums: UnsafeMutableBufferPointer<Int32>) {
    guard samples > 0, let codes = codes.baseAddress, let sums = sums.baseAddress else { return }
    let perSample = layer.filters * layer.positions
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: layer.geometry.paddedCount) { padded in
      padded.initialize(repeating: 0)
      for sample in 0..<samples {
        let own = codes + sample * layer.geometry.sampleCount
        if layer.geometry.rows.isEmpty {
          run(own, array, into: sums + sample * perSample)
        } else if let padded = padded.baseAddress {
          layer.geometry.copy(own, into: padded)
          run(padded, array, into: sums + sample * perSample)
        }
      }
    }
  }

  /// One sample.
  private func run(_ sample: UnsafePointer<UInt8>, _ array: ArrayState, into sums: UnsafeMutablePointer<Int32>) {
    let bits = Int32(layer.magnitudeBits)
    let isSigned: Int32 = layer.isSigned ? 1 : 0
    let positions = layer.positions
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16 * words) { planes in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: layer.filters) { tileSums in
        array.cells.withUnsafeBufferPointer { cells in
          layer.columns.withUnsafeBufferPointer { columns in
            guard let planes = planes.baseAddress, let tileSums = tileSums.baseAddress, let cells = cells.baseAddress,
              let columns = columns.baseAddress
            else { return }
            for (own, drives) in zip(shares, drives) {
              for position in own {
                for drive in drives {
                  let driven = Int32(drive.columns.count)
                  let inputs = sample + Int(layer.geometry.positions[position])
                  let codeSum = bitline_imc_drive(inputs, columns + drive.columns.lowerBound, driven, bits, isSigned, planes)
                  for placement in drive.placements {
                    let group = layer.groups[placement.group]
                    let filters = group.filters
                    sumRows(
                      planes, bits, isSigned, (driven + 63) / 64, cells + array.offset(of: placement) + group.firstArray * words,
                      Int32(words),
                      Int32(filters.count), codeSum, tileSums)
                    read(tileSums, filters, into: sums + position, stride: positions)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Reads out the sums of one evaluation and adds them, digitally, to their filters.
  @inline(__always)
  private func read(_ tileSums: UnsafePointer<Int32>, _ filters: Range<Int>, into sums: UnsafeMutablePointer<Int32>, stride: Int) {
    if layer.readings.isEmpty {
      for array in 0..<filters.count { sums[(filters.lowerBound + array) * stride] &+= tileSums[array] }
    } else {
      for array in 0..<filters.count { sums[(filters.lowerBound + array) * stride] &+= layer.readings[Int(tileSums[array]) + layer.limit] }
    }
  }
}
