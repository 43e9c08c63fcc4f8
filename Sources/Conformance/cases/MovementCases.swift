import GraphIR

extension ConformanceSuite {
  static let movements: [Blueprint] =
    [[0, 2, 1, 3], [0, 3, 1, 2], [0, 1, 3, 2], [0, 3, 2, 1]].map { order in
      Blueprint("transpose-\(order.map(String.init).joined())") { b in
        let x = b.input([3, 4, 5])
        b.output(try b(.transpose(Transpose(order: order)), x))
      }
    }
    + [Pad.Mode.constant, .reflect, .edge, .wrap].map { mode in
      Blueprint("pad-\(mode.rawValue)") { b in
        let x = b.input([3, 4])
        b.output(try b(pad(mode, [0, 1, 2, 0, 0, 3], value: -1.5), x))
        b.output(try b(pad(mode, [0, -1, 2, 0, 1, -2], value: 7), x))
      }
    }
    + [DataType.float16, .int64, .int8, .uint16, .bool].map { element in
      Blueprint("all-\(element.rawValue)") { b in
        let x = b.input([3, 4], element, .whole(0...1))
        let turned = try b(.transpose(Transpose(order: [0, 2, 1])), x)
        let part = try b(slice(starts: [0, 3, 0], steps: [1, -2, 1], extents: [Shape.free, 2, 3]), turned)
        b.output(try b(.concat(AxisAttribute(axis: 1)), part, turned))
      }
    } + [
      Blueprint("reshape-and-back") { b in
        let x = b.input([4, 6])
        let flat = try b(.reshape(Reshape(shape: [Shape.free, 24])), x)
        b.output(try b(.reshape(Reshape(shape: [Shape.free, 2, 3, 4])), flat))
      },
      Blueprint("reshape-of-an-output-and-relu") { b in
        let x = b.input([4, 6])
        let positive = try b(.unary(.relu), x)
        b.output(positive)
        b.output(try b(.reshape(Reshape(shape: [Shape.free, 24])), positive))
      },
      Blueprint("expand-rows") { b in
        let x = b.input([1, 5])
        b.output(try b(.expand(Reshape(shape: [Shape.free, 4, 5])), x))
      },
      Blueprint("concat-of-three") { b in
        let (x, y) = (b.input([3, 2]), b.input([1, 2]))
        b.output(try b(.concat(AxisAttribute(axis: 1)), x, y, x))
      },
      Blueprint("concat-of-channels") { b in
        let x = b.input([3, 4, 4])
        let (a, c) = (try b(.unary(.relu), x), try b(.unary(.neg), x))
        b.output(try b(.concat(AxisAttribute(axis: 1)), a, c))
      },
      Blueprint("slice-with-steps") { b in
        let x = b.input([9, 8])
        b.output(try b(slice(starts: [0, 1, 7], steps: [1, 3, -2], extents: [Shape.free, 3, 4]), x))
      },
      Blueprint("slice-to-nothing") { b in
        let x = b.input([9])
        b.output(try b(slice(starts: [0, 0], steps: [1, 1], extents: [Shape.free, 0]), x))
      },
      Blueprint("gather-columns") { b in
        let x = b.input([5, 3])
        let indices = b.constant(.integers(.int64, [2, 2], [4, 0, -1, 2]))
        b.output(try b(.gather(AxisAttribute(axis: 1)), x, indices))
      },
      Blueprint("gather-embedding") { b in
        let indices = b.input([4], .int32, .whole(0...6))
        b.output(try b(.gather(AxisAttribute(axis: 0)), b.constant([7, 5]), indices))
      },
      Blueprint("output-is-input") { b in
        let x = b.input([5])
        b.output(x)
        b.output(try b(.unary(.relu), x))
      },
    ]
}
