import GraphIR

extension ConformanceSuite {
  private static let planes: [(name: String, pool: Pool)] = [
    ("2x2", pool(.max, [2, 2], strides: [2, 2])),
    ("3x3-overlapping", pool(.max, [3, 3])),
    ("3x3-padded", pool(.max, [3, 3], strides: [2, 2], pads: [1, 1, 1, 1])),
    ("3x2-one-sided-pads", pool(.max, [3, 2], strides: [1, 2], pads: [2, 0, 0, 1])),
    ("2x2-rounded-up", pool(.max, [2, 2], strides: [2, 2], roundUp: true)),
    ("3x3-rounded-up-and-padded", pool(.max, [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], roundUp: true)),
    ("2x2-dilated", pool(.max, [2, 2], dilations: [2, 3])),
    ("1x1-strided", pool(.max, [1, 1], strides: [2, 3])),
    ("whole-plane", pool(.max, [7, 9])),
  ]

  static let pools: [Blueprint] =
    planes.flatMap { name, pool in
      [Pool.Kind.max, .average].flatMap { kind in
        [false, true].filter { !$0 || kind == .average }.map { countPadding in
          Blueprint("\(kind.rawValue)-\(name)\(countPadding ? "-counting-padding" : "")") { b in
            var pool = pool
            pool.kind = kind
            pool.countPadding = countPadding
            let x = b.input([5, 7, 9])
            b.output(try b(.pool(pool), x))
          }
        }
      }
    }
    + [DataType.int8, .uint8, .int32, .float16].map { element in
      Blueprint("max-\(element.rawValue)") { b in
        let x = b.input([3, 5, 5], element, .whole(0...120))
        b.output(try b(.pool(pool(.max, [2, 2], strides: [2, 2], pads: [1, 0, 0, 1])), x))
      }
    } + [
      Blueprint("max-of-lowest-int8") { b in
        let x = b.input([1, 4, 4], .int8, .whole(-128 ... -127))
        b.output(try b(.pool(pool(.max, [2, 2], pads: [1, 1, 1, 1])), x))
      },
      Blueprint("max-of-nan") { b in
        let x = b.input([1, 5, 5], .float32, .edges)
        b.output(try b(.pool(pool(.max, [2, 2], pads: [1, 1, 0, 0])), x))
      },
      Blueprint("one-axis") { b in
        let x = b.input([17, 33])
        b.output(try b(.pool(pool(.max, [3], strides: [2])), x))
        b.output(try b(.pool(pool(.average, [3], strides: [2], pads: [1, 1])), x))
      },
      Blueprint("three-axes") { b in
        let x = b.input([2, 3, 4, 5])
        b.output(try b(.pool(pool(.max, [2, 2, 2])), x))
        b.output(try b(.pool(pool(.average, [2, 3, 2], pads: [0, 1, 0, 1, 0, 1], countPadding: true)), x))
      },
      Blueprint("rounding-up-drops-a-window-behind") { b in
        let x = b.input([2, 4, 4])
        b.output(try b(.pool(pool(.average, [1, 2], strides: [2, 3], pads: [0, 1, 0, 1], roundUp: true, countPadding: true)), x))
      },
    ]
}
