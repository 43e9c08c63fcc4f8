import GraphIR
import Hardware
import PluginAPI
import Testing

/// The text of a file in `hardware/`.
func shippedText(_ name: String) throws -> String {
  let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  return String(decoding: try Files.read("/\(root)/hardware/\(name).yaml"), as: UTF8.self)
}

/// The messages of what `body` throws, one for each fault.
func messages(_ body: () throws -> some Any) -> [String] {
  do {
    _ = try body()
    return []
  } catch let faults as Diagnostics { return faults.all.map(\.description) } catch { return ["\(error)"] }
}

/// The files that come with the program.
@Suite struct ShippedFileTests {
  @Test(arguments: HardwareFile.builtIn) func builtInCopyIsTheFile(_ name: String) throws {
    let file = try HardwareFile.parse(shippedText(name), file: name)
    #expect(try HardwareFile.load(name) == file)
    #expect(file.name == name)
    #expect(file.facts.allSatisfy { !$0.source.isEmpty })
    #expect(file.sheet.rows.count == file.facts.count)
  }

  /// Bits of magnitudes are driven with their sign.
  @Test func codesThatComeBitByBit() throws {
    let chip = try HardwareFile.loadMacro("jia-65nm")
    #expect(chip.encoding == .bitSerial && chip.codes(bits: 8) == -255...255 && chip.codes(bits: 4) == -15...15)
  }

  @Test func convRAM() throws {
    let chip = try HardwareFile.loadMacro("conv-ram-isscc2018")
    #expect([chip.localArrays, chip.rows, chip.columns] == [16, 16, 64])
    #expect(MacroDescription.largestCode(bits: chip.inputBits) == 63)
    let converter = try #require(chip.converter)
    #expect(converter.bits == 7 && converter.fullScale == 1 && converter.meanOver == .connected)
    #expect(chip.cycle.quantity == Quantity(150, "ns", .quoted, source: "T_core in UIUC row 15, at N = 50"))
    #expect(chip.energy.rowWrite.quantity == nil)
    #expect(chip.energy.rowWrite.source == "not published")
  }

  /// The fit gives back the points it was made from (chip.md 3.3): 56.94 pJ for 16 outputs of 50 inputs, 4.23 pJ for one of 6 of 25.
  @Test func energyFit() throws {
    let chip = try HardwareFile.loadMacro("conv-ram-isscc2018")
    let dac = try #require(chip.energy.dacConversion.number)
    let output = try #require(chip.energy.output.number)
    let cycle = try #require(chip.fact("published.cycle_energy")?.number)
    #expect(abs(50 * dac + 16 * output - cycle) < 0.2)
    #expect(abs(25 * dac / 6 + output - 4.23) < 0.02)
    #expect(abs(16 * 50 * 2 / 150.0 - (chip.fact("published.throughput")?.number ?? 0)) < 0.05)
  }

  /// Stillmaker and Baas: energy of 65 nm at 1.2 V over 45 nm HP at 0.9 V, and every operation of the processor by it.
  @Test func scaledOperations() throws {
    let factor = (3.755 * 1.2 * 1.2 - 4.398 * 1.2 + 1.975) / (1.018 * 0.9 * 0.9 - 0.3107 * 0.9 + 0.1539)
    #expect(abs(factor - 3.0115) < 5e-4)
    let operations = try HardwareFile.loadProcessor("processor-65nm-int8").operations
    let pairs = [
      (operations.int8Multiply, 0.2), (operations.int16Add, 0.05), (operations.int32Add, 0.1), (operations.float32Multiply, 3.7),
      (operations.float32Add, 0.9),
    ]
    for (fact, horowitz) in pairs { #expect(abs((fact.number ?? 0) - horowitz * factor) < 2e-3, "\(fact.path)") }
  }

  /// The published ends of an output's energy, from 0 to 15 for 16 outputs, and codes counted from either end.
  @Test func energyByCode() throws {
    let energy = try #require(try HardwareFile.loadMacro("dong-7nm").energy.outputByCode)
    func one(_ code: Int, top: Int) -> [Int] { (-top...top).map { $0 == code ? 16 : 0 } }
    #expect(abs((energy.picojoules(counts: one(-7, top: 7), top: 7) ?? 0) - 3.36) < 1e-9)
    #expect(abs((energy.picojoules(counts: [Int](repeating: 0, count: 15) + [16], top: 7) ?? 0) - 7.8) < 1e-9)
    let text = try shippedText("dong-7nm").replacing("from: {value: lowest", with: "from: {value: zero")
    guard case .macro(let other) = try HardwareFile.parse(text, file: "x.yaml") else { return #expect(Bool(false), "no macro") }
    let steps = try #require(other.energy.outputByCode)
    for code in [-5, 5] { #expect(abs((steps.picojoules(counts: one(code, top: 7), top: 7) ?? 0) - 16 * (0.21 + 5 * 0.0185)) < 1e-9) }
  }

  @Test func unitsAreConverted() throws {
    let chip = try HardwareFile.loadMacro("conv-ram-isscc2018")
    #expect(abs((chip.fact("published.output_energy")?.number ?? 0) - 3.5587) < 1e-9)
    let machine = try HardwareFile.loadProcessor("processor-65nm-int8")
    #expect(machine.memories.map(\.capacityBytes) == [2048, 8192, 32768, 65536, 131072, 1_048_576, nil])
    #expect(machine.memory(holding: 8192).name == "sram-8KB")
    #expect(machine.memory(holding: 8193).name == "sram-32KB")
    #expect(machine.memory(holding: 1 << 30).name == "dram")
  }
}
