import GraphIR

/// A name for every value of a graph, each once, and further names that clash with none.
///
/// Names are kept where the graph has them, so that a file that was read gives its own names back.
struct ValueNames {
  private var names: [String]
  private var taken: Set<String>

  init(_ graph: Graph) {
    names = Array(repeating: "", count: graph.values.count)
    taken = []
    for input in graph.inputs { claim(graph[input].name, for: input) }
    // The graph's outputs are called as it hands them out. One that is an input, a constant or handed out twice is copied, under a new value.
    var unnamed: [ValueID] = []
    for output in graph.outputs where graph.producer(of: output.value) != nil && names[Int(output.value.index)].isEmpty {
      claim(output.name, for: output.value)
    }
    taken.formUnion(graph.outputs.map(\.name))
    for id in graph.valueIDs where names[Int(id.index)].isEmpty {
      let name = graph[id].name
      if name.isEmpty || taken.contains(name) { unnamed.append(id) } else { claim(name, for: id) }
    }
    for id in unnamed { claim(fresh(graph[id].name.isEmpty ? "v\(id.index)" : graph[id].name), for: id) }
  }

  private mutating func claim(_ name: String, for id: ValueID) {
    names[Int(id.index)] = name
    taken.insert(name)
  }

  subscript(id: ValueID) -> String { names[Int(id.index)] }

  /// `wish`, or with a number behind it when that is taken.
  mutating func fresh(_ wish: String) -> String { taken.claim(wish, separator: "_") }
}
