import GraphIR

extension ConformanceSuite {
  static let denseLayers: [Blueprint] =
    [(1, 1), (1, 17), (3, 33), (16, 16), (17, 3), (33, 1), (64, 10), (65, 17), (129, 64)].map { inputs, filters in
      Blueprint("\(inputs)-to-\(filters)") { b in
        let x = b.input([inputs])
        b.output(try b(.dense(Dense()), x, b.constant([filters, inputs])))
      }
    }
    + [("relu", Activation.relu), ("clip", .clip(-0.5, 0.5))].map { name, activation in
      Blueprint("bias-\(name)", batch: 5) { b in
        let x = b.input([31])
        b.output(try b(.dense(Dense(activation: activation)), x, b.constant([9, 31]), b.constant([9])))
      }
    }
    + [DataType.float16, .bfloat16, .float64].map { element in
      Blueprint(element.rawValue) { b in
        let x = b.input([9], element)
        b.output(try b(.dense(Dense()), x, b.constant([4, 9], element), b.constant([4], element)))
      }
    } + [
      Blueprint("batch-of-seventeen", batch: 17) { b in
        let x = b.input([16])
        b.output(try b(.dense(Dense()), x, b.constant([16, 16]), b.constant([16])))
      },
      Blueprint("larger-than-a-block", batch: 9) { b in
        let x = b.input([1030])
        b.output(try b(.dense(Dense()), x, b.constant([131, 1030]), b.constant([131])))
      },
      Blueprint("batch-of-one", batch: 1) { b in
        let x = b.input([33])
        b.output(try b(.dense(Dense()), x, b.constant([17, 33])))
      },
    ]

  static let matrixProducts: [Blueprint] = [
    Blueprint("by-constant") { b in
      let x = b.input([17])
      b.output(try b(.matmul, x, b.constant([17, 33])))
    },
    Blueprint("by-constant-for-each-row") { b in
      let x = b.input([5, 17])
      b.output(try b(.matmul, x, b.constant([17, 3])))
    },
    Blueprint("of-two-inputs") { b in
      let (x, y) = (b.input([5, 16]), b.input([16, 7]))
      b.output(try b(.matmul, x, y))
    },
    Blueprint("broadcasting-outer-axes") { b in
      let (x, y) = (b.input([2, 1, 3, 4]), b.input([1, 5, 4, 2]))
      b.output(try b(.matmul, x, y))
    },
    Blueprint("constant-from-the-left") { b in
      let x = b.input([6, 5])
      b.output(try b(.matmul, b.constant([3, 6]), x))
    },
    Blueprint("larger-than-a-block", batch: 2) { b in
      let (x, y) = (b.input([70, 300]), b.input([300, 67]))
      b.output(try b(.matmul, x, y))
    },
    Blueprint("attention") { b in
      let x = b.input([6, 8])
      let turned = try b(.transpose(Transpose(order: [0, 2, 1])), x)
      let scores = try b(.matmul, x, turned)
      let shares = try b(.softmax(AxisAttribute(axis: 2)), scores)
      b.output(try b(.matmul, shares, x))
    },
    Blueprint("int32-wraps") { b in
      let x = b.input([4, 5], .int32, .whole(-1_000_000_000...1_000_000_000))
      b.output(try b(.matmul, x, b.constant([5, 3], .int32, .whole(-100...100))))
    },
    Blueprint("uint8-wraps") { b in
      let x = b.input([4, 5], .uint8, .whole(0...255))
      b.output(try b(.matmul, x, b.constant([5, 3], .uint8, .whole(0...255))))
    },
  ]
}
