import GraphIR

extension ConformanceSuite {
  static let elementwiseUnary: [Blueprint] =
    UnaryKind.allCases.filter { $0 != .not }.map { kind in
      Blueprint(kind.rawValue) { b in
        let x = b.input([19], .float32, kind.isPeriodic ? .spread(8) : .edges)
        b.output(try b(.unary(kind), x))
      }
    }
    + [DataType.int8, .int32, .int64, .float16, .bfloat16, .float64].flatMap { element in
      [UnaryKind.abs, .neg, .relu, .sign].map { kind in
        Blueprint("\(kind.rawValue)-\(element.rawValue)") { b in
          let x = b.input([3, 5], element, element.isFloat ? .edges : .whole(-128...127))
          b.output(try b(.unary(kind), x))
        }
      }
    } + [
      Blueprint("not") { b in
        let x = b.input([5], .bool, .whole(0...1))
        b.output(try b(.unary(.not), x))
      },
      Blueprint("silu") { b in
        let x = b.input([33], .float32, .spread(6))
        let gate = try b(.unary(.sigmoid), x)
        b.output(try b(.binary(.mul), x, gate))
      },
      Blueprint("mish") { b in
        let x = b.input([4, 3, 3], .float32, .spread(6))
        let soft = try b(.unary(.softplus), x)
        let bounded = try b(.unary(.tanh), soft)
        b.output(try b(.binary(.mul), x, bounded))
      },
      Blueprint("relu-clip-of-odd-length", batch: 1) { b in
        let x = b.input([67], .float32, .edges)
        let positive = try b(.unary(.relu), x)
        b.output(try b(.clip(Clip(lo: 0.25, hi: 6)), positive))
      },
      Blueprint("clip-open-ended") { b in
        let x = b.input([21], .float32, .edges)
        b.output(try b(.clip(Clip(lo: -.infinity, hi: 1)), x))
        b.output(try b(.clip(Clip(lo: -1, hi: .infinity)), x))
      },
      Blueprint("clip-int8") { b in
        let x = b.input([21], .int8, .whole(-128...127))
        b.output(try b(.clip(Clip(lo: -100, hi: 50.5)), x))
      },
    ]

  static let elementwiseBinary: [Blueprint] =
    BinaryKind.allCases.filter { !$0.isLogical }.map { kind in
      Blueprint(kind.rawValue) { b in
        let x = b.input([19], .float32, .edges)
        let y = b.input([19])
        b.output(try b(.binary(kind), x, y))
        b.output(try b(.binary(kind), y, x))
      }
    }
    + [BinaryKind.add, .sub, .mul, .div, .pow, .min, .max, .less].flatMap { kind in
      [DataType.int8, .uint8, .int32, .int64, .uint64].map { element in
        Blueprint("\(kind.rawValue)-\(element.rawValue)") { b in
          let range = element.integerRange ?? 0...1
          let x = b.input([9], element, .whole(range))
          let y = b.input([9], element, .whole(max(range.lowerBound, -2)...3))
          b.output(try b(.binary(kind), x, y))
        }
      }
    }
    + [BinaryKind.and, .or, .xor, .equal].map { kind in
      Blueprint("\(kind.rawValue)-bool") { b in
        let x = b.input([9], .bool, .whole(0...1))
        let y = b.input([9], .bool, .whole(0...1))
        b.output(try b(.binary(kind), x, y))
      }
    }
    + [[], [1], [17], [4, 1], [4, 17], [1, 4, 17]].enumerated().map { number, shape in
      Blueprint("add-constant-of-rank-\(shape.count)-\(number)") { b in
        let x = b.input([4, 17])
        let c = b.constant(Shape(shape))
        let sum = try b(.binary(.add), x, c)
        b.output(try b(.binary(.mul), c, sum))
      }
    } + [
      Blueprint("sub-outer") { b in
        let x = b.input([1, 5])
        let y = b.input([4, 1])
        b.output(try b(.binary(.sub), x, y))
      },
      Blueprint("mul-by-channel-and-add") { b in
        let x = b.input([5, 3, 3])
        let (scale, shift) = (b.constant([5, 1, 1]), b.constant([1, 5, 1, 1]))
        let scaled = try b(.binary(.mul), x, scale)
        b.output(try b(.binary(.add), scaled, shift))
      },
      Blueprint("mul-add-is-not-fused") { b in
        let x = b.input([64])
        let product = try b(.binary(.mul), x, x)
        b.output(try b(.binary(.sub), product, x))
      },
      Blueprint("select-greater") { b in
        let x = b.input([4, 5], .float32, .edges)
        let y = b.constant([5])
        let isGreater = try b(.binary(.greater), x, y)
        b.output(try b(.select, isGreater, x, y))
      },
      Blueprint("select-int32") { b in
        let condition = b.input([4, 1], .bool, .whole(0...1))
        let (then, otherwise) = (b.input([5], .int32, .whole(-9...9)), b.constant([], .int32, .whole(100...100)))
        let columns = try b(.reshape(Reshape(shape: [Shape.free, 1, 5])), then)
        b.output(try b(.select, condition, columns, otherwise))
      },
    ]

  static let casts: [Blueprint] =
    DataType.allCases.map { element in
      Blueprint("f32-to-\(element.rawValue)") { b in
        let x = b.input([23], .float32, .edges)
        let y = b.input([23], .float32, .spread(400))
        b.output(try b(.cast(Cast(to: element)), x))
        b.output(try b(.cast(Cast(to: element)), y))
      }
    }
    + DataType.allCases.filter { $0 != .float32 }.map { element in
      Blueprint("\(element.rawValue)-to-f32") { b in
        let x = b.input([23], element, element == .bit ? .spread(1) : .whole(element.integerRange ?? 0...1))
        b.output(try b(.cast(Cast(to: .float32)), x))
      }
    } + [
      Blueprint("int32-to-bytes") { b in
        let x = b.input([23], .int32, .whole(-1000...1000))
        b.output(try b(.cast(Cast(to: .uint8)), x))
        b.output(try b(.cast(Cast(to: .int8)), x))
      },
      Blueprint("bool-to-bit-and-back") { b in
        let x = b.input([23], .bool, .whole(0...1))
        let bits = try b(.cast(Cast(to: .bit)), x)
        b.output(try b(.cast(Cast(to: .bool)), bits))
      },
    ]
}

extension UnaryKind {
  /// Whether large arguments ask for more than a machine's function need give.
  fileprivate var isPeriodic: Bool { self == .sin || self == .cos || self == .tan }
}

extension BinaryKind {
  fileprivate var isLogical: Bool { self == .and || self == .or || self == .xor }
}
