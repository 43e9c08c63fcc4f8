import GraphIR
import PluginAPI
import ReferenceKernels

/// Checks that a backend does what graphs mean: every value of every case, at every stage.
public enum Conformance {
  /// What becomes of a case's graph before it is compiled.
  public struct Stage: Sendable {
    /// The name in reports, such as `lowered`.
    public let name: String
    /// Makes the stage's graph of a case.
    public let prepare: @Sendable (ConformanceCase) throws -> Graph

    /// A stage; `prepare` makes its graph, which must keep the inputs. It may calibrate on the case's inputs.
    public init(_ name: String, prepare: @escaping @Sendable (ConformanceCase) throws -> Graph) {
      self.name = name
      self.prepare = prepare
    }

    /// The graph as it is in the case.
    public static let raw = Stage("raw") { $0.graph }
  }

  /// How a whole suite went.
  public struct Summary: Sendable {
    /// Cases times stages that ran.
    public fileprivate(set) var checked = 0
    /// Those that the backend said it does not take, with its reason.
    public fileprivate(set) var refused: [(caseName: String, stage: String, reason: String)] = []
    /// All that went wrong, in the order of the cases.
    public fileprivate(set) var failures: [ConformanceFailure] = []
  }

  /// Compiles and checks every case at every stage. What `compile` refuses as unsupported is listed, not failed.
  public static func run(
    _ cases: [ConformanceCase], stages: [Stage], compile: (Graph) throws -> any Executable
  ) -> Summary {
    var summary = Summary()
    for item in cases {
      for stage in stages {
        let failures = check(item, stage, compile) { summary.refused.append((item.name, stage.name, $0)) }
        guard let failures else { continue }
        summary.checked += 1
        summary.failures += failures.map { failure in
          var placed = failure
          placed.stage = stage.name
          return placed
        }
      }
    }
    return summary
  }

  /// The failures of one case at one stage; nil when the backend does not take the graph.
  private static func check(
    _ item: ConformanceCase, _ stage: Stage, _ compile: (Graph) throws -> any Executable, refuse: (String) -> Void
  ) -> [ConformanceFailure]? {
    let graph: Graph
    do {
      graph = try stage.prepare(item)
      try Diagnostics.throwIfAny(Verifier.faults(in: graph))
    } catch {
      return [ConformanceFailure(item.name, .stage, "\(error)")]
    }
    let executable: any Executable
    do {
      executable = try compile(graph)
    } catch let fault as Diagnostic where fault.kind == .unsupported {
      refuse("\(fault)")
      return nil
    } catch let faults as Diagnostics where faults.all.allSatisfy({ $0.kind == .unsupported }) {
      refuse("\(faults)")
      return nil
    } catch {
      return [ConformanceFailure(item.name, .compile, "\(error)")]
    }
    do {
      return try check(item.with(graph), executable: executable)
    } catch {
      return [ConformanceFailure(item.name, .value, "the reference throws: \(error)")]
    }
  }

  /// The ways in which an executable of the case's graph does not do what the graph means.
  ///
  /// Every value is tapped and compared with the reference; then outputs without taps, two threads, and the batch in two parts must give the
  /// same bytes. Throws only what the reference itself throws.
  public static func check(_ item: ConformanceCase, executable: any Executable) throws -> [ConformanceFailure] {
    guard executable.graph == item.graph else {
      return [ConformanceFailure(item.name, .graph, "the executable's graph is not the one that was compiled")]
    }
    let observation = Observation(item, executable)
    return try observation.failures()
  }
}
