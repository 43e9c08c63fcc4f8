import GraphIR
import Hardware
import Testing

/// Faults of hardware files: all of them together, each with its line.
@Suite struct FaultTests {
  /// The shipped file with one line replaced; `line` counts from 1.
  private func faults(in name: String, replacing old: String, with new: String) throws -> [String] {
    let text = try shippedText(name)
    #expect(text.contains(old), "the shipped file has no '\(old)'")
    let changed = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.contains(old) ? Substring(line.replacing(old, with: new)) : line
    }
    return messages { try HardwareFile.parse(changed.joined(separator: "\n"), file: "x.yaml") }
  }

  private func line(of text: String, in name: String) throws -> Int {
    let lines = try shippedText(name).split(separator: "\n", omittingEmptySubsequences: false)
    return (lines.firstIndex { $0.contains(text) } ?? -1) + 1
  }

  @Test func unknownField() throws {
    let found = try faults(in: "conv-ram-isscc2018", replacing: "rows: {value: 16", with: "row: {value: 16")
    let line = try line(of: "rows: {value: 16", in: "conv-ram-isscc2018")
    let section = try self.line(of: "local_arrays:", in: "conv-ram-isscc2018")
    #expect(
      found == [
        "x.yaml: line \(section): 'geometry.rows' is missing (unknown is said as {unknown: true, source: \"not published\"})",
        "x.yaml: line \(line): unknown field 'row' in 'geometry' (known: local_arrays, rows, columns)",
      ])
  }

  @Test func unknownUnit() throws {
    let found = try faults(in: "conv-ram-isscc2018", replacing: "cycle: {value: 150, unit: ns", with: "cycle: {value: 150, unit: pJ")
    let line = try line(of: "cycle: {value: 150", in: "conv-ram-isscc2018")
    #expect(found == ["x.yaml: line \(line): unknown unit 'pJ' for 'timing.cycle' (a time is in ns, ps, us, ms, s)"])
  }

  @Test func wrongType() throws {
    let line = try line(of: "cycle: {value: 150", in: "conv-ram-isscc2018")
    let word = try faults(in: "conv-ram-isscc2018", replacing: "cycle: {value: 150", with: "cycle: {value: fast")
    #expect(word == ["x.yaml: line \(line): 'timing.cycle.value' is 'fast' (wanted: a number)"])
    let list = try faults(in: "conv-ram-isscc2018", replacing: "cycle: {value: 150", with: "cycle: {value: [100, 150]")
    #expect(list == ["x.yaml: line \(line): 'timing.cycle.value' is a list (wanted: one number; sweeps over a list are not taken here)"])
    let bare = try faults(in: "conv-ram-isscc2018", replacing: "rows: {value: 16, unit: count, mark: M+", with: "rows: 16 # {")
    let rows = try self.line(of: "rows: {value: 16", in: "conv-ram-isscc2018")
    #expect(bare == ["x.yaml: line \(rows): 'geometry.rows' is '16' (wanted: the fields value, unit, mark, source, unknown)"])
  }

  @Test func outOfRange() throws {
    let found = try faults(in: "conv-ram-isscc2018", replacing: "columns: {value: 64", with: "columns: {value: 0")
    let line = try line(of: "columns: {value: 64", in: "conv-ram-isscc2018")
    #expect(found == ["x.yaml: line \(line): 'geometry.columns' is 0 count, which is out of range (wanted: 1 to 65536 count)"])
    let half = try faults(in: "conv-ram-isscc2018", replacing: "columns: {value: 64", with: "columns: {value: 64.5")
    #expect(half == ["x.yaml: line \(line): 'geometry.columns' is 64.5, not a whole number (wanted: 1 to 65536)"])
  }

  @Test func unknownWhereItIsNeeded() throws {
    let found = try faults(
      in: "conv-ram-isscc2018", replacing: "columns: {value: 64, unit: count, mark: S", with: "columns: {unknown: true")
    let line = try line(of: "columns: {value: 64", in: "conv-ram-isscc2018")
    #expect(found == ["x.yaml: line \(line): 'geometry.columns' cannot be unknown (wanted: 1 to 65536 count)"])
  }

  @Test func wrongMarkAndWord() throws {
    let line = try line(of: "mean_over:", in: "conv-ram-isscc2018")
    let mark = try faults(
      in: "conv-ram-isscc2018", replacing: "mean_over: {value: connected, mark: M-", with: "mean_over: {value: connected, mark: Z")
    #expect(mark == ["x.yaml: line \(line): unknown mark 'Z' of 'output.mean_over' (marks are V, S, D, M+, M, M-, A)"])
    let word = try faults(in: "conv-ram-isscc2018", replacing: "mean_over: {value: connected", with: "mean_over: {value: some")
    #expect(word == ["x.yaml: line \(line): 'output.mean_over' cannot be 'some' (wanted: one of connected, columns)"])
  }

  @Test func onlyComparatorsHaveReferences() throws {
    let found = try faults(
      in: "conv-ram-isscc2018", replacing: "mean_over: {value: connected",
      with: "reference: {value: filter, mark: A, source: \"a test\"}\n  mean_over: {value: connected")
    let line = try line(of: "mean_over:", in: "conv-ram-isscc2018")
    #expect(
      found == ["x.yaml: line \(line): 'output.reference' is what a comparator decides against, the converter has 7 bits (leave it out)"])
    #expect(try HardwareFile.loadMacro("valavi-65nm").converter?.reference == .filter)
    #expect(try HardwareFile.loadMacro("conv-ram-isscc2018").converter?.reference == .zero)
  }

  @Test func levelsLieAroundZero() throws {
    let line = try line(of: "levels: {value: 11", in: "xnor-sram")
    for levels in [10, 17] {
      let found = try faults(in: "xnor-sram", replacing: "levels: {value: 11", with: "levels: {value: \(levels)")
      let what = "'output.levels' is \(levels), which 4 bits do not hold around 0 (wanted: an odd number from 3 to 15)"
      #expect(found == ["x.yaml: line \(line): \(what)"])
    }
    #expect(try HardwareFile.loadMacro("xnor-sram").converter?.top == 5)
    #expect(try HardwareFile.loadMacro("jia-65nm").converter?.top == 127)
  }

  @Test func energyByCodeIsWhole() throws {
    let line = try line(of: "step: {value: 0.0185", in: "dong-7nm")
    let section = try self.line(of: "base: {value: 0.21", in: "dong-7nm")
    let found = try faults(in: "dong-7nm", replacing: "step: {value: 0.0185", with: "stop: {value: 0.0185")
    #expect(
      found == [
        "x.yaml: line \(section): 'energy.output_by_code.step' is missing (unknown is said as {unknown: true, source: \"not published\"})",
        "x.yaml: line \(line): unknown field 'stop' in 'energy.output_by_code' (known: base, step, from)",
      ])
  }

  @Test func allFaultsTogether() throws {
    let text = try shippedText("conv-ram-isscc2018").replacing("unit: ns", with: "unit: ms2").replacing("value: 0.64", with: "value: -1")
      .replacing("kind: macro", with: "kind: macro\ncolour: red")
    let found = messages { try HardwareFile.parse(text, file: "x.yaml") }
    #expect(found.count == 3)
    #expect(found.map { $0.contains("colour") } == [true, false, false])
    #expect(found.allSatisfy { $0.hasPrefix("x.yaml: line ") })
  }

  @Test func notYAML() {
    #expect(messages { try HardwareFile.parse("kind: [", file: "x.yaml") }.first?.hasPrefix("x.yaml: line ") == true)
    #expect(
      messages { try HardwareFile.parse("", file: "x.yaml") } == [
        "x.yaml: the file is empty (a hardware file begins with 'kind:' and 'name:')"
      ])
    let twice = messages { try HardwareFile.parse("kind: macro\nname: a\nname: b\n", file: "x.yaml") }
    #expect(twice == ["x.yaml: line 3: says 'name' twice (each field stands once)"])
    #expect(
      messages { try HardwareFile.parse("name: a\n", file: "x.yaml") } == [
        "x.yaml: line 1: does not say what it describes (wanted: kind: macro or processor)"
      ])
  }

  @Test(arguments: [
    ("a: 1\n---\nb: 2\n", "line 2: is not YAML of one document: another begins here"),
    ("a: 1\nb: *c\n", "line 2: is not YAML: nothing before is named '&c'"),
    ("a: &a [*a]\n", "line 1: is not YAML: nothing before is named '&a'"),
    ("a: \u{1}\n", "is not YAML: control characters are not allowed"),
    ("a: 1\nb: " + String(repeating: "[", count: 1 << 20), "line 2: is nested more than 100 levels deep"),
  ])
  func notOneTree(_ text: String, _ fault: String) {
    #expect(messages { try HardwareFile.parse(text, file: "x.yaml") } == ["x.yaml: \(fault)"])
  }

  @Test func anAliasIsWhatItNames() throws {
    let text = try shippedText("conv-ram-isscc2018")
    let rows = try #require(text.firstMatch(of: /rows: (\{value: 16.*\})/))
    let other = text.replacing(rows.0, with: "rows: &rows \(rows.1)").replacing(
      /columns: \{.*\}/, with: "columns: *rows", maxReplacements: 1)
    guard case .macro(let macro) = try HardwareFile.parse(other, file: "x.yaml") else { return #expect(Bool(false), "no macro") }
    #expect((macro.rows, macro.columns) == (16, 16))
  }

  @Test func memoriesGrow() throws {
    let text = try shippedText("processor-65nm-int8").replacing("capacity: {value: 8, unit: KB", with: "capacity: {value: 1, unit: KB")
    let found = messages { try HardwareFile.parse(text, file: "x.yaml") }
    #expect(found.count == 1 && found[0].contains("'memories[1]' is not larger than the memory before it"))
  }

  @Test func nobodyOfThatName() {
    let found = messages { _ = try HardwareFile.load("conv-rom") }
    #expect(found.count == 1 && found[0].contains("no hardware file 'conv-rom'") && found[0].contains("conv-ram-isscc2018"))
    #expect(messages { _ = try HardwareFile.loadMacro("processor-65nm-int8") }[0].contains("describes a processor, not a macro"))
  }
}
