import GraphIR

/// How a value lies in memory.
enum ValueLayout: Hashable, Sendable {
  /// Row-major, as its type says.
  case plain
  /// `[batch][ceil(channels / 16)][positions][16]` for a type of `[batch, channels, positions...]`.
  case blocked
  /// `[batch][positions][ceil(channels / 64)]` words of bits, for codes of -1 and +1.
  case bits
}

extension Reduce {
  /// Whether it is the mean over the two spatial axes.
  var isMeanOfPlanes: Bool { kind == .mean && axes.sorted() == [2, 3] }
}

extension Shape {
  /// Channels side by side in a block.
  static let lanes = 16

  /// Dimension 1 in whole blocks.
  var channelBlocks: Int { (self[1] + Shape.lanes - 1) / Shape.lanes }

  /// The product of the dimensions behind the channels.
  var positions: Int { dimensions.dropFirst(2).reduce(1, *) }

  /// Elements of one sample in a layout; for bits, bytes.
  func sampleElements(_ layout: ValueLayout) -> Int? {
    switch layout {
    case .plain: Shape.product(dimensions.dropFirst())
    case .blocked: Shape.product([channelBlocks, Shape.lanes] + dimensions.dropFirst(2))
    case .bits: Shape.product([channelWords, 8] + dimensions.dropFirst(2))
    }
  }
}

/// A node as the backend runs it: perhaps several of the graph's in one, on values each in its layout.
struct PlannedNode {
  /// The node of the graph that it stands for, the first where it stands for several.
  let id: NodeID
  /// Operands and results name slots: values of the graph, and behind them copies in another layout.
  var node: Node
  /// A slot that is added to a convolution's sums before its activation.
  var addend: ValueID?
  /// What becomes of a binary convolution's sums, if the node gives that instead of them.
  var finish: Finish?
  /// Whether it is a binary layer of bits.
  var readsBits = false
  /// Set on a node that computes on codes.
  var coded: CodedNode?
  /// Set on a node whose result is bits.
  var bits: BitNode?
  /// Set on an integer layer that gives its sums.
  var sums: SumNode?
  /// Multiply-accumulates, of a sample if the batch is free.
  var macs = 0
  /// Set on a node that only brings its operand into its result's layout.
  var isConversion = false
}

/// A rescale of one base that runs in the convolution before it, and perhaps the quantize behind it.
struct Finish {
  let m: ValueID
  let c: ValueID
  let activation: Activation
  /// The range of the codes that the convolution reads, with the 0 of padding.
  let codes: ClosedRange<Int>
  /// The next codes and their scale; nil: the numbers are stored.
  let quantize: (Quantize, scale: Float)?
}

/// What there are kernels for.
struct NodeChoices {
  /// Nodes that may run in blocks of channels.
  let blocked: Set<NodeID>
  /// Whether a layer whose weights have a shape may run on codes.
  let coded: (Node, Shape) -> Bool
  /// Binary layers that may run on bits.
  let onBits: Set<NodeID>
  /// Whether an integer layer whose weights have a shape may give sums.
  let toSums: (Node, Shape) -> Bool
}

/// The nodes of a graph that depend on inputs, fused where that saves traffic, with regions of the graph in blocks of channels.
///
/// ```
/// %3 = conv %1 …                          %3: blocked
/// %4 = add %3, %2          becomes        %5 = conv %1 … + %2, relu     (%3 and %4 are never stored)
/// %5 = relu %4
/// ```
struct NodePlan {
  private(set) var nodes: [PlannedNode] = []
  /// By slot.
  private(set) var layouts: [ValueLayout]
  private(set) var types: [TensorType]
  /// Values that are not stored, because a fused node stands for those that compute them.
  private(set) var hidden: Set<ValueID> = []
  private var copies: [ValueID: ValueID] = [:]

  /// `fuses`: whether nodes may be fused, hiding values.
  init(_ graph: Graph, isVariable: [Bool], constants: Constants, fuses: Bool, _ choices: NodeChoices) {
    let variable = zip(graph.nodeIDs, graph.nodes).filter { $1.results.contains { isVariable[Int($0.index)] } }
    let blocked = choices.blocked
    let fused = fuses ? Fusions(graph, isVariable: isVariable, constants: constants, choices) : Fusions()
    hidden = fused.hidden
    types = graph.values.map(\.type) + fused.extraTypes
    layouts = [ValueLayout](repeating: .plain, count: types.count)
    let isVariable = isVariable + [Bool](repeating: true, count: fused.extraTypes.count)
    for (id, node) in variable where !fused.absorbed.contains(id) {
      for var planned in fused.planned[id] ?? [PlannedNode(id: id, node: node)] {
        let source = graph[fused.convolution[id] ?? id]
        if planned.node.op.name == source.op.name { planned.macs = source.macs(in: graph) }
        add(planned, isVariable, mayBlock: blocked.contains(fused.convolution[id] ?? id))
      }
    }
  }

  private mutating func add(_ planned: PlannedNode, _ isVariable: [Bool], mayBlock: Bool) {
    var planned = planned
    let isRead = { (id: ValueID) in isVariable[Int(id.index)] }
    let (layout, wanted): (ValueLayout, ValueLayout) =
      if let coded = planned.coded {
        codedChoice(planned.node, coded)
      } else if case .pack = planned.bits {
        (.bits, .blocked)
      } else if planned.bits != nil {
        (.bits, .bits)
      } else if planned.sums != nil {
        if case .conv = planned.node.op { (.blocked, .blocked) } else { (.plain, .plain) }
      } else if planned.finish != nil {
        (.blocked, planned.readsBits ? .bits : .blocked)
      } else {
        choice(planned.node, isRead, mayBlock: mayBlock)
      }
    for (place, operand) in planned.node.operands.enumerated() where isRead(operand) {
      // Behind the codes of an integer layer come numbers.
      planned.node.operands[place] = copy(operand, in: planned.sums != nil && place > 0 ? .plain : wanted, for: planned)
    }
    if let addend = planned.addend { planned.addend = copy(addend, in: .blocked, for: planned) }
    for result in planned.node.results { layouts[Int(result.index)] = layout }
    nodes.append(planned)
  }

  /// The layouts of a node's results and operands.
  private func choice(_ node: Node, _ isRead: (ValueID) -> Bool, mayBlock: Bool) -> (result: ValueLayout, operands: ValueLayout) {
    func isBlocked(_ id: ValueID) -> Bool { isRead(id) && layouts[Int(id.index)] == .blocked }
    let isFloat = types[Int(node.operands[0].index)].element == .float32
    switch node.op {
    case .conv(let a) where mayBlock && a.groups > 1: return (.blocked, .blocked)
    case .conv where mayBlock: return (.blocked, types[Int(node.operands[0].index)].shape[1] < Shape.lanes ? .plain : .blocked)
    case .unary(.relu) where isFloat, .clip where isFloat, .pool where mayBlock, .quantize where mayBlock:
      let layout = layouts[Int(node.operands[0].index)]
      return (layout, layout)
    case .binary(let kind) where isFloat && [.add, .sub, .mul].contains(kind):
      let shapes = node.operands.map { types[Int($0.index)].shape }
      if node.operands.allSatisfy(isBlocked) && shapes[0] == shapes[1] { return (.blocked, .blocked) }
      return (.plain, .plain)
    case .reduce(let a) where mayBlock && a.isMeanOfPlanes && isBlocked(node.operands[0]):
      // One position in whole blocks lies as it does in a plain tensor.
      return (.plain, types[Int(node.operands[0].index)].shape[1] % Shape.lanes == 0 ? .blocked : .plain)
    default: return (.plain, .plain)
    }
  }

  /// The layouts of the result and the operands of a node that computes on codes.
  private func codedChoice(_ node: Node, _ coded: CodedNode) -> (result: ValueLayout, operands: ValueLayout) {
    let shape = types[Int(node.operands[0].index)].shape
    switch coded.kind {
    case .layer(let layer):
      let weights = layer.weights
      if weights.shape.rank == 2 { return (.plain, .plain) }
      return (.blocked, weights.shape[1] == shape[1] && shape[1] < Shape.lanes ? .plain : .blocked)
    case .sum:
      let isBlocked = shape.rank > 2 && node.operands.contains { layouts[Int($0.index)] == .blocked }
      return isBlocked ? (.blocked, .blocked) : (.plain, .plain)
    case .mean: return (.plain, .blocked)
    }
  }

  /// The slot that holds a value in a layout; a node is added that fills it where there is none yet.
  private mutating func copy(_ id: ValueID, in layout: ValueLayout, for reader: PlannedNode) -> ValueID {
    if layouts[Int(id.index)] == layout { return id }
    if let known = copies[id] { return known }
    let slot = ValueID(layouts.count)
    layouts.append(layout)
    types.append(types[Int(id.index)])
    copies[id] = slot
    var conversion = PlannedNode(id: reader.id, node: reader.node, isConversion: true)
    (conversion.node.operands, conversion.node.results) = ([id], [slot])
    nodes.append(conversion)
    return slot
  }
}
