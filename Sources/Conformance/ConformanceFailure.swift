import GraphIR

/// One way in which a machine does not do what the graph means.
///
/// A value is compared with what the reference makes of the operands that the machine itself shows, under the tolerance of that one op. So
/// rounding in a float op is never blamed on the ops after it, and a `quantize` must match in every code, even where the number before it
/// lies on an edge and another machine's rounding would take it to the neighbouring code.
public struct ConformanceFailure: Hashable, Sendable {
  /// What was demanded and not met.
  public enum Demand: String, Hashable, Sendable {
    /// The stage's graph could be made.
    case stage
    /// The graph compiles, unless the backend says that it does not take it.
    case compile
    /// The executable names the graph that it was given.
    case graph
    /// The run does not throw, and gives as many tensors as asked for.
    case run
    /// A value has the type that the graph says.
    case type
    /// A value is what the reference makes of the op's operands, within the op's tolerance.
    case value
    /// Outputs are the same bytes whether values are tapped or not.
    case taps
    /// Values are the same bytes for any number of threads.
    case threads
    /// Values are the same bytes when the batch is run in parts.
    case batchSplit = "batch split"
  }

  /// The name of the case.
  public let caseName: String
  /// The stage of the graph, such as `lowered`; empty when the case was checked as it is.
  public var stage = ""
  /// What was not met.
  public let demand: Demand
  /// The value at fault, in the executable's graph; nil when the run as a whole is.
  public let value: ValueID?
  /// What stands there instead, in one sentence without a full stop.
  public let message: String

  init(_ caseName: String, _ demand: Demand, value: ValueID? = nil, _ message: String) {
    self.caseName = caseName
    self.demand = demand
    self.value = value
    self.message = message
  }
}

extension ConformanceFailure: CustomStringConvertible {
  /// One line: `case (stage): demand: %value: message`.
  public var description: String {
    let place = stage.isEmpty ? caseName : "\(caseName) (\(stage))"
    return "\(place): \(demand.rawValue): \(value.map { "\($0): " } ?? "")\(message)"
  }
}
