import GraphIR

/// What one run of a network costs, layer by layer, for one sample.
public struct CostReport: Hashable, Sendable {
  /// Energy of one component of a machine.
  public struct Part: Hashable, Sendable {
    /// The part of the machine.
    public var component: String
    /// nil: it happens, but nobody knows what it costs.
    public var picojoules: Double?

    /// Creates one from its parts.
    public init(_ component: String, picojoules: Double?) {
      self.component = component
      self.picojoules = picojoules
    }
  }

  /// Where a layer's work is done.
  public enum Place: String, Hashable, Sendable { case array, processor, host }

  /// The cost of one node for one sample.
  public struct Layer: Hashable, Sendable {
    /// The node.
    public var node: NodeID
    /// The importer's name of the node.
    public var origin: String
    /// What it does.
    public var op: String
    /// Where it is done.
    public var place: Place
    /// Multiply-accumulates.
    public var macs: Int
    /// Clock cycles.
    public var cycles: Int
    /// Time.
    public var nanoseconds: Double
    /// Energy by component.
    public var energy: [Part]
    /// Things counted, such as `loads`, `stores`, `evaluations`, by name.
    public var counts: [Count]

    /// Creates one from its parts.
    public init(
      node: NodeID, origin: String, op: String, place: Place, macs: Int = 0, cycles: Int = 0, nanoseconds: Double = 0, energy: [Part] = [],
      counts: [Count] = []
    ) {
      self.node = node
      self.origin = origin
      self.op = op
      self.place = place
      self.macs = macs
      self.cycles = cycles
      self.nanoseconds = nanoseconds
      self.energy = energy
      self.counts = counts
    }

    /// The known part of the energy.
    public var picojoules: Double { energy.reduce(0) { $0 + ($1.picojoules ?? 0) } }
  }

  /// A number of things that happened.
  public struct Count: Hashable, Sendable {
    /// The name on the command line.
    public var name: String
    /// The value.
    public var value: Int

    /// Creates one from its parts.
    public init(_ name: String, _ value: Int) {
      self.name = name
      self.value = value
    }
  }

  /// Costs by layer, in running order.
  public var layers: [Layer]
  /// The constants that the figures rest on.
  public var constants: [SourcedConstant]
  /// What a reader must know: settings that decide the answer, things unknown and left out.
  public var notes: [String]

  /// Creates one from its parts.
  public init(layers: [Layer], constants: [SourcedConstant], notes: [String]) {
    self.layers = layers
    self.constants = constants
    self.notes = notes
  }

  /// Clock cycles.
  public var cycles: Int { layers.reduce(0) { $0 + $1.cycles } }
  /// Time.
  public var nanoseconds: Double { layers.reduce(0) { $0 + $1.nanoseconds } }
  /// The known part of the energy.
  public var picojoules: Double { layers.reduce(0) { $0 + $1.picojoules } }
  /// Multiply-accumulates of all layers.
  public var macs: Int { layers.reduce(0) { $0 + $1.macs } }
}
