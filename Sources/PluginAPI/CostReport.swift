import GraphIR

/// What one run of a network costs, layer by layer, for one sample.
public struct CostReport: Hashable, Sendable {
  /// Energy of one component of a machine.
  public struct Part: Hashable, Sendable {
    public var component: String
    /// nil: it happens, but nobody knows what it costs.
    public var picojoules: Double?

    public init(_ component: String, picojoules: Double?) {
      self.component = component
      self.picojoules = picojoules
    }
  }

  /// Where a layer's work is done.
  public enum Place: String, Hashable, Sendable { case array, processor, host }

  /// The cost of one node for one sample.
  public struct Layer: Hashable, Sendable {
    public var node: NodeID
    public var origin: String
    public var op: String
    public var place: Place
    /// Multiply-accumulates.
    public var macs: Int
    public var cycles: Int
    public var nanoseconds: Double
    public var energy: [Part]
    /// Things counted, such as `loads`, `stores`, `evaluations`, by name.
    public var counts: [Count]

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
    public var name: String
    public var value: Int

    public init(_ name: String, _ value: Int) {
      self.name = name
      self.value = value
    }
  }

  public var layers: [Layer]
  /// The constants that the figures rest on.
  public var constants: [SourcedConstant]
  /// What a reader must know: settings that decide the answer, things unknown and left out.
  public var notes: [String]

  public init(layers: [Layer], constants: [SourcedConstant], notes: [String]) {
    self.layers = layers
    self.constants = constants
    self.notes = notes
  }

  public var cycles: Int { layers.reduce(0) { $0 + $1.cycles } }
  public var nanoseconds: Double { layers.reduce(0) { $0 + $1.nanoseconds } }
  /// The known part of the energy.
  public var picojoules: Double { layers.reduce(0) { $0 + $1.picojoules } }
  public var macs: Int { layers.reduce(0) { $0 + $1.macs } }
}
