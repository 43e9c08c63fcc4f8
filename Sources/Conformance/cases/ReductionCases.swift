import GraphIR

extension ConformanceSuite {
  static let reductions: [Blueprint] =
    Reduce.Kind.allCases.flatMap { kind in
      [[1], [3], [2, 3], [1, 2, 3], []].flatMap { axes in
        [true, false].map { keepAxes in
          Blueprint("\(kind.rawValue)-along-\(axes.map(String.init).joined(separator: "-"))\(keepAxes ? "" : "-dropped")") { b in
            let x = b.input([5, 3, 4], .float32, .whole(1...3))
            let y = try b(.unary(.sqrt), x)
            b.output(try b(reduce(kind, axes, keepAxes: keepAxes), y))
          }
        }
      }
    }
    + Reduce.Kind.allCases.flatMap { kind in
      [DataType.int8, .uint8, .int32, .int64].map { element in
        Blueprint("\(kind.rawValue)-\(element.rawValue)") { b in
          let range = element.integerRange ?? 0...1
          let x = b.input([3, 5], element, .whole(max(range.lowerBound, -200)...min(range.upperBound, 200)))
          b.output(try b(reduce(kind, [2]), x))
        }
      }
    }
    + [Reduce.Kind.max, .min].map { kind in
      Blueprint("\(kind.rawValue)-of-nan") { b in
        let x = b.input([3, 9], .float32, .edges)
        b.output(try b(reduce(kind, [2]), x))
      }
    } + [
      Blueprint("mean-of-many", batch: 2) { b in
        let x = b.input([3, 33, 33], .float32, .whole(0...255))
        b.output(try b(reduce(.mean, [2, 3]), x))
      },
      Blueprint("over-the-bound-batch") { b in
        let x = b.fixedInput([3, 17], .float32, .whole(1...9))
        b.output(try b(reduce(.sum, [0]), x))
      },
      Blueprint("softmax-last") { b in
        let x = b.input([17], .float32, .spread(8))
        b.output(try b(.softmax(AxisAttribute(axis: 1)), x))
      },
      Blueprint("softmax-channels") { b in
        let x = b.input([5, 2, 3], .float32, .spread(100))
        b.output(try b(.softmax(AxisAttribute(axis: 1)), x))
      },
      Blueprint("softmax-of-one") { b in
        let x = b.input([1])
        b.output(try b(.softmax(AxisAttribute(axis: 1)), x))
      },
    ]
}
