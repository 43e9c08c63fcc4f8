import GraphIR

extension ConformanceSuite {
  static let searches: [Blueprint] =
    [DataType.float32, .float16, .float64, .int32, .uint64].flatMap { element in
      [
        Blueprint("cumulate-\(element.rawValue)") { b in
          let x = b.input([4, 5], element, element.isFloat ? .spread(2) : .whole(0...100))
          b.output(try b(.cumulate(Cumulate(.sum, axis: 2)), x))
          b.output(try b(.cumulate(Cumulate(.product, axis: 1)), x))
        },
        Blueprint("top_k-\(element.rawValue)") { b in
          let x = b.input([21], element, element.isFloat ? .edges : .whole(0...7))
          b.output(try b(.topK(TopK(axis: 1, count: 5, largest: true)), x))
          b.output(try b(.topK(TopK(axis: 1, count: 21, largest: false)), x))
        },
      ]
    }
    + Scatter.Reduction.allCases.flatMap { reduction in
      [DataType.float32, .int8, .uint64].map { element in
        Blueprint("scatter-\(reduction.rawValue)-\(element.rawValue)") { b in
          let draw: Draw = element.isFloat ? .spread(2) : .whole(0...100)
          let data = b.fixedInput([5, 3], element, draw)
          let indices = b.fixedInput([4], .int64, .whole(-5...4))
          let updates = b.fixedInput([4, 3], element, draw)
          b.output(try b(.scatter(Scatter(reduction)), data, indices, updates))
        }
      }
    } + [
      Blueprint("bits-of-integers") { b in
        let x = b.input([9], .int16, .whole(-32768...32767))
        let y = b.input([9], .int16, .whole(-32768...32767))
        for kind in [BinaryKind.and, .or, .xor] { b.output(try b(.binary(kind), x, y)) }
      },
      Blueprint("small-floats") { b in
        let x = b.input([40], .float32, .edges)
        for type in DataType.allCases where SmallFloat(type) != nil {
          let codes = try b(.cast(Cast(to: type)), x)
          b.output(codes)
          b.output(try b(.cast(Cast(to: .float32)), codes))
        }
      },
      Blueprint("reinterpreted") { b in
        let x = b.input([7], .float32, .edges)
        let bits = try b(.cast(Cast(to: .uint32, reinterprets: true)), x)
        b.output(bits)
        b.output(try b(.cast(Cast(to: .float32, reinterprets: true)), bits))
      },
    ]
}
