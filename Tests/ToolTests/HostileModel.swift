import OnnxFrontend

/// A model file as an attacker writes it: whatever the format can say.
struct HostileModel {
  var nodes: [[UInt8]] = []
  var initializers: [[UInt8]] = []
  var functions: [[UInt8]] = []
  var inputExtents = [1, 4]
  var domains = [""]
  var opset = 17

  /// Nodes from input `x` to output `y`.
  init(_ nodes: [UInt8]..., initializers: [[UInt8]] = []) {
    self.nodes = nodes
    self.initializers = initializers
  }

  var bytes: [UInt8] {
    message { model in
      model.int(1, 8)
      for domain in domains {
        model.message(8) {
          $0.string(1, domain)
          $0.int(2, domain.isEmpty ? opset : 1)
        }
      }
      model.message(7) { graph in
        graph.string(2, "g")
        for node in nodes { graph.data(1, node) }
        for tensor in initializers { graph.data(5, tensor) }
        graph.message(11) { input in
          input.string(1, "x")
          input.message(2) { type in
            type.message(1) { tensor in
              tensor.int(1, 1)
              tensor.message(2) { shape in for extent in inputExtents { shape.message(1) { $0.int(1, extent) } } }
            }
          }
        }
        graph.message(12) { $0.string(1, "y") }
      }
      for function in functions { model.data(25, function) }
    }
  }
}

func message(_ build: (inout WireWriter) -> Void) -> [UInt8] {
  var writer = WireWriter()
  build(&writer)
  return writer.bytes
}

/// An attribute of a hostile node.
enum HostileAttribute {
  case int(Int)
  case ints([Int])
  case string(String)
}

func node(
  _ op: String, _ inputs: [String], _ outputs: [String] = ["y"], name: String = "", domain: String = "",
  with attributes: [(String, HostileAttribute)] = []
) -> [UInt8] {
  message { node in
    for input in inputs { node.string(1, input) }
    for output in outputs { node.string(2, output) }
    node.string(3, name)
    node.string(4, op)
    if !domain.isEmpty { node.string(7, domain) }
    for (name, value) in attributes {
      node.message(5) { attribute in
        attribute.string(1, name)
        switch value {
        case .int(let value):
          attribute.int(3, value)
          attribute.int(20, 2)
        case .string(let value):
          attribute.string(4, value)
          attribute.int(20, 3)
        case .ints(let values):
          for value in values { attribute.int(8, value) }
          attribute.int(20, 7)
        }
      }
    }
  }
}

/// An f32 or int64 tensor message; `dims` may lie.
func tensor(_ name: String, type: Int, dims: [Int], raw: [UInt8]) -> [UInt8] {
  message { tensor in
    for extent in dims { tensor.int(1, extent) }
    tensor.int(2, type)
    tensor.string(8, name)
    tensor.data(9, raw)
  }
}

func integers(_ name: String, _ values: Int..., scalar: Bool = false) -> [UInt8] {
  tensor(
    name, type: 7, dims: scalar ? [] : [values.count],
    raw: values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } })
}

func floats(_ name: String, dims: [Int] = [], _ values: Float...) -> [UInt8] {
  tensor(name, type: 1, dims: dims, raw: values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
}

/// A tensor of four floats whose elements lie in another file.
func external(_ name: String, _ entries: [(String, String)]) -> [UInt8] {
  message { tensor in
    tensor.int(1, 4)
    tensor.int(2, 1)
    tensor.string(8, name)
    tensor.int(14, 1)
    for (key, value) in entries {
      tensor.message(13) {
        $0.string(1, key)
        $0.string(2, value)
      }
    }
  }
}

/// A function of domain `local` from `a` to `t0`.
func function(_ name: String, _ nodes: [[UInt8]]) -> [UInt8] {
  message { function in
    function.string(1, name)
    function.string(4, "a")
    function.string(5, "t0")
    for node in nodes { function.data(7, node) }
    for domain in ["", "local"] {
      function.message(9) {
        $0.string(1, domain)
        $0.int(2, domain.isEmpty ? 17 : 1)
      }
    }
    function.string(10, "local")
  }
}
