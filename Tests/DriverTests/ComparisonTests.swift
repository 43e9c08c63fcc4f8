import Driver
import GraphIR
import PluginAPI
import ReferenceKernels
import Testing

/// Reference kernels as a machine, with a fault to order.
private struct FaultyMachine: Executable {
  let graph: Graph
  /// Adds this to one element of the value of that node.
  var fault: (node: Int, element: Int, by: Float)?

  func run(_ inputs: [Tensor], taps: [ValueID], threads: Int) throws -> RunResult {
    var values = try Reference.run(graph, inputs)
    if let fault {
      let id = Int(graph.nodes[fault.node].results[0].index)
      switch values[id].element {
      case .float32: values[id].withMutableElements(Float.self) { $0[fault.element] += fault.by }
      case .int32: values[id].withMutableElements(Int32.self) { $0[fault.element] += Int32(fault.by) }
      default: Issue.record("no fault for \(values[id].element)")
      }
    }
    return RunResult(outputs: graph.outputs.map { values[Int($0.value.index)] }, taps: taps.map { values[Int($0.index)] })
  }
}

@Suite struct ComparisonTests {
  /// quantize, binary_dense, rescale: everything exact by contract.
  private func graph() throws -> Graph {
    try Parser.parse(
      """
      graph "g" {
        %0 = input "x" : f32[?x4]
        %1 = constant [0.25] : f32[]
        %2 = quantize(%0, %1) {hi=63} : u8[?x4] @"q"
        %3 = constant [1, -1, 1, 1, -1, -1, 1, 1] : bit[2x4]
        %4 = binary_dense(%2, %3) : i32[?x2] @"layer"
        %5 = constant [0.5, 0.5] : f32[2]
        %6 = rescale(%4, %5, %5) : f32[?x2] @"layer"
        output "y" = %6
      }
      """)
  }

  private let batch = [Tensor(.float32, [2, 4], [0.5, 1, 2, 3, 1, 1, 0, 4] as [Float])]

  @Test func equalMachinesAreEqualByteForByte() throws {
    let graph = try graph()
    var comparison = try Comparison([("a", FaultyMachine(graph: graph)), ("b", FaultyMachine(graph: graph))])
    _ = try comparison.add(batch, threads: 1)
    #expect(comparison.isExact && comparison.holds && comparison.firstDifference == nil)
    #expect(comparison.samples == 2)
  }

  @Test(arguments: [(1, "layer", 1), (2, "layer", 0)])
  func theFirstDifferenceIsNamed(_ node: Int, _ origin: String, _ sample: Int) throws {
    let graph = try graph()
    let faulty = FaultyMachine(graph: graph, fault: (node, sample * 2, 1))
    var comparison = try Comparison([("a", FaultyMachine(graph: graph)), ("b", faulty)])
    _ = try comparison.add(batch, threads: 1)
    #expect(!comparison.holds)
    let row = try #require(comparison.firstDifference)
    #expect(row.origin == origin)
    #expect(row.op == graph.nodes[node].op.name)
    #expect(row.agreement.firstViolation?.sample == sample)
    #expect(row.agreement.differing == 1)
  }

  @Test func behindAFloatLayerATinyDifferenceIsAllowed() throws {
    let graph = try Parser.parse(
      """
      graph "g" {
        %0 = input "x" : f32[?x4]
        %1 = constant [1.0, 2.0, 3.0, 4.0] : f32[1x4]
        %2 = dense(%0, %1) : f32[?x1] @"d"
        output "y" = %2
      }
      """)
    for (by, holds) in [(Float(1e-6), true), (0.01, false)] {
      var comparison = try Comparison([("a", FaultyMachine(graph: graph)), ("b", FaultyMachine(graph: graph, fault: (0, 0, by)))])
      _ = try comparison.add(batch, threads: 1)
      #expect(comparison.holds == holds, "\(by)")
      #expect(!comparison.isExact)
    }
  }

  @Test func signalToDifferenceInDecibels() throws {
    var agreement = Agreement()
    agreement.add(
      reference: Tensor.vector([1, 1, 1, 1]), candidate: Tensor.vector([1.1, 1, 1, 1]), tolerance: .relative(1), firstSample: 0)
    // Signal 4, difference 0.01: 10 log10(400) = 26.02.
    #expect(abs((agreement.sqnr ?? 0) - 26.0206) < 0.001)
    #expect(agreement.holds)
  }

  @Test func decisionsTakeTheFirstOfEquals() {
    #expect(Accuracy.decisions(Tensor(.float32, [2, 3], [1, 5, 5, 2, 0, 1] as [Float])) == [1, 0])
  }
}
