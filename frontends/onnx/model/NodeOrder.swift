import GraphIR

/// Sorts nodes so that each follows what it needs, keeping the file's order where that holds already.
struct NodeOrder {
  /// Nodes that some output needs, in running order, by place in the file.
  let live: [Int]
  /// Names that are defined twice or never, and cycles.
  let faults: [Diagnostic]

  /// - Parameters:
  ///   - given: names of inputs and initializers.
  ///   - wanted: names that the graph hands out.
  init(_ nodes: [SourceNode], given: [String], wanted: [String]) {
    var sorter = Sorter(nodes)
    sorter.define(given)
    sorter.sort()
    live = sorter.live(wanted)
    faults = sorter.faults
  }
}

/// The depth-first walk behind `NodeOrder`, on a stack of its own: a chain may be as long as the file.
private struct Sorter {
  enum Mark { case fresh, open, done }

  let nodes: [SourceNode]
  /// For each node, the names of what must be there before.
  let needs: [[String]]
  var producers: [String: Int] = [:]
  var given: Set<String> = []
  var order: [Int] = []
  var marks: [Mark]
  var faults: [Diagnostic] = []

  init(_ nodes: [SourceNode]) {
    self.nodes = nodes
    needs = nodes.map(\.needs)
    marks = Array(repeating: .fresh, count: nodes.count)
  }

  mutating func report(_ message: String, _ node: Int?) {
    faults.append(Diagnostic(.badInput, message, place: node.map { "node '\(nodes[$0].origin)'" }))
  }

  mutating func define(_ names: [String]) {
    if names.contains("") { report("an input has no name", nil) }
    for name in names where !given.insert(name).inserted { report("input '\(name)' is there twice", nil) }
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where !output.isEmpty {
        if given.contains(output) || producers.updateValue(index, forKey: output) != nil {
          report("value '\(output)' is defined twice", index)
        }
      }
    }
    for (index, node) in nodes.enumerated() {
      for input in node.needs where !input.isEmpty && !given.contains(input) && producers[input] == nil {
        report("value '\(input)' is not defined", index)
      }
    }
  }

  mutating func sort() {
    for root in nodes.indices where marks[root] == .fresh {
      var stack = [(node: root, next: 0)]
      marks[root] = .open
      while let (node, next) = stack.last {
        let inputs = needs[node]
        guard next < inputs.count else {
          marks[node] = .done
          order.append(node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        guard let producer = producers[inputs[next]] else { continue }
        switch marks[producer] {
        case .done: continue
        case .open:
          let cycle = stack.drop { $0.node != producer }.map { "'\(nodes[$0.node].origin)'" }
          report("needs its own result: \(cycle.prefix(8).joined(separator: " <- "))\(cycle.count > 8 ? " …" : "")", producer)
          return
        case .fresh:
          marks[producer] = .open
          stack.append((producer, 0))
        }
      }
    }
  }

  mutating func live(_ wanted: [String]) -> [Int] {
    var isLive = [Bool](repeating: false, count: nodes.count)
    if wanted.isEmpty { report("the graph hands out nothing", nil) }
    if Set(wanted).count < wanted.count { report("an output is there twice", nil) }
    for name in wanted {
      if let producer = producers[name] {
        isLive[producer] = true
      } else if !given.contains(name) {
        report("output '\(name)' is not computed", nil)
      }
    }
    for node in order.reversed() where isLive[node] {
      for input in needs[node] { if let producer = producers[input] { isLive[producer] = true } }
    }
    return order.filter { isLive[$0] }
  }
}
